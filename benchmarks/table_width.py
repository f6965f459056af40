"""Whether the ranks of the table hold in wider and narrower networks.

    python benchmarks/table_width.py [--functions 300] [--seeds 3]

The 100 best functions of the table on digits and others evenly from all over are trained again in perceptrons of other
widths, with other seeds, and a third of the learning rates where it is wider. Writes `benchmarks/table_width.csv`:
rank correlations (Spearman) with the table's own scores, over all of them and among the best, and how many of the
table's ten best are among the ten best of the wider network.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import record
import torch
from scipy.stats import spearmanr

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.table import Table
from actsearch.evaluate.task import load_task
from actsearch.evaluate.trainer import train
from actsearch.outcome import Scores

HERE = Path(__file__)
WIDTHS = {16: 1.0, 32: 1.0, 128: 1 / 3}
"""Width of the hidden layers, and by what the learning rates are multiplied."""
BEST, BATCH, FIRST_SEED = 100, 16, 5000


def main() -> None:
    """Train, correlate, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=300, help="how many of all, beside the best")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = Table.open(HERE.with_name("actbench.npz"))
    measured = table.tasks["digits"]
    own = measured.means(test=True)
    ranked = np.array(measured.best)[np.argsort(-measured.held_out)]
    others = np.linspace(0, len(table.functions) - 1, arguments.functions).astype(int)
    chosen = sorted({*map(int, ranked[:BEST]), *map(int, others)})
    subjects = [Subject.everywhere(table.functions[i].activation, table.functions[i].gain) for i in chosen]
    rows = []
    for width, factor in WIDTHS.items():
        found = _trained(subjects, width, factor, tuple(range(FIRST_SEED, FIRST_SEED + arguments.seeds)))
        at = dict(zip(chosen, found, strict=True))
        best = [int(index) for index in ranked[:BEST]]
        again = sorted(best, key=lambda index: -at[index])[:10]
        held_out = dict(zip(map(int, measured.best), measured.held_out, strict=True))
        rows.append(
            record.machine("torch", "numpy", "scikit-learn")
            | {
                "width": width,
                "learning rates": f"x {factor:.3g}",
                "functions": len(chosen),
                "correlation of all": _correlation([own[i] for i in chosen], found),
                "correlation of the best": _correlation([held_out[i] for i in best], [at[i] for i in best]),
                "best ten among the best ten": len(set(again) & set(best[:10])),
            }
        )
        print(rows[-1], flush=True)
    record.write(HERE.with_suffix(".csv"), rows)


def _trained(subjects: list[Subject], width: int, factor: float, seeds: tuple[int, ...]) -> list[float]:
    """Mean test scores at the best learning rate; minus infinity for what diverges."""
    task = load_task("digits")
    widths = (task.recipe.widths[0], width, width, task.recipe.widths[-1])
    rates = tuple(rate * factor for rate in task.learning_rates)
    recipe = dataclasses.replace(task.recipe, widths=widths, learning_rates=rates)
    found = []
    for start in range(0, len(subjects), BATCH):
        for outcome in train(subjects[start : start + BATCH], seeds, task.split, recipe, Quality(margin=-np.inf)):
            best = outcome.best if isinstance(outcome, Scores) else None
            tests = [] if best is None else outcome.test[best]
            found.append(float(np.mean(tests)) if tests and None not in tests else -np.inf)
    return found


def _correlation(first: list[float], second: list[float]) -> float:
    return round(float(spearmanr(first, second).statistic), 3)


if __name__ == "__main__":
    main()
