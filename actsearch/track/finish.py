"""The end of a search in MLflow: runs of its best candidates, its tables, its lineage, its status."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Standing, Summary
from actsearch.track import lineage, run, table

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CHILDREN = 10
"""Candidates that get a run of their own, beside those that came to a rung above the search's own.

A run costs 30-55 ms, so all others share one table.
"""
TRIAL = "trial_score"
"""Metric of a candidate's run: its trials on the real task, each at the step of its number."""


def finish(mlflow: MlflowClient, parent: Run, summary: Summary, candidates: Sequence[CandidateRecord]) -> None:
    """Bring the parent run and its children to what the journal says, whatever of it is there already."""
    identity, search, winner = parent.info.run_id, summary.search, summary.winner
    best = [standing for place, standing in enumerate(summary.candidates) if place < CHILDREN or _has_climbed(standing)]
    _children(mlflow, parent, best)
    mlflow.log_text(identity, table.candidates_json(candidates), table.CANDIDATES)
    mlflow.log_text(identity, table.baselines_csv(summary), "baselines.csv")
    draw(mlflow, identity, summary, candidates)
    figures = {"seconds": search.seconds, "trained": summary.counts.trained} | (run.figures(winner) if winner else {})
    tags = run.ending(search, winner) | {run.NOTE: table.note(summary, best)} | table.logged(summary)
    _write(mlflow, parent, figures, tags)
    # The duration that MLflow shows is then the search's own, also when the view is filled in days later.
    end = run.milliseconds(search.created) + round(1000 * search.seconds) if search.seconds else None
    mlflow.set_terminated(identity, run.STATUS[search.status], end)


def draw(mlflow: MlflowClient, identity: str, summary: Summary, candidates: Sequence[CandidateRecord]) -> None:
    """Put the lineage page and the rungs, as they stand, among the artifacts of the parent run."""
    mlflow.log_text(identity, lineage.render(summary, candidates), "lineage.html")
    if summary.tuned:
        mlflow.log_text(identity, table.rungs_json(summary), table.RUNGS)


def _has_climbed(standing: Standing) -> bool:
    """Whether a candidate came to a rung above the search's own."""
    return standing.tuned is not None or standing.judgement is not None or standing.failure is not None


def _children(mlflow: MlflowClient, parent: Run, best: Sequence[Standing]) -> None:
    experiment, identity = parent.info.experiment_id, parent.info.run_id
    found = mlflow.search_runs([experiment], f"tags.`{run.PARENT}` = '{identity}'", max_results=1000)
    # A run without our tag is one that the user has put there.
    ours = [(child.data.tags["id"], child) for child in found if "id" in child.data.tags]
    known = dict(ours)
    wanted = {standing.name for standing in best}
    for name, child in ours:
        # Twins are what an interrupted final sync could leave; the others a resumed search has overtaken.
        if known[name] is not child or name not in wanted:
            mlflow.delete_run(child.info.run_id)
    now = _now()
    for rank, standing in enumerate(best, 1):
        if standing.record is None:
            continue
        tags = run.child_tags(standing, standing.record, rank, identity)
        child = known.get(standing.name) or mlflow.create_run(
            # MLflow lists the latest first, and so the best.
            experiment, start_time=now - rank, tags=tags, run_name=run.child_name(standing.record)
        )  # fmt: skip
        _write(mlflow, child, run.figures(standing), tags)
        _write_trials(mlflow, child, run.trial_scores(standing))
        if child.info.status != "FINISHED":
            mlflow.set_terminated(child.info.run_id, "FINISHED")


def _write(mlflow: MlflowClient, there: Run, figures: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Log the metrics and tags that `there` lacks or has otherwise: a metric logged twice is a point more."""
    from mlflow.entities import Metric, RunTag

    now = _now()
    metrics = [Metric(key, value, now, 0) for key, value in figures.items() if there.data.metrics.get(key) != value]
    changed = [RunTag(key, value) for key, value in tags.items() if there.data.tags.get(key) != value]
    if metrics or changed:
        mlflow.log_batch(there.info.run_id, metrics=metrics, tags=changed)


def _write_trials(mlflow: MlflowClient, there: Run, scores: Mapping[int, float]) -> None:
    """Log the trials that `there` lacks."""
    from mlflow.entities import Metric

    is_new = TRIAL not in there.data.metrics
    known = set() if is_new else {point.step for point in mlflow.get_metric_history(there.info.run_id, TRIAL)}
    missing = [Metric(TRIAL, score, _now(), number) for number, score in scores.items() if number not in known]
    if missing:
        mlflow.log_batch(there.info.run_id, metrics=missing)


def _now() -> int:
    return int(time.time() * 1000)
