"""Who trains what an agenda asks for: this process, or Ray Tune; the results are the same."""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path

from actsearch.evaluate.ladder.training import Agenda, Check, Curve, Runner, Sometimes, Trained, Training, steps
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.task import Task, load_task

_TIMES = 20
"""How much longer than its task says a training may be silent."""


class InProcess:
    """Trains in this process, one after the other; it cannot enforce a time limit or survive a crash."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def run(self, agenda: Agenda, check: Check) -> None:
        """Train all that `agenda` gives."""
        import torch

        torch.set_num_threads(1)
        sometimes = Sometimes(check)
        while (training := agenda.take()) is not None:
            agenda.end(training, self._train(agenda, training, sometimes))

    def _train(self, agenda: Agenda, training: Training, check: Check) -> Trained:
        started = time.perf_counter()
        curve: Curve = ()
        failure = None
        with closing(steps(self._task, training)) as points:
            for point in points:
                check()
                if isinstance(point, str):
                    failure = point
                    break
                curve += (point,)
                if not math.isfinite(point[1]) or (point[0] < 1.0 and not agenda.goes_on(training, curve)):
                    break
        return Trained.of(curve, failure, time.perf_counter() - started)


def open_runner(task: str, profile: Profile, scratch: Path, time_limit: float = 0.0) -> Runner:
    """The runner that `profile` asks for, of the task with that name or path; `scratch` is a folder it may fill.

    One for Ray uses the cluster that this process is connected to; there a training that is silent for `time_limit`
    seconds counts as hung (0: see `limit_seconds`).
    """
    loaded = load_task(task)
    if profile.executor == "in-process":
        return InProcess(loaded)
    # Ray takes seconds to import and is not needed in process.
    from actsearch.evaluate.ladder.tune import RayTune

    return RayTune(task, profile, scratch=scratch, limit_seconds=time_limit or limit_seconds(loaded, profile))


def limit_seconds(task: Task, profile: Profile) -> float:
    """How long a training may be silent before it counts as hung, by what the profile and the task say."""
    known = 0.0 if math.isnan(task.seconds) else task.seconds
    return max(profile.time_limit_seconds, _TIMES * known)
