"""What the rejection protocols would have cost and saved, had nothing been rejected: an audit.

    python benchmarks/protocol_audit.py [TASK...] [--space actbench] [--functions 300] [--seed 0] [--table FILE]

Distinct functions of a space, drawn with a seed, are trained on each task without any rejection. Then every protocol
is asked what it would have said. Wanted: at most one of the 50 best is rejected (of a sample, of the best 2 %), and at
least 80 % of those that end no better than chance are gone before training. The thresholds were set on `digits` alone,
so only the other tasks test them.

With `--table FILE` nothing is trained: FILE is a CSV with the columns expression, task and score (empty if every
training diverged), and chance. Writes `benchmarks/protocol_audit.csv` anew, a row for each task and protocol.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import record
import torch

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import spread
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, Task, load_task
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.space import read_space
from actsearch.outcome import Scores
from actsearch.plugins import find
from actsearch.search.config import Protocols

TABLE = Path(__file__).with_suffix(".csv")
BATCH = 16
BEST, BEST_SHARE = 50, 0.02
STATIC = ("domain", "trivial", "gradient", "signal")
"""Protocols that are asked before training, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A function and what became of it on one task when nothing rejected it."""

    activation: Activation
    score: float
    """Mean over seeds at the best learning rate; minus infinity if every learning rate diverged."""
    chance: float
    learning_rate: float | None = None
    is_early_failure: bool | None = None
    """Whether the protocol quality rejects it; None where nobody has looked."""


def main() -> None:
    """Train or read, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=["digits"], help="tasks, by name or path")
    parser.add_argument("--space", default="actbench", help="a space that can be enumerated")
    parser.add_argument("--functions", type=int, default=300, help="how many distinct functions to train")
    parser.add_argument("--seed", type=int, default=0, help="of the draw; 0 is the one that set the thresholds")
    parser.add_argument("--table", type=Path, help="a CSV of functions that were trained already")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.table:
        trained = _read(arguments.table)
    else:
        functions = _draw(arguments.space, arguments.functions, arguments.seed)
        trained = {name: _train(load_task(name), functions) for name in arguments.tasks}
    rows = [row for name, functions in trained.items() for row in _audit(name, functions)]
    record.write(TABLE, [record.machine("torch", "numpy") | {"seed": arguments.seed} | row for row in rows])
    for row in rows:
        print(row)


def _draw(name: str, count: int, seed: int) -> list[Activation]:
    """Distinct functions of a space, whatever else is wrong with them."""
    space = read_space(find("search_spaces", name))
    genomes = list(space.enumerate())
    random.Random(seed).shuffle(genomes)
    found: dict[str, Activation] = {}
    for genome in genomes:
        activation = space.candidate(genome).activation.without_factor()
        if activation.inputs:
            found.setdefault(fingerprint(probe_of(activation)), activation)
        if len(found) == count:
            break
    return list(found.values())


def _train(task: Task, activations: Sequence[Activation]) -> list[Trained]:
    subjects = [Subject(activation=each, gain=spread(probe_of(each)).gain) for each in activations]
    seeds = tuple(range(task.search_seeds))
    found = []
    for start in range(0, len(subjects), BATCH):
        batch = subjects[start : start + BATCH]
        early = task.run(batch, seeds, Quality())
        # What quality has stopped is trained again to its end: results do not depend on what else is in a batch.
        stopped = [subject for subject, one in zip(batch, early, strict=True) if not isinstance(one, Scores)]
        ended = iter(task.run(stopped, seeds, Quality(margin=-math.inf)) if stopped else [])
        for subject, one in zip(batch, early, strict=True):
            last = one if isinstance(one, Scores) else next(ended)
            best = last.best if isinstance(last, Scores) else None
            found.append(
                Trained(
                    activation=subject.activation,
                    score=-math.inf if best is None or not isinstance(last, Scores) else last.mean(),
                    chance=task.chance,
                    learning_rate=None if best is None else task.learning_rates[best],
                    is_early_failure=not isinstance(one, Scores),
                )
            )
        print(f"{type(task).__name__}: {len(found)} of {len(subjects)} trained", flush=True)
    return found


def _read(table: Path) -> dict[str, list[Trained]]:
    trained: dict[str, list[Trained]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            one = Trained(
                activation=parse(row["expression"]),
                score=float(row["score"]) if row["score"] else -math.inf,
                chance=float(row["chance"]),
            )
            trained.setdefault(row["task"], []).append(one)
    return trained


def _audit(task: str, functions: Sequence[Trained]) -> list[dict[str, Any]]:
    """One row for each protocol, and one for all that are asked before training."""
    ranked = sorted(functions, key=lambda one: -one.score)
    best = ranked[: BEST if len(ranked) * BEST_SHARE >= BEST else max(round(len(ranked) * BEST_SHARE), 1)]
    hopeless = [one for one in functions if not one.score > one.chance]
    verdicts = {id(one): _static(one.activation) for one in functions}
    said: dict[str, set[int]] = {name: {key for key, v in verdicts.items() if name in v} for name in STATIC}
    said["before training"] = {key for key, names in verdicts.items() if names}
    if all(one.is_early_failure is not None for one in functions):
        said["quality"] = {id(one) for one in functions if one.is_early_failure}
        said["stability"] = {id(one) for one in best if _is_unstable(one)}
    return [
        {
            "task": task,
            "functions": len(functions),
            "protocol": name,
            "rejected": len(rejected),
            "best": len(best),
            "rejected_of_best": _count(best, rejected),
            "which_of_best": "; ".join(one.activation.text for one in best if id(one) in rejected),
            "no_better_than_chance": len(hopeless),
            "rejected_of_those": _count(hopeless, rejected),
            "share_of_those": round(_count(hopeless, rejected) / max(len(hopeless), 1), 3),
            "rejected_though_better": len(rejected) - _count(hopeless, rejected),
            "best_rank_rejected": next((rank for rank, one in enumerate(ranked, 1) if id(one) in rejected), ""),
        }
        for name, rejected in said.items()
    ]


def _static(activation: Activation) -> list[str]:
    """The protocols that reject an activation: domain, else the others, each asked for itself."""
    probe, protocols = probe_of(activation), Protocols()
    if protocols.domain.check(probe):
        return ["domain"]
    return [name for name in STATIC if getattr(protocols, name).check(probe)]


def _is_unstable(one: Trained) -> bool:
    """Whether stability rejects a function; asked of the best only, to which alone it matters."""
    subject = Subject(activation=one.activation, gain=spread(probe_of(one.activation)).gain)
    return one.learning_rate is not None and Protocols().stability.check(subject, one.learning_rate) is not None


def _count(functions: Iterable[Trained], among: set[int]) -> int:
    return sum(id(one) in among for one in functions)


if __name__ == "__main__":
    main()
