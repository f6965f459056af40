from __future__ import annotations

import json

import numpy as np
import pytest

from actsearch.evaluate.fairness import Plan, PlannedTask
from actsearch.outcome import Failed, Rejected, Scored
from actsearch.store.record import Step
from actsearch.store.summary import summarise, to_json

SEARCH_KEYS = {"search", "status", "stopped_because", "seconds", "counts", "candidates", "baselines"}
COUNT_KEYS = {"generated", "evaluated", "failed", "rejected", "trained"}
CANDIDATE_KEYS = {
    "id", "expression", "parameters", "score", "standard_error", "delta_to_best_baseline", "generation", "parents",
    "move", "stage",
}  # fmt: skip
BASELINE_KEYS = {"name", "score", "standard_error"}
SEEDS = 5


def values_elsewhere(rows: np.ndarray) -> np.ndarray:
    """Every seed at the learning rate that has the best mean on the other seeds."""
    return np.array([rows[np.delete(rows, s, axis=1).mean(axis=1).argmax(), s] for s in range(rows.shape[1])])


@pytest.fixture
def finals() -> dict[str, np.ndarray]:
    """Scores by subject, (learning rates, seeds)."""
    generator = np.random.default_rng(0)
    names = ("baseline:relu", "baseline:gelu", f"{0:012x}", f"{3:012x}")
    return {name: generator.normal(-0.1, 0.02, size=(3, SEEDS)) for name in names}


@pytest.fixture
def told(journal, request_of_search, candidate, scores, finals):
    """A journal with one candidate of every fate, and its search."""

    def scored(*values: float | None) -> Scored:
        rows = scores(values, (None,) * len(values))
        return Scored(score=rows.mean(), scores=rows, stage="train")

    search = journal.create_search(request_of_search)
    rows = [
        candidate(0), candidate(1), candidate(2, Rejected(stage="domain", reason="r", measured=0.5)), candidate(3),
        candidate(4, Rejected(stage="duplicate", reason="r", measured=0.0), id=f"{0:012x}"), candidate(5),
        candidate(6, Rejected(stage="duplicate", reason="r", measured=1.0)), candidate(7), candidate(8),
    ]  # fmt: skip
    journal.begin_step(search, Step(generation=1, state={}, seconds=0.0), rows)
    outcomes = {
        0: scored(-0.3, -0.1),
        1: Failed(stage="train", traceback="t"),
        3: scored(-0.1, -0.1),
        5: Rejected(stage="quality", reason="r", measured=None),
        7: scored(-0.1, -0.3),
    }
    journal.record_outcomes(search, {number: (o, 0.1) for number, o in outcomes.items()}, budget_seconds=1.0)
    journal.record_scores(
        search, "search", {"baseline:relu": scores((-0.2, -0.2)), "baseline:gelu": scores((-0.15, None), (-0.4, -0.4))}
    )
    journal.record_scores(
        search, "final", {name: scores(*map(tuple, rows.tolist()), first_seed=500) for name, rows in finals.items()}
    )
    return journal, search


def test_generated_is_the_sum_of_the_others(told):
    counts = summarise(*told).counts
    assert (counts.generated, counts.evaluated, counts.failed) == (8, 3, 1)
    assert counts.rejected == {"domain": 1, "duplicate": 2, "quality": 1}
    assert counts.generated == counts.evaluated + counts.failed + sum(counts.rejected.values())


def test_trained_counts_single_trainings_that_ran_to_their_last_step(told):
    # Three candidates with two seeds at one learning rate; baselines 2 + 3; four finalists with 3 x 5.
    assert summarise(*told).counts.trained == 3 * 2 + 2 + 3 + 4 * 3 * SEEDS


def test_candidates_stand_by_score_and_ties_by_id(told):
    summary = summarise(*told)
    assert [c.name for c in summary.candidates] == [f"{3:012x}", f"{0:012x}", f"{7:012x}"]
    assert summary.candidates[1].score == summary.candidates[2].score
    assert [(b.name, b.score) for b in summary.baselines] == [("relu", -0.2), ("gelu", -0.4)]


def test_final_scores_deltas_and_errors_are_those_of_numpy(told, finals):
    summary = summarise(*told)
    best = {name: values_elsewhere(rows) for name, rows in finals.items()}
    reference = max((name for name in best if name.startswith("baseline")), key=lambda name: best[name].mean())
    assert summary.best_baseline.name == reference.removeprefix("baseline:")
    for standing in (*summary.finalists, *summary.baselines):
        values = best[standing.name if standing.record else f"baseline:{standing.name}"]
        differences = values - best[reference]
        assert standing.final_score == pytest.approx(values.mean(), rel=1e-12)
        assert standing.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(SEEDS), rel=1e-12)
        assert standing.delta == pytest.approx(differences.mean(), rel=1e-9, abs=1e-15)
        assert standing.delta_error == pytest.approx(differences.std(ddof=1) / np.sqrt(SEEDS), rel=1e-9, abs=1e-15)
    assert len(summary.finalists) == 2
    assert summary.winner == max(summary.finalists, key=lambda c: c.final_score)


def test_the_document_has_the_keys_of_the_contract(told):
    document = json.loads(json.dumps(to_json(summarise(*told), status="finished"), allow_nan=False))
    assert set(document) >= SEARCH_KEYS
    assert set(document["counts"]) == COUNT_KEYS
    assert document["status"] == "finished"
    for candidate in document["candidates"]:
        assert set(candidate) >= CANDIDATE_KEYS
        assert isinstance(candidate["score"], float)
        assert candidate["parameters"] == {"beta": {"initial": 0.1, "granularity": "channel"}}
        in_finals = "final_score" in candidate
        assert in_finals == (candidate["id"] != f"{7:012x}")
        assert (candidate["standard_error"] is not None) == in_finals
        assert (candidate["delta_to_best_baseline"] is not None) == in_finals
        assert candidate["stage"] == ("final" if in_finals else "train")
    assert all(set(baseline) >= BASELINE_KEYS for baseline in document["baselines"])


def test_most_bounds_the_candidates_only(told):
    summary = summarise(*told)
    document = to_json(summary, status="running", most=1)
    assert [c["id"] for c in document["candidates"]] == [f"{3:012x}"]
    assert len(document["baselines"]) == 2
    assert document["counts"]["evaluated"] == 3


def test_a_search_without_anything_scored_has_no_winner(journal, request_of_search):
    search = journal.create_search(request_of_search)
    summary = summarise(journal, search)
    assert (summary.winner, summary.best_baseline, summary.candidates) == (None, None, ())
    assert to_json(summary, status="stopped")["counts"]["generated"] == 0


def test_a_finalist_whose_every_training_diverged_is_no_finalist(told, scores):
    journal, search = told
    journal.record_scores(search, "final", {f"{7:012x}": scores((None, 1.0), (2.0, None), first_seed=500)})
    standing = next(c for c in summarise(journal, search).candidates if c.name == f"{7:012x}")
    assert (standing.final_score, standing.standard_error, standing.delta) == (None, None, None)
    assert standing not in summarise(journal, search).finalists
    assert standing in summarise(journal, search).lost
    document = to_json(summarise(journal, search), status="finished")
    entry = next(c for c in document["candidates"] if c["id"] == f"{7:012x}")
    assert "final_score" not in entry
    assert (entry["stage"], entry["final_failure"]) == ("final", "a training diverged at every learning rate")


def test_a_finalist_that_fails_in_the_finals_is_not_dropped_in_silence(told):
    journal, search = told
    journal.record_failures(search, "final", {f"{7:012x}": Failed(stage="train", traceback="T:\n  E: no room")})
    (lost,) = summarise(journal, search).lost
    assert (lost.name, lost.failure, lost.judgement) == (f"{7:012x}", "E: no room", None)


def test_finalists_are_judged_together_and_say_what_may_be_claimed(told):
    summary = summarise(*told)
    assert summary.verdict.comparisons == 2 * 2
    assert [d.baseline for d in summary.winner.judgement.differences] == ["relu", "gelu"]
    document = to_json(summary, status="finished")
    entry = next(c for c in document["candidates"] if c["id"] == summary.winner.name)
    assert document["claim"] == entry["claim"] == summary.winner.claim
    assert entry["p_value"] == max(c["p_value"] for c in entry["comparisons"])
    assert "on digits" in entry["claim"]
    assert document["plan"] is None


def test_the_plan_says_which_scores_are_compared(told, scores):
    journal, search = told
    part = PlannedTask(
        task="digits",
        metric="m",
        baselines=("relu", "elu"),
        learning_rates=(0.1,),
        seeds=tuple(range(500, 500 + SEEDS)),
    )
    for functions in (10, 9):
        plan = Plan(tasks=(part,), functions=functions)
        journal.record_plan(search, plan.digest, plan.to_json())
    journal.record_scores(search, "final", {f"{7:012x}": scores((1.0,) * SEEDS, first_seed=600)})
    summary = summarise(journal, search)
    assert [d.baseline for d in summary.winner.judgement.differences] == ["relu"]
    assert summary.verdict.missing == ("elu",)
    assert summary.winner.claim.endswith("; no score of elu")
    (lost,) = summary.lost
    assert lost.failure == "trained on other seeds than planned"
    told_plan = to_json(summary, status="finished")["plan"]
    assert told_plan["digest"] == plan.digest
    assert len(told_plan["replaces"]) == 1
    assert told_plan["functions"] == 9
