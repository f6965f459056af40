"""A task: how a candidate is scored. A plug-in file in `workers/` (or anywhere) holds exactly one of them."""

from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import ClassVar

from actsearch import plugins
from actsearch.errors import ActsearchError, TaskError, UnsupportedError
from actsearch.evaluate.objectives import OfModels
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import MakeActivation, Subject, subject_of
from actsearch.outcome import Rejected, Scores

__all__ = ["Curve", "MakeActivation", "Subject", "Task", "load_task", "subject_of"]

Curve = Iterator[tuple[float, float]]
"""Shares of a training that are done, up to 1.0, and the score after each."""


class Task:
    """Base of all tasks. Implement `score`; or `curve`, whose trainings can be stopped early; or `run`, for batches.

    The score of a subject must depend on the subject, the seed and the learning rate only: not on what else is in the
    batch, on earlier calls, on the time or on the process. Seeds and learning rates are shared by all subjects of a
    batch, so that differences are paired.
    """

    metric: ClassVar[str] = "score"
    """What the score measures, in words; more is better."""
    chance: ClassVar[float] = -math.inf
    """Score of a model that knows nothing; what does no better is rejected under `quality`."""
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    """At least three: a fixed learning rate would reward slope, not shape."""
    search_seeds: ClassVar[int] = 2
    """Seeds a candidate is scored with during the search."""
    seed_turns: ClassVar[int] = 1
    """Sets of so many seeds that generations of a search take turns on; its baselines are trained with all of them."""
    final_seeds: ClassVar[int] = 16
    """Fresh seeds that finalists and baselines are compared with."""
    baselines: ClassVar[tuple[str, ...]] = ("relu", "gelu", "silu", "tanh", "elu", "mish")
    """Catalog names trained under the same conditions."""
    fidelity: ClassVar[str] = "steps"
    """What a shorter training has less of."""
    seconds: ClassVar[float] = math.nan
    """About how long one training takes on one core; NaN if nobody has measured it."""
    gated: ClassVar[bool] = False
    """Whether it makes sites that read a second input, the gate (see `MakeActivation`)."""
    lanes: ClassVar[bool] = False
    """Whether it makes sites whose output has more channels than x."""
    layers: ClassVar[int] = 0
    """How many of its sites may differ: it makes them with `layer=1` and so on. 0: it names none."""

    def score(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> float:
        """Train one model and return its score (more is better; NaN if the training diverged).

        `make_activation(channels=None, channel_dim=1, layer=None)` gives a fresh `nn.Module` for one site of the model
        and belongs to this model alone. This default goes along `curve` to its end.
        """
        if type(self).curve is Task.curve:
            raise NotImplementedError(f"{type(self).__name__} trains batches only, by run")
        return [value for _, value in self.curve(make_activation, seed, learning_rate)][-1]

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Train one model and tell its score on the way, as `(share of the training that is done, score)`.

        The last pair is that of the whole training, (1.0, score). This default has nothing to tell before that.
        """
        yield 1.0, self.score(make_activation, seed, learning_rate)

    def run(self, subjects: Sequence[Subject], seeds: Sequence[int], quality: Quality) -> list[Scores | Rejected]:
        """Scores of every subject, in order. This default trains one model after the other."""
        return [self._run_one(subject, tuple(seeds), quality) for subject in subjects]

    def run_and_measure(
        self, subjects: Sequence[Subject], seeds: Sequence[int], quality: Quality, objectives: Sequence[OfModels]
    ) -> list[Scores | Rejected]:
        """As `run`, and what `objectives` measure of the trained models stands in `Scores.objectives`.

        Raises `UnsupportedError` in this default: see `actsearch.evaluate.stacked_task`.
        """
        del subjects, seeds, quality
        names = " and ".join(objective.name for objective in objectives)
        raise UnsupportedError(
            f"the task {type(self).__name__} cannot measure {names}: only tasks that train stacks of perceptrons can"
            " (digits, tabular, periodic, deep, longtail); take one of them, or leave that objective out."
        )

    def _run_one(self, subject: Subject, seeds: tuple[int, ...], quality: Quality) -> Scores | Rejected:
        rows = []
        for learning_rate in self.learning_rates:
            values = (self.score(subject.module, seed, learning_rate) for seed in seeds)
            rows.append(tuple(_checked(self, value) for value in values))
        scores = Scores(learning_rates=self.learning_rates, seeds=seeds, values=tuple(rows))
        reached = [math.nan if value is None else value for row in scores.values for value in row]
        return quality.check(reached, self.chance) or scores


def load_task(name: str) -> Task:
    """The task called `name`, or the one in the file at the path `name`; raises `TaskError`."""
    path = plugins.find("workers", name)
    # A task finds what stands beside its file, such as the user's model, as a script would; last, to hide nothing.
    if os.fspath(path.parent) not in sys.path:
        sys.path.append(os.fspath(path.parent))
    try:
        with redirect_stdout(sys.stderr):
            module = plugins.load("workers", name)
    except ActsearchError:
        raise
    except (Exception, SystemExit) as error:
        raise TaskError(f"the task file {os.fspath(path)!r} cannot be loaded: {_sentence(error)}") from error
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Task) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TaskError(
            f"the task file {os.fspath(path)!r} has {len(found)} classes derived from actsearch.evaluate.task.Task:"
            " it must have exactly one."
        )
    if not any(getattr(found[0], name) is not getattr(Task, name) for name in ("score", "curve", "run")):
        raise TaskError(
            f"the class {found[0].__name__} in {os.fspath(path)!r} defines none of score, curve and run: define one."
        )
    try:
        return found[0]()
    except (Exception, SystemExit) as error:
        raise TaskError(
            f"the class {found[0].__name__} in {os.fspath(path)!r} cannot be made: {_sentence(error)}"
        ) from error


def _sentence(error: BaseException) -> str:
    """Type and message of an exception on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _checked(task: Task, value: object) -> float | None:
    if not isinstance(value, float | int):
        raise TypeError(f"{type(task).__name__}.score returned {type(value).__name__}, not a float")
    return float(value) if math.isfinite(value) else None
