"""How many single trainings a second one core does: stacked, and one by one with eager activations.

    python benchmarks/training_speed.py [--candidates 32 64] [--rounds 3] [--tasks tabular periodic]

A population is distinct random candidates of actbench and of the swish space that pass the static funnel, half each,
with all learning rates of `digits` and two seeds. Stacked is the task's `run`, from activations to scores, with what it
compiles: every round has candidates that were never compiled, and a new cache. One by one is a plain model of
`torch.nn` whose activation is the expression's eager torch operations times its gain, trained by `torch.optim.Adam` in
the obvious loop, with the same data, order and initial weights, and scored once at the end; some of the same
trainings, drawn at random, stand for all. The two take turns within a round, all with one thread; seconds
are those of the processor, so that what else the machine does counts little. Ratios hold within
a row; a row is the median round. The other tasks' rows have the seconds of one training in a stack alone. Appends to
`benchmarks/training_speed.csv`.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import record
import torch
from plain_loop import train_plainly

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, Task, load_task
from actsearch.grammar.space import read_space
from actsearch.plugins import find
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import Funnel, subject_of_record
from actsearch.search.strategy import Proposal

TABLE = Path(__file__).with_suffix(".csv")
SPACES = ("actbench", "swish")
SEEDS = (0, 1)
ONE_BY_ONE = 12
"""Trainings of a round that are done one by one."""
EVERYONE = Quality(margin=-1e9)


def main() -> None:
    """Measure, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, nargs="*", default=[8, 32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", nargs="*", default=[])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    record.keep_memory()
    pools = [_candidates(space) for space in SPACES]
    digits = load_task("digits")
    _stacked(digits, [next(pool) for pool in pools])
    for count in arguments.candidates:
        rounds = [_round(digits, _drawn(pools, count)) for _ in range(arguments.rounds)]
        middle = sorted(rounds, key=lambda row: row["ratio"])[len(rounds) // 2]
        _write("digits", count, middle)
    for name in arguments.tasks:
        task, count = load_task(name), 32
        seconds = [_stacked(task, _drawn(pools, count)) for _ in range(arguments.rounds)]
        trainings = count * len(task.learning_rates) * len(SEEDS)
        _write(name, count, {"stacked_ms": _ms(statistics.median(seconds) / trainings), "eager_ms": "", "ratio": ""})


def _write(task: str, candidates: int, measured: dict[str, Any]) -> None:
    row = record.machine("torch", "llvmlite") | {"task": task, "candidates": candidates} | measured
    record.append(TABLE, row)
    print(row)


def _round(task: Any, subjects: Sequence[Subject]) -> dict[str, float]:
    generator = random.Random(len(subjects))
    trainings = [(s, rate, seed) for s in subjects for rate in task.learning_rates for seed in SEEDS]
    chosen = generator.sample(trainings, ONE_BY_ONE)
    alone: list[float] = []
    for subject, rate, seed in chosen[::2]:
        alone.append(_timed(lambda s=subject, r=rate, d=seed: train_plainly(task, s, r, d)))  # type: ignore[misc]
    stacked = _stacked(task, subjects) / len(trainings)
    for subject, rate, seed in chosen[1::2]:
        alone.append(_timed(lambda s=subject, r=rate, d=seed: train_plainly(task, s, r, d)))  # type: ignore[misc]
    eager = statistics.mean(alone)
    return {"stacked_ms": _ms(stacked), "eager_ms": _ms(eager), "ratio": round(eager / stacked, 1)}


def _stacked(task: Task, subjects: Sequence[Subject]) -> float:
    with _new_cache():
        return _timed(lambda: task.run(subjects, SEEDS, EVERYONE))


def _candidates(name: str) -> Iterator[Subject]:
    """Distinct candidates of a space that pass the static funnel."""
    space, generator = read_space(find("search_spaces", name)), random.Random(0)
    funnel = Funnel(space=space, config=SearchConfig())
    number = 0
    while True:
        proposals = [Proposal(genome=space.sample(generator), parents=(), move="sample") for _ in range(64)]
        for candidate in funnel.pass_together(proposals, first=number, generation=0):
            if candidate.outcome is None:
                yield subject_of_record(candidate)
        number += len(proposals)


def _drawn(pools: Sequence[Iterator[Subject]], count: int) -> list[Subject]:
    return [next(pools[index % len(pools)]) for index in range(count)]


def _timed(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _ms(seconds: float) -> float:
    return float(f"{1e3 * seconds:.4g}")


@contextmanager
def _new_cache() -> Iterator[None]:
    before = os.environ.get("ACTSEARCH_STORE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ACTSEARCH_STORE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["ACTSEARCH_STORE"]
            else:
                os.environ["ACTSEARCH_STORE"] = before


if __name__ == "__main__":
    main()
