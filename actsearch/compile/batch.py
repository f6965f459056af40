"""Many layers compiled together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from torch import Tensor

from actsearch.compile.module import ActivationModule

TOGETHER = 16
"""Layers that are handed to the code generator at once: with fewer two threads take turns at Python's lock more often,
with more the code generator waits longer for the first."""


def prepare(layers: Iterable[ActivationModule], x: Tensor) -> None:
    """Compile forward and backward of each layer for inputs of the shape, dtype and device of `x`.

    While one thread derives and writes some kernels, another has the code generator compile those before. A layer
    whose backend compiles nothing ahead stays as it is.
    """
    left, coming = iter(layers), []
    with ThreadPoolExecutor(1, thread_name_prefix="actsearch-compiler") as worker:
        while group := list(itertools.islice(left, TOGETHER)):
            together = _Together()
            coming += [layer.prepare(x, together) for layer in group]
            worker.submit(together.run)
        for found in coming:
            if found is not None:
                found.result()


class _Together(Executor):
    """Keeps jobs until they are run one after the other; a job's outcome is in the job."""

    def __init__(self) -> None:
        self._jobs: list[Callable[[], Any]] = []

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Keep a job."""
        done: Future[Any] = Future()

        def run() -> None:
            try:
                done.set_result(job(*arguments, **options))
            except BaseException as error:  # noqa: BLE001 - whoever asks for the result is to see it
                done.set_exception(error)

        self._jobs.append(run)
        return done

    def run(self) -> None:
        """Do the jobs."""
        for job in self._jobs:
            job()
