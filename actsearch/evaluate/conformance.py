"""What a task is held to, for whoever writes one: `actsearch tasks path/to/mine.py --check`.

Two baselines are trained on two seeds here, in one batch, and one of them in a fresh process, alone and in another
order. Both must agree to the last bit, so that a search may cut its candidates into batches as it likes, on any
machine, and resume; what is left are a few questions to the scores themselves. Takes about 25 trainings.
"""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

import numpy as np
import torch

from actsearch.analysis import catalog
from actsearch.errors import ActsearchError
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, Task, load_task, subject_of
from actsearch.evaluate.worker import Job, Order, Worker
from actsearch.outcome import Failed, Matrix, Outcome, Scored, Scores

PATIENCE_SECONDS = 300.0
"""What one candidate on two seeds is given."""
_SEEDS = (0, 1)
_ELSEWHERE = 904_613
"""A seed that no task will happen to use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One point, and in one sentence how the task fails it; None if it holds."""

    point: str
    trouble: str | None


def check(name: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Finding]:
    """Findings about the task with that name or path, as they are made; those that rest on a failed one are left out.

    Raises `TaskError` for a file that is no task.
    """
    task = load_task(name)
    stated = Finding(point="states what it is", trouble=_stated(task))
    yield stated
    if stated.trouble:
        return
    first, second = (catalog.find(baseline).activation for baseline in task.baselines[:2])
    subjects = [subject_of(first), subject_of(second)]
    apart = _apart(name, subjects[0], patience_seconds)
    yield Finding(point="ends in a worker of its own", trouble=apart if isinstance(apart, str) else None)
    if isinstance(apart, str):
        return
    here = _measured(task, [subjects[1], subjects[0]], _SEEDS[::-1])
    yield Finding(point="gives scores", trouble=here if isinstance(here, str) else None)
    if isinstance(here, str):
        return
    yield Finding(point="leaves no trace", trouble=_trace(task, subjects[0]))
    yield Finding(point="repeats itself", trouble=_repeats(task, subjects, apart, here[1]))
    yield from _about(task, subjects[1], here)


@contextmanager
def _one_thread() -> Iterator[None]:
    """What is trained here is trained as in a worker; with more threads sums may round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _about(task: Task, subject: Subject, here: Sequence[Outcome]) -> Iterator[Finding]:
    """What the scores of two baselines say; `subject` is the second."""
    scored = [outcome.scores for outcome in here if isinstance(outcome, Scored)]
    trouble = None if scored else f"two baselines diverge or do no better than chance, which is {task.chance:.4g}"
    yield Finding(point="can be learnt", trouble=trouble)
    if not scored:
        return
    rows = scored[-1].values
    alike = {
        "seed": all(len(set(row)) == 1 for row in rows),
        "learning rate": len(set(rows)) == 1,
        "activation": len(scored) == 2 and scored[0] == scored[1],
    }
    for what, is_alike in alike.items():
        trouble = f"every {what} gives the same scores: is it used?" if is_alike else None
        yield Finding(point=f"heeds the {what}", trouble=trouble)
    if type(task).run is Task.run and isinstance(here[0], Scored):
        yield Finding(point="tells its way to the score", trouble=_way(task, subject, here[0].scores))


def _stated(task: Task) -> str | None:
    rates, known = task.learning_rates, catalog.names()
    if len(set(rates)) < 3 or not all(0 < rate < math.inf for rate in rates):
        return f"learning_rates is {rates!r}: give at least three different positive numbers"
    unknown = [name for name in task.baselines if name not in known]
    if unknown or len(task.baselines) < 2:
        wrong = f"{unknown[0]!r} is no function of the catalog" if unknown else "there are fewer than two"
        return f"baselines is {task.baselines!r}: {wrong}"
    if math.isnan(task.chance) or task.chance == math.inf:
        return f"chance is {task.chance!r}: give the score of a model that knows nothing"
    if task.seed_turns < 1:
        return f"seed_turns is {task.seed_turns}: at least 1 is needed"
    if task.search_seeds < 1 or task.final_seeds < 2:
        return (
            f"search_seeds and final_seeds are {task.search_seeds} and {task.final_seeds}: at least 1 and 2 are needed"
        )
    return None


@_one_thread()
def _measured(task: Task, subjects: Sequence[Subject], seeds: tuple[int, ...]) -> list[Outcome] | str:
    """Outcomes here, each a score or a rejection, or what is wrong with them."""
    jobs = [Job(key=str(index), subject=subject) for index, subject in enumerate(subjects)]
    outcomes = [result.outcome for result in Worker(task).run(jobs, Order(seeds=seeds, quality=Quality()))]
    return _trouble(task, outcomes, seeds) or outcomes


def _trouble(task: Task, outcomes: Sequence[Outcome], seeds: tuple[int, ...]) -> str | None:
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            return outcome.traceback.strip().splitlines()[-1]
        if isinstance(outcome, Scored):
            scores = outcome.scores
            if scores.seeds != seeds or scores.learning_rates != tuple(task.learning_rates):
                return "its scores are not of the seeds and learning rates that were asked for"
            if [len(row) for row in scores.values] != [len(seeds)] * len(scores.learning_rates):
                return "its scores are not one for each learning rate and seed"
    return None


def _apart(name: str, subject: Subject, patience_seconds: float) -> Outcome | str:
    """The outcome of a candidate in a fresh process, or how that ended."""
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_evaluate_and_send, args=(name, subject, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(patience_seconds):
            return f"one candidate on {len(_SEEDS)} seeds is not done after {patience_seconds:.0f} s"
        found: Outcome | str = receiver.recv()
    except EOFError:
        process.join()
        return f"its process ended with code {process.exitcode} in the middle of a training"
    finally:
        process.kill()
        process.join()
    return found if isinstance(found, str) else _trouble(load_task(name), [found], _SEEDS) or found


def _context() -> SpawnContext | ForkServerContext:
    """Fresh processes; on most systems forked from one that has done nothing but import this module."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _evaluate_and_send(name: str, subject: Subject, sender: Connection) -> None:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        worker = Worker.of(name)
    except ActsearchError as error:
        sender.send(str(error))
        return
    (result,) = worker.run([Job(key="", subject=subject)], Order(seeds=_SEEDS, quality=Quality()))
    sender.send(result.outcome)


@_one_thread()
def _trace(task: Task, subject: Subject) -> str | None:
    """What is not as it was after an evaluation; not the first one, which imports and compiles."""
    with _fresh_surroundings():
        before = _surroundings()
        _measured(task, [subject], _SEEDS[:1])
        changed = [what for what, value in _surroundings().items() if value != before[what]]
    return f"it leaves {' and '.join(changed)} changed: put back what was there before" if changed else None


@contextmanager
def _fresh_surroundings() -> Iterator[None]:
    """Where no evaluation has been, so that one that always leaves the same is found as well."""
    generators = (torch.get_rng_state(), random.getstate(), np.random.get_state())  # noqa: NPY002
    torch.default_generator.manual_seed(_ELSEWHERE)
    random.seed(_ELSEWHERE)
    np.random.seed(_ELSEWHERE)  # noqa: NPY002
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_rng_state(generators[0])
        random.setstate(generators[1])
        np.random.set_state(generators[2])  # noqa: NPY002


def _surroundings() -> dict[str, object]:
    """What a task may not change, as values that can be compared."""
    numpys: dict[str, Any] = np.random.get_state(legacy=False)  # noqa: NPY002
    return {
        "torch's random generator": torch.get_rng_state().numpy().tobytes(),
        "Python's random generator": random.getstate(),
        "numpy's random generator": {
            **numpys,
            "state": numpys["state"]["key"].tobytes(),
            "pos": numpys["state"]["pos"],
        },
        "torch's default type": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "whether torch tracks gradients": torch.is_grad_enabled(),
        "the working folder": os.getcwd(),  # noqa: PTH109
    }


def _repeats(task: Task, subjects: Sequence[Subject], apart: Outcome, together: Outcome) -> str | None:
    """Why one subject has other scores here, in a batch and with its seeds turned round, than alone in a process."""
    if _turned(together) == apart:
        return None
    alone = [_measured(task, subjects[:1], _SEEDS) for _ in range(2)]
    if alone[0] != alone[1]:
        return "the same candidate scores differently the second time: the seed must decide everything that is random"
    if alone[0] != [apart]:
        return "a candidate scores differently in another process: something there is not fixed by the seed"
    return "a candidate's scores depend on what else is in the batch, or on the order of the seeds"


def _turned(outcome: Outcome) -> Outcome:
    """With seeds in the opposite order."""
    if not isinstance(outcome, Scored):
        return outcome
    scores = outcome.scores
    turned = replace(
        scores,
        seeds=scores.seeds[::-1],
        values=_mirrored(scores.values),
        test=scores.test and _mirrored(scores.test),
        curve=tuple(
            replace(point, values=_mirrored(point.values), test=point.test and _mirrored(point.test))
            for point in scores.curve
        ),
    )
    return Scored(score=turned.mean(), scores=turned, stage=outcome.stage)


def _mirrored(rows: Matrix) -> Matrix:
    return tuple(row[::-1] for row in rows)


@_one_thread()
def _way(task: Task, subject: Subject, scores: Scores) -> str | None:
    with redirect_stdout(sys.stderr):
        points = list(task.curve(subject.module, scores.seeds[0], scores.learning_rates[0]))
    shares = [share for share, _ in points]
    if not points or shares[-1] != 1.0:
        return f"the last pair of its curve is at {shares[-1] if shares else 'no share'}, not at 1.0"
    if any(later <= earlier for earlier, later in itertools.pairwise(shares)) or shares[0] <= 0:
        return "the shares of its curve do not grow from above 0"
    end = points[-1][1] if math.isfinite(points[-1][1]) else None
    if end != scores.values[0][0]:
        return f"its curve ends at {points[-1][1]!r}, its score is {scores.values[0][0]!r}"
    return None
