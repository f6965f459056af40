from __future__ import annotations

import random

import pytest

from actsearch.evaluate.ladder.ranges import RATE
from actsearch.evaluate.ladder.runner import InProcess
from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.ladder.study import Study
from actsearch.evaluate.ladder.training import Trained, steps
from actsearch.evaluate.ladder.tuning import Tuning
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import parse

SETTINGS = LadderSettings(trials=12, together=4)


@pytest.fixture
def study(told, swish):
    """Maker of studies, with what it keeps."""

    def make(**changes) -> Study:
        fields = {
            "name": "swish", "subject": swish, "task": told, "settings": SETTINGS, "seed": 5, "limit": SETTINGS.trials,
            "keep": lambda *_: None,
        }  # fmt: skip
        return Study(**{**fields, **changes})

    return make


def driven(study: Study, task, *, shuffle: random.Random | None = None, most: int = 100) -> Study:
    """The study after up to `most` trials, those under way ending in a random order."""
    for _ in range(most):
        under_way = []
        while (taken := study.take()) is not None:
            under_way.append(taken)
        if shuffle:
            shuffle.shuffle(under_way)
        for number, training in under_way:
            curve = ()
            for point in steps(task, training):
                curve += (point,)
                if not study.goes_on(number, curve):
                    break
            study.end(number, training, Trained.of(curve, None, 0.0))
    return study


def test_the_first_trial_is_the_defaults_and_the_others_are_drawn_around_them(study, told):
    trials = driven(study(), told).trials
    assert list(trials) == list(range(12))
    assert trials[0].values == {RATE: 0.1, "beta": 1.0}
    assert all(0.01 <= trial.values[RATE] <= 1.0 and 0 <= trial.values["beta"] <= 2 for trial in trials.values())
    assert len({tuple(trial.values.items()) for trial in trials.values()}) == 12


def test_tuning_finds_something_better_than_the_defaults_and_stops_what_is_worse(study, told):
    done = driven(study(), told)
    assert done.is_done
    assert done.best.trained.score == max(t.trained.score for t in done.trials.values() if t.trained.score is not None)
    assert done.best.trained.score > done.trials[0].trained.score + 0.2
    assert {trial.trained.ending for number, trial in done.trials.items() if number < 4} == {"complete"}
    assert "stopped" in {trial.trained.ending for trial in done.trials.values()}


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_trials_end_changes_nothing(seed, study, told):
    assert driven(study(), told, shuffle=random.Random(seed)).trials == driven(study(), told).trials


@pytest.mark.parametrize("kept", [{0}, {2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3, 5}, set(range(12))])
def test_a_study_that_was_broken_off_goes_on_as_an_unbroken_one(kept, study, told):
    whole = driven(study(), told).trials
    started = []
    rest = study(trials={number: whole[number] for number in kept}, keep=lambda _, trial, __: started.append(trial))
    assert driven(rest, told).trials == whole
    assert sorted(trial.number for trial in started) == [number for number in range(12) if number not in kept]


def test_a_trial_is_kept_with_what_was_trained(study, told, swish):
    kept = []
    driven(study(keep=lambda *what: kept.append(what)), told)
    assert all(name == "swish" for name, _, _ in kept)
    for _, trial, subject in kept:
        assert subject == subject_of(parse("x * sigmoid(beta * x)", beta=trial.values["beta"]))


def test_initial_values_that_leave_no_function_fail_without_a_training(study, told):
    subject = subject_of(parse("relu(x - beta)", beta=20.0))  # beyond 40 no sample of N(0, 1) is left
    done = driven(study(subject=subject, settings=LadderSettings(trials=12, spread=3.0)), told)
    failed = [trial.trained for trial in done.trials.values() if trial.trained.ending == "failed"]
    assert done.is_done
    assert failed
    assert all("not finite under N(0, 1)" in trained.reason and trained.curve == () for trained in failed)


def test_results_that_are_no_score_are_never_the_best(study, told):
    done = study()
    while (taken := done.take()) is not None:
        number, training = taken
        curve = ((0.5, 1.0), (1.0, float("nan"))) if number % 2 else ((0.5, 1.0),)
        done.end(number, training, Trained.of(curve, None if number % 2 else "broke", 0.0))
    assert done.is_done
    assert done.best is None


def tuning(study, names: str, *, candidates: str = "", keep=lambda *_: None, known=None) -> Tuning:
    trials = known or {}
    return Tuning(
        candidates=[study(name=name, trials=trials.get(name, {}), keep=keep) for name in candidates],
        baselines=[
            study(
                name=name, limit=1, trials=trials.get(name, {}), keep=keep,
                subject=subject_of(parse(f"x * sigmoid({1 + index} * beta * x)", beta=1.0 + 0.1 * index)),
            )
            for index, name in enumerate(names)
        ],
        chosen=2,
        trials=12,
    )  # fmt: skip


def test_the_baselines_that_do_best_as_they_are_get_the_budget_of_a_candidate(study, told):
    kept: dict[str, list[int]] = {}
    agenda = tuning(
        study, "abcd", candidates="z", keep=lambda name, trial, _: kept.setdefault(name, []).append(trial.number)
    )
    InProcess(told).run(agenda, lambda: None)
    # The task likes initial values near 1.4: those of c and d are nearest.
    assert [chosen.name for chosen in agenda.chosen] == ["c", "d"]
    assert {name: sorted(numbers) for name, numbers in kept.items()} == {
        "a": [0], "b": [0], "c": list(range(12)), "d": list(range(12)), "z": list(range(12)),
    }  # fmt: skip
    assert agenda.is_done
    assert agenda.total == sum(map(len, kept.values()))


def test_a_tuning_with_everything_known_is_done_at_once(study, told):
    known: dict[str, dict] = {}
    whole = tuning(
        study, "abc", candidates="z", keep=lambda name, t, _: known.setdefault(name, {}).update({t.number: t})
    )
    InProcess(told).run(whole, lambda: None)
    again = tuning(study, "abc", candidates="z", known=known)
    assert again.take() is None
    assert again.is_done


def test_a_task_that_fails_on_every_baseline_ends_the_tuning(study, told):
    class Broken(type(told)):
        def curve(self, make_activation, seed, learning_rate):
            raise RuntimeError("no data")

    kept = []
    agenda = tuning(study, "ab", candidates="z", keep=lambda name, trial, _: kept.append(name))
    InProcess(Broken()).run(agenda, lambda: None)
    assert agenda.is_broken
    assert agenda.is_done
    assert kept == ["a", "b"]
