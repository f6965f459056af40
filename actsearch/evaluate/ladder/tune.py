"""Ray Tune as the runner: the agenda proposes as a searcher and stops trials as a scheduler.

Tune keeps its actors from one trial to the next and replaces one that dies. A worker ends itself when a training is
silent for too long, by a thread that needs no interpreter, so nothing that a task does can hold up the others.
"""

from __future__ import annotations

import faulthandler
import io
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

# Read when Tune is imported or begins. Without its loggers, which write files for every trial; and Ctrl-C is ours.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from actsearch.evaluate.ladder.training import Agenda, Check, Curve, Sometimes, Trained, Training, steps
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.task import Task, load_task

T = TypeVar("T")
_SHARE, _SCORE, _FAILURE = "share", "score", "failure"


class RayTune:
    """Runs agendas of one task as Ray Tune experiments, `profile.workers` trials at a time."""

    def __init__(self, task: str, profile: Profile, *, scratch: Path, limit_seconds: float) -> None:
        self._task = task
        self._profile = profile
        self._scratch = scratch
        self._limit_seconds = limit_seconds

    def run(self, agenda: Agenda, check: Check) -> None:
        """Train all that `agenda` gives. What Tune writes is in the scratch folder, and removed at the end."""
        if agenda.is_done:
            return
        # Tune reads them when it begins. Its loggers write files for every trial, and Ctrl-C is ours.
        os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
        os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
        proposer = Proposer(agenda, self._task, self._limit_seconds)
        tuner = tune.Tuner(
            tune.with_resources(_train, {"cpu": self._profile.cpus_per_worker}),
            tune_config=tune.TuneConfig(
                search_alg=proposer,
                scheduler=Stopper(proposer),
                num_samples=-1,
                max_concurrent_trials=self._profile.workers,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                storage_path=str(self._scratch.resolve()),
                name="tune",
                verbose=0,
                callbacks=[_Checking(Sometimes(check))],
                failure_config=tune.FailureConfig(max_failures=0),
            ),
        )
        with _emptied(self._scratch), _quiet():
            tuner.fit()
        proposer.raise_trouble()


@dataclass(slots=True, kw_only=True)
class _UnderWay:
    """A trial that Tune has been given."""

    training: Training
    started: float
    heard: float
    """When it was started or last told a score; monotonic."""
    curve: Curve = ()
    failure: str | None = None


class Proposer(Searcher):
    """Hands the agenda's trainings to Tune, and what becomes of them to the agenda."""

    def __init__(self, agenda: Agenda, task: str, limit_seconds: float) -> None:
        super().__init__(metric=_SCORE, mode="max")
        self._agenda = agenda
        self._task = task
        self._limit_seconds = limit_seconds
        self._under_way: dict[str, _UnderWay] = {}
        self._trouble: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        """The next training as a Tune configuration; None while there is none, `FINISHED` when all is done."""
        if self._trouble is not None:
            return self.FINISHED
        training = self._ask(self._agenda.take, None)
        if training is None:
            return self.FINISHED if self._trouble is not None or self._agenda.is_done else None
        now = time.monotonic()
        self._under_way[trial_id] = _UnderWay(training=training, started=now, heard=now)
        return {"task": self._task, "training": training, "limit_seconds": self._limit_seconds}

    def hear(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether the trial that tells `result` goes on."""
        trial = self._under_way[trial_id]
        trial.heard = time.monotonic()
        trial.failure = result.get(_FAILURE) or None
        if trial.failure is not None:
            return False
        share, score = float(result[_SHARE]), float(result[_SCORE])
        trial.curve += ((share, score),)
        if not math.isfinite(score) or share >= 1.0 or self._trouble is not None:
            return False
        return self._ask(lambda: self._agenda.goes_on(trial.training, trial.curve), default=False)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:  # noqa: FBT001, FBT002 - Tune's signature
        """Tell the agenda of the end of a trial."""
        del result
        trial = self._under_way.pop(trial_id, None)
        if trial is None:
            return
        now = time.monotonic()
        if error:
            is_hung = now - trial.heard >= self._limit_seconds
            trial.failure = f"not done within {self._limit_seconds:.0f} s" if is_hung else "its worker died"
        trained = Trained.of(trial.curve, trial.failure, now - trial.started)
        self._ask(lambda: self._agenda.end(trial.training, trained), None)

    def raise_trouble(self) -> None:
        """Raise what the agenda has raised: Tune would take it for a failure of the trial."""
        if self._trouble is not None:
            raise self._trouble

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune writes its searchers to disk, and the journal has what there is to keep."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing, as above."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as above."""

    def _ask(self, question: Callable[[], T], default: T) -> T:
        """The agenda's answer; what it raises is kept for the end, and ends the run."""
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - raised again by `raise_trouble`
            self._trouble = error
            return default


class Stopper(FIFOScheduler):
    """Stops the trials that the agenda gives up."""

    def __init__(self, proposer: Proposer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._proposer = proposer

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Tune's word for whether `trial` goes on."""
        del tune_controller
        goes_on = self._proposer.hear(trial.trial_id, result)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class _Checking(tune.Callback):
    """Calls `check` in every round of Tune's loop, several times a second; what it raises ends the run."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune begins a round."""
        del iteration, trials, info
        self._check()

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, as of the `Proposer`."""
        return {}


def _train(config: dict[str, Any]) -> None:
    """Tune's function: one training in a worker, reported point by point."""
    import torch

    torch.set_num_threads(1)
    # What tasks print belongs on standard error, also when it comes from below Python.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with closing(_watched(steps(_loaded(config["task"]), config["training"]), config["limit_seconds"])) as points:
        for point in points:
            if isinstance(point, str):
                tune.report({_SHARE: 0.0, _SCORE: math.nan, _FAILURE: point})
            else:
                # Tune waits here for the decision, and ends the function in `report` if the trial is stopped.
                tune.report({_SHARE: point[0], _SCORE: point[1]})


def _watched(points: Iterator[tuple[float, float] | str], limit_seconds: float) -> Generator[tuple[float, float] | str]:
    """The points, in a process that dies when one of them takes too long."""
    while True:
        faulthandler.dump_traceback_later(limit_seconds, exit=True)
        try:
            point = next(points, None)
        finally:
            faulthandler.cancel_dump_traceback_later()
        if point is None:
            return
        yield point


@lru_cache(maxsize=1)
def _loaded(task: str) -> Task:
    with redirect_stdout(sys.stderr):
        return load_task(task)


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """A folder without what is, or was, in it; a run that was killed leaves something."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Tune's own words: its failures are results, and standard output may be one JSON document."""
    logger = logging.getLogger("ray.tune")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)
