"""Turns that generations take on seeds, and what a seed's level is worth."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from actsearch.outcome import Rejected, Scored, Scores
from actsearch.search.launch import Request, launch, resume
from actsearch.search.turns import Turns
from actsearch.store.journal import Journal
from actsearch.store.summary import SEARCH, summarise, to_json
from tests.search.conftest import SETTINGS

TURNS = Turns(seeds=(10, 11, 12, 13), each=2)


def scores(seeds, *rows):
    return Scores(learning_rates=tuple(0.1 * 3**place for place in range(len(rows))), seeds=seeds, values=rows)


def scored(*values, seeds=(12, 13)):
    whole = scores(seeds, values)
    return Scored(score=whole.mean(), scores=whole, stage="train")


def test_generations_take_turns_and_begin_again():
    assert [TURNS.of(generation) for generation in (1, 2, 3)] == [(10, 11), (12, 13), (10, 11)]
    three = Turns(seeds=(0, 1, 2, 3), each=3)
    assert [three.of(generation) for generation in (1, 2, 3)] == [(0, 1, 2), (3, 0, 1), (2, 3, 0)]


def test_all_generations_have_the_same_seeds_if_there_is_one_set():
    one = Turns(seeds=(0, 1), each=2)
    assert one.of(1) == one.of(7) == (0, 1)
    outcome = scored(0.1, 0.3, seeds=(0, 1))
    assert one.levelled(outcome, 7, [scores((0, 1), (0.7, 0.2))]) == outcome


def test_the_level_of_the_seeds_is_taken_from_the_score_and_the_scores_stay():
    # The second pair is better by 1 and 3 than the first, so by half of that, 1 on the mean of both, than all.
    baselines = [scores(TURNS.seeds, (0.0, 0.0, 1.0, 1.0)), scores(TURNS.seeds, (5.0, 5.0, 8.0, 8.0))]
    outcome = scored(2.0, 4.0)
    assert TURNS.levelled(outcome, 2, baselines) == replace(outcome, score=2.0)
    assert TURNS.levelled(outcome, 1, baselines).score == 4.0


def test_a_baseline_counts_at_its_best_learning_rate_and_one_that_diverges_does_not():
    best = scores(TURNS.seeds, (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 2.0, 2.0), (9.0, 9.0, 9.0, None))
    lost = scores(TURNS.seeds, (1.0, None, 1.0, 1.0))
    assert TURNS.levelled(scored(2.0, 4.0), 2, [best, lost]).score == 2.5


@pytest.mark.parametrize("known", [[], [scores((10, 11), (1.0, 2.0))]])
def test_without_a_baseline_on_all_seeds_the_score_stays(known):
    outcome = scored(2.0, 4.0)
    assert TURNS.levelled(outcome, 2, known) == outcome


def test_what_has_no_score_has_no_level():
    lost = Rejected(stage="quality", reason="it learns nothing", measured=None)
    assert TURNS.levelled(lost, 2, [scores(TURNS.seeds, (0.0, 0.0, 1.0, 1.0))]) is lost


ADDS_ITS_SEED = "return float(layer(torch.ones(1, 1)).detach()) * learning_rate + seed"
"""A task on which a seed is worth what it is called, for all functions alike."""


def test_what_seeds_are_worth_to_all_alike_changes_no_score(search, write_task, journalled, tmp_path):
    task, found = write_task(ADDS_ITS_SEED), {}
    for turns in (1, 3):
        store = tmp_path / str(turns)
        # Random proposals do not depend on scores, so both have the same ones.
        summary = search(task=task, strategy="random", store=store, settings={"seed_turns": turns})
        with Journal.open(store) as journal:
            (seeds,) = {scores.seeds for scores in journal.scores(summary.search, SEARCH).values()}
        assert seeds == tuple(range(2 * turns))
        trained = {r.generation: r.outcome.scores.seeds for r in journalled(store) if isinstance(r.outcome, Scored)}
        expected = {g: tuple(2 * ((g - 1) % turns) + place for place in (0, 1)) for g in trained}
        assert trained == expected
        assert len(trained) > 3
        best = max(baseline.score for baseline in summary.baselines)
        found[turns] = {candidate.name: candidate.score - best for candidate in summary.candidates}
    assert found[3] == pytest.approx(found[1], abs=1e-12)


def test_where_objectives_are_measured_all_candidates_have_the_same_seeds(search, journalled, tmp_path):
    settings = {"seed_turns": 3, "objectives": "cost", "finalists": "1"}
    search(store=tmp_path, budget="8c", settings=settings)
    records = [record for record in journalled(tmp_path) if isinstance(record.outcome, Scored)]
    assert len({record.generation for record in records}) > 1
    assert {record.outcome.scores.seeds for record in records} == {(0, 1)}


def stop(store: Path, task: str, **settings: object) -> None:
    """Begin a search and leave it in its second generation."""

    def show(snapshot):
        if snapshot.evaluated >= 8:
            raise KeyboardInterrupt

    chosen = {**SETTINGS, **{name: str(value) for name, value in settings.items()}}
    request = Request(space="swish", task=task, workers="in-process", budget="20c", settings=chosen)
    assert launch(store, request, show=show, warn=pytest.fail).status == "stopped"


def go_on(store: Path) -> dict:
    """Resume, and the result without the time that it took."""
    resume(store, None, show=lambda _: None, warn=lambda _: None, allow_changed=True)
    with Journal.open(store) as journal:
        document = to_json(summarise(journal, journal.search()), status="finished")
    del document["seconds"]
    return document


def test_a_search_that_was_stopped_in_a_turn_goes_on_as_an_unbroken_one(cheap, search, tmp_path):
    stop(tmp_path / "stopped", cheap, seed_turns=3)
    whole = to_json(search(store=tmp_path / "whole", strategy="auto", settings={"seed_turns": 3}), status="finished")
    del whole["seconds"]
    assert go_on(tmp_path / "stopped") == whole


def test_a_search_that_was_begun_with_fewer_seeds_goes_on_with_these(write_task, journalled, tmp_path):
    task = Path(write_task())
    stop(tmp_path, str(task))
    task.write_text(task.read_text().replace("search_seeds = 2", "search_seeds = 2\n    seed_turns = 4"))
    # As a new process would: a file is loaded once in each.
    del sys.modules[f"actsearch_plugin:{task}"]
    go_on(tmp_path)
    records = [record for record in journalled(tmp_path) if isinstance(record.outcome, Scored)]
    assert len({record.generation for record in records}) > 2
    assert {record.outcome.scores.seeds for record in records} == {(0, 1)}
