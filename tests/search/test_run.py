from __future__ import annotations

import json
import math

import pytest
import torch

from actsearch.errors import SearchStateError, TaskError
from actsearch.grammar.activation import from_json
from actsearch.outcome import Failed, Rejected, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import choose
from actsearch.search.launch import resume
from actsearch.store.journal import Journal
from actsearch.store.summary import FINAL, SEARCH, Summary, to_json

STATIC = {"duplicate", "domain", "trivial", "gradient", "signal"}


def comparable(summary: Summary) -> dict:
    """A summary as a document, without the time it took."""
    document = to_json(summary, status=summary.search.status)
    del document["seconds"]
    return document


@pytest.mark.parametrize("budget", [1, 7, 30])
@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_a_count_budget_is_kept_exactly(search, journalled, tmp_path, budget, strategy):
    summary = search(budget=f"{budget}c", strategy=strategy, store=tmp_path)
    records = journalled(tmp_path)
    past_static = [r for r in records if not (isinstance(r.outcome, Rejected) and r.outcome.stage in STATIC)]
    assert len(past_static) == budget
    assert len({r.id for r in past_static}) == len({r.fingerprint for r in past_static}) == budget
    assert [r.number for r in records] == list(range(len(records)))
    assert (summary.search.status, summary.search.stopped_because) == ("finished", f"the budget of {budget}c is spent")


def test_the_numbers_of_a_summary_agree_with_each_other_and_with_the_journal(search, journalled, tmp_path):
    summary = search(budget="30c", store=tmp_path)
    counts, records = summary.counts, journalled(tmp_path)
    assert counts.generated == len(records) == counts.evaluated + counts.failed + sum(counts.rejected.values())
    assert counts.evaluated == len(summary.candidates) == sum(isinstance(r.outcome, Scored) for r in records)
    assert len(summary.candidates) > 10
    assert min(counts.rejected.values()) > 0
    ranks = [(-candidate.score, candidate.name) for candidate in summary.candidates]
    assert ranks == sorted(ranks)
    assert all(math.isfinite(candidate.score) for candidate in summary.candidates)
    # Two seeds at three learning rates for all, three fresh seeds for four finalists and the baselines.
    assert counts.trained == 6 * (counts.evaluated + 2) + 9 * (4 + 2)
    best = choose(summary.candidates, 4, SearchConfig().finalists_apart)
    assert [c.name for c in summary.candidates if c.judgement] == [c.name for c in best]
    assert summary.winner is summary.finalists[0]
    assert sorted(b.name for b in summary.baselines) == ["gelu", "selu"]


def test_candidates_that_tie_stand_in_the_order_of_their_ids(search, write_task):
    summary = search(task=write_task("return -1.0"))
    names = [candidate.name for candidate in summary.candidates]
    assert len(names) == 20
    assert names == sorted(names)
    assert [candidate.name for candidate in summary.finalists] == names[:4]
    assert {candidate.delta for candidate in summary.finalists} == {0.0}


def test_a_difference_to_the_best_baseline_is_paired_over_the_final_seeds(search, tmp_path):
    summary = search(store=tmp_path)
    with Journal.open(tmp_path) as journal:
        finals = journal.scores(summary.search, FINAL)
    best = max(("baseline:gelu", "baseline:selu"), key=lambda name: finals[name].mean())
    assert summary.best_baseline.name == best.removeprefix("baseline:")
    for standing in summary.finalists:
        pairs = zip(finals[standing.name].per_seed(), finals[best].per_seed(), strict=True)
        assert standing.delta == pytest.approx(sum(a - b for a, b in pairs) / 3, abs=1e-12)


def test_finals_are_trained_on_seeds_that_no_search_used(search, write_task, tmp_path):
    task = write_task("return -1.0 / (1 + seed)")
    seeds: dict[tuple[int, str], set[int]] = {}
    for seed in (0, 1):
        settings = {"final_seeds": 500, "finalists": 1}
        summary = search(task=task, budget="6c", seed=seed, store=tmp_path, settings=settings)
        with Journal.open(tmp_path) as journal:
            for rung in (SEARCH, FINAL):
                scores = journal.scores(summary.search, rung).values()
                seeds[seed, rung] = {number for score in scores for number in score.seeds}
        assert seeds[seed, SEARCH] == {number for c in summary.candidates for number in c.record.outcome.scores.seeds}
    assert {key: len(value) for key, value in seeds.items() if key[1] == FINAL} == {(0, FINAL): 500, (1, FINAL): 500}
    everything = [number for values in seeds.values() for number in values]
    assert len(everything) == len(set(everything)), "the most final seeds that can be set meet no other search's"


def test_the_same_seed_gives_the_same_search_and_another_seed_another(search):
    first, again, other = search(seed=5), search(seed=5), search(seed=6)
    assert comparable(first) == comparable(again)
    assert {c.name for c in first.candidates} != {c.name for c in other.candidates}


@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_neither_batches_nor_the_number_of_workers_change_the_result(search, write_profile, strategy):
    results = [
        comparable(
            search(strategy=strategy, workers=write_profile(executor="in-process", batch=batch, workers=workers))
        )
        for batch, workers in ((1, 1), (7, 3), (16, 1))
    ]
    assert results[0] == results[1] == results[2]


def test_a_small_space_is_exhausted_and_says_so(search, write_space, journalled, tmp_path):
    space = write_space({"a": "tanh(x)", "b": "sin(x)", "c": "x * x", "d": "2 * tanh(x)", "e": "3 * x", "f": "log(x)"})
    summary = search(space, store=tmp_path, budget="50c")
    assert {c.record.expression for c in summary.candidates} == {"tanh(x)", "sin(x)", "x**2"}
    assert summary.search.status == "finished"
    assert summary.search.stopped_because.startswith("the space is exhausted: ")
    assert set(summary.counts.rejected) == {"duplicate", "trivial", "domain"}
    assert len(summary.finalists) == 3
    records = journalled(tmp_path)
    assert len({r.id for r in records}) == 5, "a constant factor makes no other candidate"


def test_a_space_in_which_nothing_can_be_trained_ends_without_a_winner(search, write_space, tmp_path):
    summary = search(write_space({"a": "x + 1", "b": "sqrt(x)"}), store=tmp_path)
    assert (summary.search.status, summary.candidates, summary.winner) == ("finished", (), None)
    assert "exhausted" in summary.search.stopped_because
    assert all(baseline.judgement is not None for baseline in summary.baselines)
    assert not (tmp_path / "exports").exists()


def test_a_time_budget_ends_with_its_reason_and_with_finals(search):
    summary = search(budget="0.4s")
    assert summary.search.stopped_because == "the budget of 0.4s is spent"
    assert summary.candidates
    assert summary.finalists
    assert all(baseline.judgement is not None for baseline in summary.baselines)


def test_the_shortest_time_budget_still_tries_one_generation(search, journalled, tmp_path):
    summary = search(budget="0.001s", store=tmp_path)
    assert {record.generation for record in journalled(tmp_path)} == {1}
    assert summary.winner is not None


def test_a_task_that_fails_on_every_baseline_is_one_error_and_can_be_resumed(search, write_task, tmp_path):
    task = write_task("raise OSError('no\\n data')")
    with pytest.raises(TaskError, match=r"^the task .*cheap\.py' fails on every baseline: ") as caught:
        search(task=task, store=tmp_path)
    assert "\n" not in str(caught.value)
    with Journal.open(tmp_path) as journal:
        record = journal.search()
        assert (record.status, journal.candidates(record)) == ("stopped", [])
        assert record.stopped_because.startswith("TaskError: the task")
    with pytest.raises(TaskError, match="fails on every baseline"):
        resume(tmp_path, None, show=lambda _: None, warn=pytest.fail)


def test_a_baseline_that_fails_is_left_out_and_the_search_goes_on(search, write_task):
    task = write_task("if layer.activation.text == 'gelu(x)': raise ValueError('no gelu')")
    summary = search(task=task)
    assert summary.search.status == "finished"
    assert [baseline.name for baseline in summary.baselines] == ["selu"]
    assert summary.best_baseline.name == "selu"


def test_candidates_that_raise_are_failures_and_the_search_goes_on(search, write_task, journalled, tmp_path):
    task = write_task("if 'exp' in layer.activation.text: raise RuntimeError('no exponentials')")
    summary = search(task=task, budget="30c", store=tmp_path)
    failed = [record for record in journalled(tmp_path) if isinstance(record.outcome, Failed)]
    assert summary.counts.failed == len(failed) > 0
    assert summary.counts.evaluated + summary.counts.failed + summary.counts.rejected.get("quality", 0) == 30
    for record in failed:
        assert "exp" in record.expression
        assert record.outcome.stage == "train"
        assert "RuntimeError: no exponentials" in record.outcome.traceback
        assert record.seconds is not None
    assert not any("exp" in candidate.record.expression for candidate in summary.candidates)


def test_candidates_that_diverge_everywhere_are_rejected_with_a_reason(search, write_task, journalled, tmp_path):
    task = write_task("if 'sin' in layer.activation.text: return float('nan')")
    search(task=task, budget="30c", store=tmp_path)
    diverged = [r.outcome for r in journalled(tmp_path) if "sin" in r.expression and r.seconds is not None]
    assert diverged
    assert all(isinstance(outcome, Rejected) and outcome.stage == "quality" for outcome in diverged)


def test_the_exported_winner_can_be_imported_and_computes_gain_times_the_function(search, tmp_path, monkeypatch):
    summary = search(store=tmp_path)
    record = summary.winner.record
    path = tmp_path / "exports" / "swish_cheap_1.py"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert record.id in path.read_text(encoding="utf-8")
    x = torch.linspace(-4, 4, 33).unsqueeze(1)
    bare = from_json(record.expression, record.parameters).module(channels=1)
    monkeypatch.syspath_prepend(path.parent)
    from swish_cheap_1 import Activation

    torch.testing.assert_close(Activation()(x), record.gain * bare(x), rtol=1e-5, atol=1e-6)


def test_a_granularity_of_the_request_holds_for_every_parameter(search, journalled, tmp_path):
    search(settings={"granularity": "layer"}, store=tmp_path)
    specs = [spec for record in journalled(tmp_path) for spec in record.parameters.values()]
    assert {spec["granularity"] for spec in specs} == {"layer"}


def test_searches_share_a_store_and_keep_apart(search, tmp_path):
    alone = comparable(search(seed=1))
    search(seed=0, store=tmp_path)
    second = search(seed=1, store=tmp_path)
    assert second.search.name == "swish-cheap-2"
    assert {**comparable(second), "search": "swish-cheap-1"} == alone
    with pytest.raises(SearchStateError, match="swish-cheap-1 is finished"):
        resume(tmp_path, "swish-cheap-1", show=lambda _: None, warn=pytest.fail)


def test_a_mixture_of_spaces_is_searched_and_resumed_under_one_name(search, journalled, write_space, tmp_path):
    mine = write_space({"bump": "x * exp(-x**2)", "wave": "sin(w * x)", "cube": "x**3", "gate": "x * sigmoid(b * x)"})
    store = tmp_path / "store"
    summary = search(f"swish,{mine}", store=store, budget="24c")
    assert summary.search.name == "swish+mine-cheap-1"
    assert summary.search.space == f"swish,{mine}", "paths are made whole, names stay"
    records = journalled(store)
    spaces = [json.loads(record.genome)[0] for record in records]
    assert set(spaces) == {"swish", "mine"}
    assert "switch" in {record.move for record in records}
    assert (store / "exports" / "swish_mine_cheap_1.py").is_file()
