"""Making a table: every distinct function of a space, trained on every task, part by part."""

from __future__ import annotations

import itertools
import math
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from actsearch import plugins
from actsearch.evaluate.pool import Executor, open_executor
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.table.data import SPLITS, Array, Function, Measured, Table, best_means
from actsearch.evaluate.table.plan import Parts, Plan
from actsearch.evaluate.task import load_task
from actsearch.evaluate.worker import Job, Order
from actsearch.outcome import Scored, Scores

_TOGETHER = 64
"""Functions of a part: some seconds of training, which is what an interruption costs."""
Announce = Callable[[str], None]


def build(
    path: Path, plan: Plan, functions: Sequence[Function], profile: Profile, announce: Announce = lambda _: None
) -> Table:
    """Train what is missing, write the table to `path` and delete the parts.

    `announce` is told what is under way. Nothing is rejected: a function that diverges has NaN for scores.
    """
    parts = Parts(path, plan)
    measured = {}
    for task in plan.tasks:
        with ExitStack() as stack:
            executor = stack.enter_context(open_executor(plugins.lasting("workers", task), profile))
            measured[task] = _Measuring(plan, task, functions, executor, parts, announce).run()
    table = Table(functions=tuple(functions), tasks=measured, card=_card(plan, len(functions)))
    table.save(path)
    parts.remove()
    return table


@dataclass(slots=True)
class _Measuring:
    """The trainings of one task."""

    plan: Plan
    name: str
    functions: Sequence[Function]
    executor: Executor
    parts: Parts
    announce: Announce

    def run(self) -> Measured:
        """Every function with `plan.seeds`, then the best of them with `plan.best_seeds` others."""
        task, seeds = load_task(self.name), tuple(range(self.plan.seeds))
        everyone = range(len(self.functions))
        values, seconds = self._scores("all", everyone, seeds, len(task.learning_rates))
        order = np.argsort(-best_means(values[..., -1], test=False), kind="stable")
        best = tuple(int(index) for index in order[: self.plan.best])
        more, _ = self._scores("best", best, self.plan.more_seeds, len(task.learning_rates))
        return Measured(
            learning_rates=task.learning_rates, seeds=seeds, shares=self.plan.shares, values=values, seconds=seconds,
            best=best, more_seeds=self.plan.more_seeds, more=more, chance=task.chance,
        )  # fmt: skip

    def _scores(self, stage: str, indices: Sequence[int], seeds: tuple[int, ...], rates: int) -> tuple[Array, Array]:
        """Scores, (len(indices), rates, seeds, splits, shares), and the seconds of each, (len(indices),)."""
        blocks = [indices[start : start + _TOGETHER] for start in range(0, len(indices), _TOGETHER)]
        shape = (rates, len(seeds), len(SPLITS), len(self.plan.shares))
        found, times = [np.empty((0, *shape), dtype=np.float32)], [np.empty(0, dtype=np.float32)]
        for number, block in enumerate(blocks):
            part = f"{self.name.replace('/', '_')}-{stage}-{number:04}"
            trained = self.parts.find(part)
            if trained is None:
                self.announce(f"{self.name}: {stage} functions, part {number + 1} of {len(blocks)}")
                trained = self._train(block, seeds, shape)
                self.parts.keep(part, *trained)
            found.append(trained[0])
            times.append(trained[1])
        return np.concatenate(found), np.concatenate(times)

    def _train(self, block: Sequence[int], seeds: tuple[int, ...], shape: tuple[int, ...]) -> tuple[Array, Array]:
        subjects = [Subject.everywhere(f.activation, f.gain) for f in map(self.functions.__getitem__, block)]
        jobs = [Job(key=str(place), subject=subject) for place, subject in enumerate(subjects)]
        order = Order(seeds=seeds, quality=Quality(margin=-math.inf))
        scores = np.full((len(block), *shape), np.nan, dtype=np.float32)
        seconds = np.full(len(block), np.nan, dtype=np.float32)
        for result in self.executor.submit(jobs, order):
            seconds[int(result.key)] = result.seconds
            if isinstance(result.outcome, Scored):
                scores[int(result.key)] = _points(result.outcome.scores, self.plan.shares)
        return scores, seconds


def _points(scores: Scores, shares: Sequence[float]) -> Array:
    """(learning rates, seeds, splits, shares) of one function; what a task does not tell is NaN."""
    known = {point.share: (point.values, point.test) for point in scores.curve}
    known[1.0] = scores.values, scores.test
    shape = (len(scores.learning_rates), len(scores.seeds), len(SPLITS), len(shares))
    found = np.full(shape, np.nan, dtype=np.float32)
    for at, share in enumerate(shares):
        for split, matrix in enumerate(known.get(share, (None, None))):
            if matrix is not None:
                found[:, :, split, at] = np.array(matrix, dtype=np.float64)
    return found


def _card(plan: Plan, functions: int) -> dict[str, object]:
    versions = {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    made = {"plan": asdict(plan), "digest": plan.digest, "functions": functions}
    return made | {"machine": platform.machine(), "python": platform.python_version(), "versions": versions}


def evenly(functions: Sequence[Function], limit: int) -> list[Function]:
    """At most `limit` of them, from all over; all for 0."""
    if not limit or limit >= len(functions):
        return list(functions)
    return list(itertools.islice(_evenly(functions, limit), limit))


def _evenly(functions: Sequence[Function], limit: int) -> Iterator[Function]:
    for place in range(limit):
        yield functions[place * len(functions) // limit]
