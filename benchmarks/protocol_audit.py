"""What the rejection protocols would have cost and saved, had nothing been rejected: an audit.

    python benchmarks/protocol_audit.py [TASK...] [--space actbench] [--functions 300] [--seed 0] [--table]

Distinct functions of a space, drawn with a seed, are trained on each task without any rejection. Then every protocol
is asked what it would have said. Wanted: at most one of the 50 best is rejected (of a sample, of the best 2 %), and at
least 80 % of those that end no better than chance are gone before training. The thresholds were set on `digits` alone,
so only the other tasks test them.

With `--table` nothing is trained: functions and scores are those of `benchmarks/actbench.npz`, all there are, the best
of them by 20 seeds and the test split. A second row for each protocol counts the best among the functions that
have a value everywhere: what is left then is what a user could have taken away. Writes `benchmarks/protocol_audit.csv`
anew, rows for each task and protocol.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import spread
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.table import Table
from actsearch.evaluate.task import Subject, Task, load_task
from actsearch.grammar.activation import Activation
from actsearch.grammar.space import read_space
from actsearch.outcome import Scores
from actsearch.plugins import find
from actsearch.search.config import Protocols

TABLE = Path(__file__).with_suffix(".csv")
BATCH = 16
BEST, MANY, BEST_SHARE = 50, 1000, 0.02
"""How many count as the best of many, and which share of fewer."""
EARLY = 0.1
"""Share of the training after which quality looks."""
ACTBENCH = Path(__file__).with_name("actbench.npz")
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
    parser.add_argument("--table", action="store_true", help="take all functions and their scores from actbench.npz")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.table:
        trained = _read(Table.open(ACTBENCH))
    else:
        functions = _draw(arguments.space, arguments.functions, arguments.seed)
        trained = {name: _train(load_task(name), functions) for name in arguments.tasks}
    rows = [row for name, functions in trained.items() for row in _audit(name, functions)]
    source = {"source": "actbench.npz" if arguments.table else f"a draw with seed {arguments.seed}"}
    record.write(TABLE, [record.machine("torch", "numpy") | source | row for row in rows])
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
    subjects = [Subject.everywhere(each, spread(probe_of(each)).gain) for each in activations]
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


def _read(table: Table) -> dict[str, list[Trained]]:
    activations = [function.activation for function in table.functions]
    trained = {}
    for task, measured in table.tasks.items():
        scores = measured.means(test=True)
        scores[list(measured.best)] = measured.held_out
        validation = np.nan_to_num(measured.values[..., 0, -1].mean(axis=-1), nan=-np.inf)
        early = measured.values[..., 0, measured.shares.index(EARLY)].reshape(len(activations), -1)
        trained[task] = [
            Trained(
                activation=activation,
                score=float(score),
                chance=measured.chance,
                learning_rate=measured.learning_rates[int(rates.argmax())] if score > -math.inf else None,
                is_early_failure=Quality().check([float(v) for v in first], measured.chance) is not None,
            )
            for activation, score, rates, first in zip(activations, scores, validation, early, strict=True)
        ]
    return trained


def _audit(task: str, functions: Sequence[Trained]) -> list[dict[str, Any]]:
    """A row for each protocol, and one for all that are asked before training: of all functions, then of whole ones."""
    verdicts = {id(one): _static(one.activation) for one in functions}
    whole = [one for one in functions if "domain" not in verdicts[id(one)]]
    return [
        {"task": task, "functions": name, "of": len(some)} | row
        for name, some in (("all", functions), ("with a value everywhere", whole))
        for row in _rows(some, verdicts)
    ]


def _rows(functions: Sequence[Trained], verdicts: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
    ranked = sorted(functions, key=lambda one: -one.score)
    best = ranked[: BEST if len(ranked) >= MANY else max(round(len(ranked) * BEST_SHARE), 1)]
    hopeless = [one for one in functions if not one.score > one.chance]
    said: dict[str, set[int]] = {name: {id(one) for one in functions if name in verdicts[id(one)]} for name in STATIC}
    said["before training"] = {id(one) for one in functions if verdicts[id(one)]}
    if all(one.is_early_failure is not None for one in functions):
        said["quality"] = {id(one) for one in functions if one.is_early_failure}
        said["stability"] = {id(one) for one in best if _is_unstable(one)}
    return [
        {
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
    gain = spread(probe_of(one.activation)).gain
    subject = Subject.everywhere(one.activation, gain if math.isfinite(gain) else 1.0)
    return one.learning_rate is not None and Protocols().stability.check(subject, one.learning_rate) is not None


def _count(functions: Iterable[Trained], among: set[int]) -> int:
    return sum(id(one) in among for one in functions)


if __name__ == "__main__":
    main()
