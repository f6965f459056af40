"""Executors: the same submission to this process or to long-lived Ray actors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

from actsearch.evaluate.profile import Profile
from actsearch.evaluate.worker import Job, Order, Result, Worker
from actsearch.grammar.expression import size

Map = Callable[[Callable[[Any], Any], Sequence[Any]], Sequence[Any]]
"""Applies a pure function to each of some items, wherever it likes; results stand in the order of the items."""


class Executor(AbstractContextManager["Executor"], Protocol):
    """Evaluates jobs; results come as they are ready, each job exactly once."""

    def submit(self, jobs: Sequence[Job], order: Order) -> Iterator[Result]:
        """Results of all `jobs`, in any order."""
        ...

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """A pure function of this package applied to each of `items`, while no job is under way."""
        ...

    def release(self) -> None:
        """Give the workers back: nothing is submitted any more, and others may have their place."""
        ...


class InProcess:
    """Evaluates in this process, one batch after the other; it cannot enforce a time limit or survive a crash."""

    def __init__(self, task: str, profile: Profile) -> None:
        self._worker = Worker.of(task)
        self._batch = profile.batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to release."""

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """Applied here, one after the other."""
        return [function(item) for item in items]

    def release(self) -> None:
        """Nothing to give back."""

    def submit(self, jobs: Sequence[Job], order: Order) -> Iterator[Result]:
        """Results batch by batch, in the order of `jobs`."""
        for batch in batches(jobs, workers=1, largest=self._batch):
            yield from self._worker.run(batch, order)


def open_executor(task: str, profile: Profile) -> Executor:
    """The executor that `profile` asks for, evaluating the task with that name or path."""
    if profile.executor == "in-process":
        return InProcess(task, profile)
    # Ray takes seconds to import and is not needed in process.
    from actsearch.evaluate.ray_pool import RayPool

    return RayPool(task, profile)


def batches(jobs: Sequence[Job], *, workers: int, largest: int) -> list[Sequence[Job]]:
    """`jobs` cut into batches of about equal size: at most `largest`, and few enough for every worker to have one."""
    count = max(-(-len(jobs) // largest), min(workers, len(jobs)))
    edges = [len(jobs) * index // count for index in range(count + 1)] if count else [0]
    return [jobs[start:stop] for start, stop in itertools.pairwise(edges)]


def balanced(jobs: Sequence[Job], *, workers: int, largest: int) -> list[Sequence[Job]]:
    """`jobs` dealt out to as many batches as `batches` makes, of sizes as equal, that cost about the same.

    The largest functions come first and the dealing turns around after each round, so that workers that begin together
    end together: the order of proposal has fresh samples last and children of grown parents first.
    """
    count = len(batches(jobs, workers=workers, largest=largest))
    dealt: list[list[Job]] = [[] for _ in range(count)]
    for place, job in enumerate(sorted(jobs, key=_nodes, reverse=True)):
        turn, position = divmod(place, count)
        dealt[count - 1 - position if turn % 2 else position].append(job)
    return list(dealt)


def _nodes(job: Job) -> int:
    """How large its functions are, which a training takes the longer for."""
    return sum(size(activation.expression) for _, activation in job.subject.candidate.assignment)
