"""The Ray executor: long-lived actors that take batches, replaced when they hang, crash or exit.

A batch that brings its actor down is sent again job by job, so that the one at fault is found and recorded as failed
and the others keep their results; evaluations are idempotent, so nothing depends on how often they ran.
"""

from __future__ import annotations

import logging
import math
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import ray
from ray.exceptions import RayError

from actsearch.errors import ActsearchError, ConfigError
from actsearch.evaluate.confinement import confine, is_out_of_memory, with_hint
from actsearch.evaluate.pool import balanced
from actsearch.evaluate.profile import Profile, check_address
from actsearch.evaluate.task import load_task
from actsearch.evaluate.worker import STAGE, Job, Order, Result, Worker
from actsearch.outcome import Failed

_STARTUP_SECONDS = 120.0
_MEDIANS = 20
_BATCH_SECONDS = 30.0
"""What a batch takes at most, where the task says how long a training takes: results come, and are kept, by batches."""
_MOST_FAILED_STARTS = 3
_MAP_SECONDS = 60.0
"""For a share of what is mapped, which takes milliseconds: a worker that is cut off never answers."""


class Actor:
    """The worker inside its Ray process."""

    def __init__(self, task: str, memory_mebibytes: int | None) -> None:
        # What tasks print belongs on standard error: standard output is the driver's, and may be one JSON document.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._trouble: str | None = None
        try:
            self._worker = Worker.of(task)
        except ActsearchError as error:
            # A value: Ray would wrap an exception in pages of its own.
            self._trouble = str(error)
        self._memory = memory_mebibytes
        confine(memory_mebibytes)

    def ready(self) -> str | None:
        """Answers once the worker stands, with the reason if the task cannot be used here."""
        return self._trouble

    def run(self, jobs: Sequence[Job], order: Order) -> list[Result]:
        """See `Worker.run`; a failure for want of memory says how much there is."""
        results = self._worker.run(jobs, order)
        return [with_hint(result, self._memory) for result in results]

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """`function` of each item."""
        return [function(item) for item in items]


@dataclass(slots=True, kw_only=True, eq=False)
class _Slot:
    """A place for one actor: starting, idle, or working on a batch."""

    actor: Any
    starting: Any
    """Reference that is ready once the actor stands; None from then on."""
    started: float
    calls: int = 0
    """How many it has answered."""
    call: Any = None
    """Reference of the call under way; None while idle."""
    jobs: Sequence[Job] = ()
    seeds: int = 1
    limit: float = 0.0
    """Seconds that the call is given, until `deadline`."""
    deadline: float = 0.0


class RayPool:
    """`profile.workers` actors of one task on a Ray cluster."""

    def __init__(self, task: str, profile: Profile) -> None:
        self._task = task
        self._profile = profile
        stated = load_task(task)
        self._stated_seconds = 0.0 if math.isnan(stated.seconds) else stated.seconds * len(stated.learning_rates)
        self._seconds: deque[float] = deque(maxlen=1000)
        self._failed_starts = 0
        self._started_here = not ray.is_initialized()
        if self._started_here:
            _connect(profile)
        self._actor_class = ray.remote(num_cpus=profile.cpus_per_worker, max_restarts=0, max_task_retries=0)(Actor)
        self._slots = [self._new_slot() for _ in range(profile.workers)]

    def __enter__(self) -> Self:
        """Wait for the first worker, so that no budget runs while none stands. Raises `ConfigError`."""
        try:
            while all(slot.starting is not None for slot in self._slots):
                for slot in self._done():
                    self._welcome(slot)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()
        if self._started_here:
            ray.shutdown()

    def release(self) -> None:
        """Give the actors' CPUs back to the cluster, to which this process stays connected."""
        for slot in self._slots:
            ray.kill(slot.actor)
        # A submission that was broken off may be closed after this, and must not start actors then.
        self._slots = []

    def submit(self, jobs: Sequence[Job], order: Order) -> Iterator[Result]:
        """Results as batches finish. A job that hangs past its time limit or brings its worker down is `Failed`.

        Raises `ConfigError` if no worker can be started.
        """
        expected = self._expected(order)
        largest = min(self._profile.batch, max(int(_BATCH_SECONDS / expected), 1)) if expected else self._profile.batch
        queue = deque(balanced(jobs, workers=len(self._slots), largest=largest))
        try:
            while queue or any(slot.call is not None for slot in self._slots):
                for slot in self._slots:
                    if queue and slot.call is None and slot.starting is None:
                        self._send(slot, queue.popleft(), order)
                for slot in self._done():
                    if slot.starting is not None:
                        self._welcome(slot)
                    else:
                        yield from self._collect(slot, queue)
        finally:
            # Calls are under way here only when the search is being stopped: their results are not wanted.
            for slot in self._slots:
                if slot.call is not None:
                    self._replace(slot)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """Shared out among the workers that stand; the share of one that fails is done here, which gives the same."""
        slots = [slot for slot in self._slots if slot.starting is None and slot.call is None][: len(items)]
        if not slots:
            return [function(item) for item in items]
        sent = ray.put(function)
        calls = [slot.actor.map.remote(sent, items[place :: len(slots)]) for place, slot in enumerate(slots)]
        found: list[Any] = [None] * len(items)
        for place, (slot, call) in enumerate(zip(slots, calls, strict=True)):
            share = slice(place, None, len(slots))
            try:
                found[share] = ray.get(call, timeout=_MAP_SECONDS)
            except (RayError, TimeoutError):
                self._replace(slot)
                found[share] = [function(item) for item in items[share]]
        return found

    def _send(self, slot: _Slot, jobs: Sequence[Job], order: Order) -> None:
        slot.call = slot.actor.run.remote(jobs, order)
        slot.jobs = jobs
        slot.limit = self._limit(len(jobs), order)
        slot.deadline = time.monotonic() + slot.limit
        slot.seeds = len(order.seeds)

    def _done(self) -> list[_Slot]:
        """Slots whose actor has started, has answered, or is past its deadline; waits a little for the first."""
        awaited = {slot: slot.starting or slot.call for slot in self._slots if slot.starting or slot.call}
        done, _ = ray.wait(list(awaited.values()), num_returns=1, timeout=0.2)
        now = time.monotonic()
        if all(slot.starting and now - slot.started > _STARTUP_SECONDS for slot in self._slots):
            raise ConfigError(
                f"no worker started within {_STARTUP_SECONDS:.0f} s: {self._profile.title!r} has no room for a worker"
                f" of {self._profile.cpus_per_worker:g} CPU(s)."
            )
        return [
            slot
            for slot, reference in awaited.items()
            if reference in done or (slot.call is not None and now > slot.deadline)
        ]

    def _welcome(self, slot: _Slot) -> None:
        """Take a started actor into service, or try again if its start failed."""
        try:
            trouble = ray.get(slot.starting, timeout=5)
        except (RayError, TimeoutError) as error:
            self._failed_starts += 1
            if self._failed_starts >= _MOST_FAILED_STARTS:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                raise ConfigError(f"{_MOST_FAILED_STARTS} workers in a row failed to start: {reason}") from error
            self._replace(slot)
        else:
            if trouble:
                raise ConfigError(f"no worker can start: {trouble}")
            self._failed_starts = 0
            slot.starting = None

    def _collect(self, slot: _Slot, queue: deque[Sequence[Job]]) -> list[Result]:
        """Results of a call that is done; a batch that failed as a whole goes back to the queue job by job."""
        call, jobs = slot.call, slot.jobs
        slot.call, slot.jobs = None, ()
        try:
            # A cut connection can leave a call that never returns, so there is always a limit; a call past its
            # deadline is given none.
            results: list[Result] = ray.get(call, timeout=0 if time.monotonic() > slot.deadline else 30)
        except (RayError, TimeoutError) as error:
            self._replace(slot)
            if len(jobs) > 1:
                queue.extendleft([job] for job in reversed(jobs))
                return []
            limit = slot.limit
            hung = isinstance(error, TimeoutError)
            reason = f"not done within {limit:.0f} s, its worker was replaced" if hung else f"its worker died: {error}"
            return [Result(key=jobs[0].key, outcome=Failed(stage=STAGE, traceback=reason), seconds=limit)]
        slot.calls += 1
        short = {result.key for result in results if is_out_of_memory(result)}
        if short:
            # Whether it was theirs or what others before them have left behind shows in a fresh worker.
            self._replace(slot)
            if slot.calls > 1 or len(jobs) > 1:
                queue.extendleft([job] for job in reversed(jobs) if job.key in short)
                results = [result for result in results if result.key not in short]
        self._seconds.extend(result.seconds / slot.seeds for result in results)
        return results

    def _expected(self, order: Order) -> float:
        """About how many seconds a job takes, from those before it or from what the task states; 0 if nobody knows."""
        each = statistics.median(self._seconds) if self._seconds else 0.0
        return max(each, self._stated_seconds) * len(order.seeds)

    def _limit(self, jobs: int, order: Order) -> float:
        """Seconds for a batch of so many jobs."""
        least, expected = self._profile.time_limit_seconds, self._expected(order)
        return max(least, _MEDIANS * expected * jobs) if expected else least * jobs

    def _new_slot(self) -> _Slot:
        actor: Any = self._actor_class.remote(self._task, self._profile.memory_mebibytes)
        return _Slot(actor=actor, starting=actor.ready.remote(), started=time.monotonic())

    def _replace(self, slot: _Slot) -> None:
        ray.kill(slot.actor)
        self._slots[self._slots.index(slot)] = self._new_slot()


def _connect(profile: Profile) -> None:
    check_address(profile)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray's own progress lines would mix with the live view.
    logging.getLogger("ray").setLevel(logging.ERROR)
    options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": True, "logging_level": logging.ERROR}
    if profile.address == "local":
        # Ray listens on every interface even for a cluster of one machine; its token authentication, on by default for
        # a cluster that is started here, lets nobody else speak to it.
        options |= {
            "num_cpus": max(profile.workers * profile.cpus_per_worker, 1),
            "object_store_memory": profile.object_store_mebibytes * 2**20,
        }
    else:
        options.pop("include_dashboard")
    try:
        ray.init(address=profile.address, configure_logging=True, **options)
    except (ConnectionError, RayError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"cannot reach the Ray cluster at {profile.address!r}: {reason}") from error
