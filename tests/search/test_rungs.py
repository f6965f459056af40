from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import actsearch
from actsearch.errors import ConfigError, TaskError
from actsearch.search.finalists import choose
from actsearch.store.journal import Journal
from actsearch.store.summary import BASELINE, FINAL
from actsearch.store.tuning import TUNE
from tests.search.conftest import SETTINGS as QUICK
from tests.search.real import REAL

LADDER = {"ladder.survivors": "5", "ladder.baselines": "2", "ladder.trials": "6", "ladder.together": "3"}
SETTINGS = ("generation=6", "finalists=3", "evolution.population=8", "track_uri=none")
NAMES = {"gelu", "tanh", "softplus", "selu"}
"""Baselines of both tasks."""


@pytest.fixture(scope="module")
def write_real(tmp_path_factory):
    """Writer of the real task with a statement of the test's own before each point."""

    def write(statement: str = "pass") -> str:
        path = tmp_path_factory.mktemp("real") / "real.py"
        path.write_text(REAL.replace("# here", statement), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="module")
def real(write_real) -> str:
    return write_real()


def read(store: Path):
    """What the journal has of the newest search: its record, trials and finals."""
    with Journal.open(store) as journal:
        record = journal.search()
        return record, journal.trials(record, TUNE), journal.trials(record, FINAL), journal.scores(record, FINAL)


@pytest.fixture(scope="module")
def climbed(cheap, real, tmp_path_factory):
    """A search with its real task, and what its journal has."""
    store = tmp_path_factory.mktemp("climbed") / "store"
    options = {"task": cheap, "strategy": "evolution", "workers": "in-process", "budget": "20c", "store": store}
    summary = actsearch.search("swish", then=real, settings={**QUICK, **LADDER}, **options)
    return summary, *read(store)


def test_the_best_candidates_and_the_best_baselines_are_tuned_with_the_same_budget(climbed):
    summary, _, trials, _, _ = climbed
    numbers = {name: [t.number for t in trials if t.subject == name] for name in {t.subject for t in trials}}
    survivors = {standing.name for standing in choose(summary.candidates, 5, 0.999)}
    assert set(numbers) == survivors | {BASELINE + name for name in NAMES}
    tuned = {name for name, found in numbers.items() if sorted(found) == list(range(6))}
    assert survivors <= tuned
    assert len(tuned) == 5 + 2
    assert all(numbers[name] == [0] for name in set(numbers) - tuned)
    # The two that are tuned did best as they are.
    first = {t.subject: t.score for t in trials if t.number == 0 and t.subject.startswith(BASELINE)}
    assert tuned - survivors == set(sorted(first, key=first.get)[-2:])
    assert all(t.values["learning rate"] == 0.2 for t in trials if t.number == 0)


def test_the_finals_are_on_seeds_of_their_own_with_the_best_setting_of_each(climbed):
    summary, _, trials, finals, scores = climbed
    assert {t.seed for t in trials} == {0}
    assert {t.seed for t in finals} == {500, 501, 502}
    best = {tuned.name: tuned.best for tuned in summary.tuned}
    assert all(t.values == best[t.subject].values and t.gains == best[t.subject].gains for t in finals)
    by_tuning = sorted((s for s in summary.candidates if s.tuned), key=lambda s: -s.tuned.score)
    chosen = {s.name for s in by_tuning[:4]}
    baselines = {name for name in best if name.startswith(BASELINE) and len(summary_trials(summary, name)) == 6}
    assert set(scores) == {t.subject for t in finals} == chosen | baselines
    for name, value in scores.items():
        rows = sorted((t for t in finals if t.subject == name), key=lambda t: t.number)
        assert value.values == (tuple(t.score for t in rows),)
        assert value.learning_rates == (best[name].values["learning rate"],)


def summary_trials(summary, name):
    return next(tuned.trials for tuned in summary.tuned if tuned.name == name)


def test_the_exported_winner_starts_where_the_tuning_left_it(search, real, tmp_path):
    store = tmp_path / "store"
    summary = search(then=real, settings=LADDER, store=store, space="swish")
    winner = summary.winner
    (path,) = (store / "exports").iterdir()
    text = path.read_text(encoding="utf-8")
    assert f"gain: {winner.tuned.best.gains['*']!r}" in text
    assert "tuned on: real: learning rate" in text
    for spec in winner.tuned.best.parameters.values():
        assert f"= {spec['initial']!r} per" in text


def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def real_lines(log: Path) -> list[str]:
    return [line for line in lines(log) if line.startswith("real:")]


@pytest.fixture(scope="module")
def unbroken(cheap, real, logged, tmp_path_factory):
    """A search that is not interrupted: how to ask for it, its document, and what it trained on the real task."""
    folder = tmp_path_factory.mktemp("unbroken")
    settings = [*SETTINGS, *(f"{key}={value}" for key, value in LADDER.items())]
    options = [part for setting in settings for part in ("--set", setting)]
    arguments = ["search", "swish", "--task", cheap, "--then", real, "--budget", "12c", "--workers", "in-process"]
    document = logged(*arguments, *options, "--store", str(folder / "store"), log=folder / "log")
    return [*arguments, *options], document, real_lines(folder / "log")


def result(document):
    """A document without times and places."""
    kept = {key: value for key, value in document.items() if key not in {"seconds", "exported"}}
    return {**kept, "plan": document["plan"]["digest"]}


@pytest.mark.parametrize("share", [0.4, 0.95])
def test_a_search_killed_on_its_upper_rungs_goes_on_without_repeating_a_training(
    share, unbroken, drivers, logged, tmp_path
):
    arguments, document, log = unbroken
    store, before, after = tmp_path / "store", tmp_path / "before.log", tmp_path / "after.log"
    driver = drivers.start(*arguments, "--store", str(store), log=before, seconds=0.002)
    drivers.kill(driver, when=lambda: len(real_lines(before)) > share * len(log))

    assert result(logged("resume", "--store", str(store), log=after)) == result(document)
    assert not [line for line in lines(after) if not line.startswith("real:")], "the search itself went on"
    again = Counter(real_lines(before)) + Counter(real_lines(after)) - Counter(log)
    assert again.total() <= 1  # the one that was under way
    assert not Counter(log) - Counter(real_lines(before)) - Counter(real_lines(after))


def test_a_search_killed_on_ray_workers_and_then_while_ray_tune_trains_comes_to_what_this_process_comes_to(
    unbroken, write_profile, drivers, tmp_path
):
    arguments, document, log = unbroken
    # Processes as a shell starts them, and three of them, as each starts a Ray of its own.
    ray = write_profile(executor="ray", workers=2, batch=2)
    arguments = [ray if argument == "in-process" else argument for argument in arguments]
    store, before, between, after = tmp_path / "store", *(tmp_path / f"{name}.log" for name in ("1", "2", "3"))

    def evaluated() -> set[tuple[str, str]]:
        """Ids and the search's seeds of what the journal has."""
        with Journal.open(store) as journal:
            records = journal.candidates(journal.search())
        return {(record.id, seed) for record in records if record.seconds is not None for seed in ("0", "1")}

    driver = drivers.start(*arguments, "--store", str(store), log=before, seconds=0.02, is_forked=False)
    drivers.kill(driver, when=lambda: len(lines(before)) > 6 * 4 and evaluated())
    known = evaluated()
    assert not real_lines(before)

    driver = drivers.start("resume", "--json", "--store", str(store), log=between, is_forked=False)
    drivers.kill(driver, when=lambda: len(real_lines(between)) > 0.5 * len(log))
    assert not known & {tuple(line.split()[:2]) for line in lines(between)}, "a journalled evaluation was repeated"
    _, trials, finals, _ = read(store)
    assert 0 < len(trials) + len(finals) < len(log)

    driver = drivers.start("resume", "--json", "--store", str(store), log=after, is_forked=False)
    out, err = driver.communicate()
    assert driver.returncode == 0, err
    assert result(json.loads(out)) == result(document)
    # What the journal has is not trained again, and nothing but the real task is.
    assert lines(after) == real_lines(after)
    assert len(lines(after)) == len(log) - len(trials) - len(finals)
    assert not Counter(log) - Counter(real_lines(between)) - Counter(lines(after))


def test_the_document_says_what_was_tuned(unbroken):
    _, document, log = unbroken
    json.dumps(document)
    assert {candidate["stage"] for candidate in document["candidates"]} == {"final", "tune", "train"}
    rungs = document["rungs"]
    scores = [rung["score"] for rung in rungs]
    assert scores == sorted(scores, reverse=True)
    assert sum(rung["trials"] for rung in rungs) + 3 * (3 + 2) == len(log)
    for rung in rungs:
        assert rung["trials"] == sum(rung.get(key, 0) for key in ("complete", "stopped", "diverged", "failed"))
        assert "learning rate" in rung["best"]["values"]
    assert any(rung.get("stopped") for rung in rungs)
    names = {baseline["name"]: baseline for baseline in document["baselines"]}
    assert set(names) == NAMES
    assert sum(baseline["final_score"] is not None for baseline in names.values()) == 2
    (planned,) = document["plan"]["tasks"]
    assert (planned["task"], set(planned["baselines"]), planned["seeds"]) == ("real", NAMES, [500, 501, 502])
    assert "best of 6 settings" in document["plan"]["test"]
    assert "on real" in document["claim"]
    assert "no score of" not in document["claim"]


def test_trainings_that_break_cost_the_others_nothing(search, write_real, tmp_path):
    statement = (
        'if "beta" in layer.activation.text and learning_rate > 0.15: raise RuntimeError("too fast")\n'
        '            if "sin" in layer.activation.text and step == 5: yield 0.5, math.nan'
    )
    store = tmp_path / "store"
    summary = search(then=write_real(statement), settings=LADDER, store=store)
    _, trials, _, scores = read(store)
    endings = Counter(t.ending for t in trials)
    assert endings["failed"] > 0
    assert endings["diverged"] > 0
    assert all("too fast" in t.reason for t in trials if t.ending == "failed")
    assert scores
    assert summary.winner.final_score is not None


def test_a_task_that_fails_on_every_baseline_is_at_fault(search, write_real):
    with pytest.raises(TaskError, match=r"real.py' fails on every baseline: RuntimeError: no data"):
        search(then=write_real('raise RuntimeError("no data")'), settings=LADDER)


def test_a_task_of_batches_is_refused_before_anything_is_written(search, tmp_path):
    store = tmp_path / "store"
    with pytest.raises(TaskError, match="'digits' cannot be climbed to with --then: it trains batches only"):
        search(then="digits", store=store)
    assert not store.exists()


@pytest.mark.parametrize(
    ("key", "value"), [("ladder.trials", "0"), ("ladder.grace", "2"), ("ladder.reduction", "1"), ("ladder.task", "nix")]
)
def test_bad_settings_of_the_ladder_are_refused(key, value, search):
    with pytest.raises((ConfigError, TaskError, Exception)) as raised:
        search(settings={key: value})
    assert key in str(raised.value) or value in str(raised.value)
