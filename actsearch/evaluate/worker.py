"""What a worker does: a batch of subjects in, an outcome for each out, whatever a candidate does short of a crash."""

from __future__ import annotations

import math
import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Self

from actsearch.evaluate.objectives import elsewhere, of_functions, of_models
from actsearch.evaluate.protocols.quality import STAGE as QUALITY_STAGE
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.protocols.stability import Stability
from actsearch.evaluate.task import Subject, Task, load_task
from actsearch.outcome import Failed, Outcome, Rejected, Scored, Scores

STAGE = "train"
"""The rung that workers run; a task's exception fails the candidate here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One subject to evaluate. Evaluations are idempotent, so a job may be sent again."""

    key: str
    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the job with the same key; `seconds` is its share of the batch's wall time."""

    key: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is common to all jobs of one submission."""

    seeds: tuple[int, ...]
    quality: Quality
    stability: Stability | None = None
    """What is asked of whatever was scored; None for nothing."""
    objectives: tuple[str, ...] = ()
    """Names of what is measured of whatever was scored."""


class Worker:
    """Evaluates batches of one task in this process, with one thread."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._others: dict[str, Task] = {}
        """Tasks whose scores are objectives, by name or path."""

    @classmethod
    def of(cls, task: str) -> Self:
        """A worker of the task with that name or path."""
        import torch

        # One thread a worker: the stack is the parallelism, and results must not depend on a machine's cores.
        torch.set_num_threads(1)
        return cls(load_task(task))

    def run(self, jobs: Sequence[Job], order: Order) -> list[Result]:
        """Results in the order of `jobs`. If the batch raises, each of its jobs is run alone."""
        start, process = time.perf_counter(), os.getpid()
        try:
            # What a task prints is not the driver's to print: its standard output may be one JSON document.
            with redirect_stdout(sys.stderr):
                values = self._measure(jobs, order)
                outcomes = [_judged(job, _outcome(value), order) for job, value in zip(jobs, values, strict=True)]
        except (Exception, SystemExit):  # noqa: BLE001 - whatever a task raises is a failure of the candidate, and data
            if len(jobs) > 1:
                return [self.run([job], order)[0] for job in jobs]
            failed = Failed(stage=STAGE, traceback=traceback.format_exc())
            return [Result(key=jobs[0].key, outcome=failed, seconds=time.perf_counter() - start)]
        finally:
            if os.getpid() != process:
                # A task has forked and its child has come out here, with everything that the parent is about to do
                # before it: write the same results, to the same places.
                os._exit(0)
        share = (time.perf_counter() - start) / len(jobs)
        return [
            Result(key=job.key, outcome=outcome, seconds=share) for job, outcome in zip(jobs, outcomes, strict=True)
        ]

    def _measure(self, jobs: Sequence[Job], order: Order) -> list[Scores | Rejected]:
        subjects = [job.subject for job in jobs]
        wanted = of_models(order.objectives)
        measured = (
            self._task.run_and_measure(subjects, order.seeds, order.quality, wanted)
            if wanted
            else self._task.run(subjects, order.seeds, order.quality)
        )
        if len(measured) != len(jobs):
            raise ValueError(f"{type(self._task).__name__}.run gave {len(measured)} results for {len(jobs)} subjects")
        return self._with_objectives(subjects, measured, order) if order.objectives else measured

    def _with_objectives(
        self, subjects: Sequence[Subject], measured: Sequence[Scores | Rejected], order: Order
    ) -> list[Scores | Rejected]:
        """What was measured, with the objectives that the search's own models do not tell."""
        scored = [at for at, value in enumerate(measured) if isinstance(value, Scores) and value.best is not None]
        values: dict[int, dict[str, float]] = {
            at: of_functions(order.objectives, subjects[at].candidate) for at in scored
        }
        for name, task in elsewhere(order.objectives).items():
            if scored and task not in self._others:
                self._others[task] = load_task(task)
            again = (
                self._others[task].run([subjects[at] for at in scored], order.seeds, order.quality) if scored else []
            )
            for at, outcome in zip(scored, again, strict=True):
                # One that the other task rejects has no score there.
                if isinstance(outcome, Scores) and outcome.best is not None:
                    values[at][name] = outcome.mean()
        return [
            replace(outcome, objectives={**outcome.objectives, **values[at]})
            if isinstance(outcome, Scores) and at in values
            else outcome
            for at, outcome in enumerate(measured)
        ]


def _outcome(value: object) -> Outcome:
    if isinstance(value, Rejected):
        return value
    if not isinstance(value, Scores):
        raise TypeError(f"a task's run gives Scores or Rejected for a subject, not {type(value).__name__}")
    table = (*value.values, *(value.test or ()))
    if value.test is not None and [len(row) for row in value.test] != [len(row) for row in value.values]:
        raise ValueError("a task's run gave test scores of another shape than the validation scores")
    if any(score is not None and not math.isfinite(score) for row in table for score in row):
        raise ValueError("a task's run gave a score that is not finite: None marks a training that diverged")
    if value.best is None:
        share = 1 - value.trained / sum(map(len, value.values))
        reason = f"training diverged at every learning rate ({share:.0%} of all trainings)"
        return Rejected(stage=QUALITY_STAGE, reason=reason, measured=share)
    return Scored(score=value.mean(), scores=value, stage=STAGE)


def _judged(job: Job, outcome: Outcome, order: Order) -> Outcome:
    """The outcome after what is asked of whatever was scored."""
    if order.stability is None or not isinstance(outcome, Scored):
        return outcome
    return order.stability.judge(job.subject, outcome)
