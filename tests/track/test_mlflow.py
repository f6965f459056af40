"""The MLflow view of a search, in a real MLflow database."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from actsearch.store.journal import Journal
from actsearch.track import address
from actsearch.track.mlflow import Tracker, backfill


class View:
    """What stands in the MLflow database of a store."""

    def __init__(self, store: Path) -> None:
        self.client = MlflowClient(tracking_uri=address.default_uri(store))

    def runs(self) -> list[Run]:
        """All runs of the experiment."""
        experiment = self.client.get_experiment_by_name("actsearch/pointwise-digits")
        assert experiment is not None
        return list(self.client.search_runs([experiment.experiment_id], max_results=1000))

    def parent(self, name: str) -> Run:
        """The run of the search called `name`."""
        (found,) = [run for run in self.runs() if run.data.tags.get("actsearch.search") == name]
        return found

    def children(self, parent: Run) -> list[Run]:
        """The runs of candidates, best first."""
        found = [run for run in self.runs() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        return sorted(found, key=lambda run: int(run.data.tags["rank"]))

    def history(self, run: Run, key: str) -> list[tuple[int, float]]:
        """Steps and values of a metric."""
        return [(point.step, point.value) for point in self.client.get_metric_history(run.info.run_id, key)]

    def text(self, run: Run, name: str) -> str:
        """An artifact."""
        return Path(self.client.download_artifacts(run.info.run_id, name)).read_text()


@pytest.fixture(scope="module")
def story(tell: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished search, synced once."""
    made = tell(tmp_path_factory.mktemp("a store")).whole()
    Tracker(made.store, made.search).sync(final=True)
    return made


@pytest.fixture(scope="module")
def view(story: Any) -> View:
    """Its view."""
    return View(story.store)


def test_parent_says_what_was_asked_for_and_how_it_ended(story: Any, view: View) -> None:
    parent = view.parent(story.search.name)
    assert parent.info.run_name == "pointwise-digits-1"
    assert parent.info.status == "FINISHED"
    assert parent.info.end_time - parent.info.start_time == 12_500
    expected = {"space": "pointwise", "task": "digits", "strategy": "evolution", "workers": "laptop", "budget": "60c"}
    expected |= {"seed": "7", "version": "0.1.0", "population": "16", "moves.crossover": "0.5", "settings.seed": "8"}
    assert parent.data.params == {**expected, "what_": "null"}
    assert parent.data.tags["status"] == "finished"
    assert parent.data.tags["winner_id"] == f"{56:012x}"
    assert "baseline `gelu`" in parent.data.tags["mlflow.note.content"]


def test_metrics_follow_the_generations(story: Any, view: View) -> None:
    parent = view.parent(story.search.name)
    assert view.history(parent, "generated") == [(1, 15), (2, 30), (3, 45), (4, 60)]
    assert view.history(parent, "evaluated") == [(1, 6), (2, 12), (3, 18), (4, 24)]
    assert view.history(parent, "failed") == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert view.history(parent, "rejected_domain") == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert view.history(parent, "rejected_duplicate") == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert [best for _, best in view.history(parent, "best_score")] == pytest.approx([-0.89, -0.74, -0.59, -0.44])
    leads = [lead for _, lead in view.history(parent, "best_lead_over_baselines")]
    assert leads == pytest.approx([-0.19, -0.04, 0.11, 0.26])
    assert view.history(parent, "candidates_per_second") == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_ten_best_have_runs(story: Any, view: View) -> None:
    children = view.children(view.parent(story.search.name))
    assert [run.data.tags["id"] for run in children] == [
        f"{number:012x}" for number in (56, 55, 51, 50, 46, 45, 41, 40, 36, 35)
    ]
    best, fifth = children[0], children[4]
    assert best.info.status == "FINISHED"
    assert best.info.run_name == best.data.tags["expression"] == "x * sigmoid(beta * x) + 56"
    assert best.data.tags["parents"] == f"{30:012x} {31:012x}"
    assert (best.data.tags["generation"], best.data.tags["move"]) == ("4", "crossover")
    assert best.data.metrics == pytest.approx(
        {
            "score": -0.44,
            "final_score": -0.444,
            "standard_error": 0.01 / 3**0.5,
            "delta_to_best_baseline": 0.306,
            "p_value": 0.25,
        }
    )
    assert set(fifth.data.metrics) == {"score"}


def test_tables_are_complete(story: Any, view: View) -> None:
    parent = view.parent(story.search.name)
    table = json.loads(view.text(parent, "candidates.json"))
    rows = {row["number"]: row for row in (dict(zip(table["columns"], cells, strict=True)) for cells in table["data"])}
    assert sorted(rows) == list(range(60))
    assert list(rows)[:3] == [56, 55, 51]
    assert {row["outcome"] for row in rows.values()} == {"scored", "rejected", "failed"}
    assert rows[2]["measured"] == "inf"
    assert rows[4]["reason"] == "ValueError: broken"
    baselines = list(csv.DictReader(io.StringIO(view.text(parent, "baselines.csv"))))
    assert [row["name"] for row in baselines] == ["gelu", "relu"]
    assert [float(row["score"]) for row in baselines] == pytest.approx([-0.7, -0.9])


def test_lineage_is_an_artifact(story: Any, view: View) -> None:
    page = view.text(view.parent(story.search.name), "lineage.html")
    assert page.startswith("<!DOCTYPE html>")
    assert f"{56:012x}" in page


def test_second_sync_adds_nothing(story: Any, view: View) -> None:
    before = {run.info.run_id: run.to_dictionary() for run in view.runs()}
    Tracker(story.store, story.search).sync(final=True)
    assert backfill(story.store) == []
    assert {run.info.run_id: run.to_dictionary() for run in view.runs()} == before


def test_a_push_that_was_cut_off_is_repeated_without_traces(story: Any, view: View) -> None:
    parent = view.parent(story.search.name)
    with Journal.open(story.store) as journal:
        journal.record_view(story.search, address.OWN, parent.info.run_id, 1)
        journal.record_view(story.search, f"{address.OWN}#complete", parent.info.run_id, 0)
    assert backfill(story.store) == [story.search.name]
    assert view.history(parent, "generated") == [(1, 15), (2, 30), (3, 45), (4, 60)]
    assert len(view.history(parent, "score")) == 1
    assert len(view.children(parent)) == 10


def test_a_run_that_was_made_but_not_written_down_is_adopted(story: Any, view: View) -> None:
    parent = view.parent(story.search.name)
    with closing(sqlite3.connect(story.store / "journal.sqlite")) as connection, connection:
        connection.execute("DELETE FROM views")
    assert backfill(story.store) == [story.search.name]
    assert view.parent(story.search.name).info.run_id == parent.info.run_id
    assert len(view.children(parent)) == 10


def test_stopped_search_goes_on_in_the_same_run(story: Any, view: View, tell: Callable[..., Any]) -> None:
    second = tell(story.store)
    tracker = Tracker(second.store, second.search)
    tracker.sync()
    second.generation(1)
    second.generation(2, evaluated=5)
    tracker.sync()
    parent = view.parent(second.search.name)
    assert parent.info.status == "RUNNING"
    assert view.history(parent, "generated") == [(1, 15)]
    second.end("stopped", "interrupted")
    tracker.sync(final=True)
    assert view.parent(second.search.name).info.status == "KILLED"
    stopped = view.children(parent)
    assert len(stopped) == 8
    # Resumed: by another process, so by another tracker.
    second.outcomes(range(20, 30))
    tracker = Tracker(second.store, second.search)
    tracker.sync()
    assert view.parent(second.search.name).info.status == "RUNNING"
    assert view.history(parent, "generated") == [(1, 15), (2, 30)]
    second.finals([26, 25])
    second.end()
    tracker.sync(final=True)
    children = view.children(parent)
    assert view.parent(second.search.name).info.status == "FINISHED"
    assert [int(run.data.tags["id"], 16) for run in children] == [26, 25, 21, 20, 16, 15, 11, 10, 6, 5]
    kept = {run.info.run_id for run in stopped} & {run.info.run_id for run in children}
    assert len(kept) == 6
    assert children[0].data.metrics["final_score"] == pytest.approx(-0.474)


def test_the_rungs_above_the_search_are_shown(story: Any, view: View, tell: Callable[..., Any]) -> None:
    climbed = tell(story.store)
    for generation in range(1, 5):
        climbed.generation(generation)
    # The last of them is the 14th best in the search.
    names = [f"{number:012x}" for number in (56, 55, 25)]
    start = {**dict(zip(names, (-0.4, -0.3, -0.5), strict=True)), "baseline:gelu": -0.45}
    climbed.tuning(start, range(4))
    climbed.end("stopped", "interrupted")
    Tracker(climbed.store, climbed.search).sync(final=True)
    # Resumed, and tuned to the end.
    climbed.tuning(start, range(4, 6))
    climbed.finals([55, 56])
    climbed.end()
    assert backfill(climbed.store) == [climbed.search.name]

    parent = view.parent(climbed.search.name)
    children = {run.data.tags["id"]: run for run in view.children(parent)}
    assert len(children) == 11
    assert children[names[2]].data.tags["rank"] == "11"
    for name in names:
        # Trials that were stopped have no score of a whole training.
        expected = [(number, pytest.approx(start[name] + 0.01 * number)) for number in (0, 1, 3, 4)]
        assert view.history(children[name], "trial_score") == expected
        assert children[name].data.metrics["tuned_score"] == pytest.approx(start[name] + 0.04)
        assert children[name].data.tags["tuned"] == "learning rate 0.5, beta 1.5"
    assert "tuned_score" not in children[f"{51:012x}"].data.metrics

    table = json.loads(view.text(parent, "rungs.json"))
    rows = [dict(zip(table["columns"], cells, strict=True)) for cells in table["data"]]
    assert [row["id"] for row in rows] == [names[1], names[0], "baseline gelu", names[2]]
    assert [(row["trials"], row["complete"], row["stopped"], row["best_trial"]) for row in rows] == [(6, 4, 2, 4)] * 4
    assert [row["final_score"] is None for row in rows] == [False, False, False, True]
    assert json.loads(parent.data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "candidates.json", "type": "table"}, {"path": "rungs.json", "type": "table"},
    ]  # fmt: skip
    said = parent.data.tags["mlflow.note.content"]
    assert said.splitlines()[:2] == ["|  | score | tuned | final score |", "|---|---|---|---|"]
    assert "| baseline `gelu` | -0.7 | -0.41 | -0.75 |" in said
    assert "4 functions were tuned in 24 trials" in said


def test_a_lost_database_is_made_anew_in_silence(tell: Callable[..., Any], tmp_path: Path) -> None:
    made = tell(tmp_path, size=5)
    made.generation(1)
    made.end()
    with Journal.open(tmp_path) as journal:
        journal.record_view(made.search, address.OWN, "0" * 32, 0)
    program = "import sys, pathlib, actsearch.track.mlflow as view; view.backfill(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    fresh = View(tmp_path)
    assert fresh.history(fresh.parent(made.search.name), "generated") == [(1, 5)]


def test_a_search_without_a_candidate_has_a_view(story: Any, view: View, tell: Callable[..., Any]) -> None:
    empty = tell(story.store)
    empty.end("stopped", "interrupted")
    Tracker(empty.store, empty.search).sync(final=True)
    parent = view.parent(empty.search.name)
    assert view.children(parent) == []
    assert json.loads(view.text(parent, "candidates.json"))["data"] == []
