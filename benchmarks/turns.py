"""What it is worth that generations of a search take turns on seeds, on the table.

    python benchmarks/turns.py [STRATEGY...] [--tasks digits tabular ...] [--turns 1 4] [--repeats 60]

Games as in `strategies.py`, in which generation g of repeat r, from 0, is answered with the table's seed number r + (g
mod `turns`); 1 is the same for all. The level of a seed, the mean score of the task's baselines with it, is taken from
what it answers. `by_score` is the regret of the incumbent that scored highest, `by_expectation` that of whom a model of
all scores expects most (`actsearch/search/strategies/surrogate/expectation.py`, as a search's shortlist): the area over
300 evaluations, and after the last of them. Regret by expectation is looked at after some evaluations (`POINTS`) and
taken as straight between them; before there are eight, the incumbent is by score. `_to_fixed` is the paired difference
to one seed for all, and `_half` half of its 95 % interval, 1.96 standard errors over the seeds that games began with,
each with its repeats.

Replaces the rows of what was played in `benchmarks/turns.csv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import record
import strategies
import torch
from gallery import Gallery
from numpy.typing import NDArray
from table_game import Board, Judge, Played

from actsearch.search.strategies.surrogate.expectation import expectations

TABLE = Path(__file__).with_suffix(".csv")
POINTS = (8, 16, 32, 64, 100, 150, 200, 250, 300)
Array = NDArray[np.float64]


def main() -> None:
    """Play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=["auto", "random"])
    parser.add_argument("--tasks", nargs="*", default=["digits", "tabular", "periodic", "longtail"])
    parser.add_argument("--turns", nargs="*", type=int, default=[1, 4])
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    gallery = Gallery(board=board)
    for task in arguments.tasks:
        judge = Judge(board=board, task=task)
        for name in arguments.strategies:
            fixed: Array | None = None
            for turns in sorted({1, *arguments.turns}):
                games = strategies.games(name, judge, arguments.repeats, turns)
                values = np.array([_regrets(gallery, judge, game) for game in games])
                fixed = values if fixed is None else fixed
                found = float(np.median([game.found_at for game in games]))
                row = {"task": task, "strategy": name, "turns": turns, "repeats": len(games)}
                row |= {"median_evaluations": found, **_summary(values, fixed, len(judge.measured.seeds))}
                print(row, flush=True)
                record.replace(TABLE, [{**record.machine("numpy", "scikit-learn"), **row}], "task", "strategy", "turns")


def _regrets(gallery: Gallery, judge: Judge, game: Played) -> tuple[float, ...]:
    """Area and last, by score; area and last, by expectation."""
    top = judge.held_out[judge.best_ten[0]]
    by_score = np.array(game.regret[: strategies.EVALUATIONS])
    points = [point for point in POINTS if point <= len(game.functions)]
    seen = [
        top - judge.held_out[_expected(gallery, game.functions[:point], np.array(game.scores[:point]))]
        for point in points
    ]
    places = np.arange(points[0], len(by_score) + 1)
    by_expectation = np.concatenate([by_score[: points[0] - 1], np.interp(places, points, seen)])
    return float(by_score.mean()), float(by_score[-1]), float(by_expectation.mean()), float(by_expectation[-1])


def _expected(gallery: Gallery, functions: list[int], scores: Array) -> int:
    """The function of which a model of all scores expects most."""
    looks = [gallery.looks[place] for place in np.searchsorted(gallery.numbers, functions)]
    expected = np.where(np.isfinite(scores), expectations(looks, scores), -np.inf)
    return functions[int(expected.argmax())]


def _summary(values: Array, fixed: Array, seeds: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for column, name in enumerate(("area_by_score", "last_by_score", "area_by_expectation", "last_by_expectation")):
        differences = (values - fixed)[:, column]
        by_seed = np.array([differences[seed::seeds].mean() for seed in range(min(seeds, len(differences)))])
        found[name] = float(f"{values[:, column].mean():.4g}")
        found[f"{name}_to_fixed"] = float(f"{differences.mean():.3g}")
        found[f"{name}_half"] = float(f"{1.96 * by_seed.std(ddof=1) / len(by_seed) ** 0.5:.2g}")
    return found


if __name__ == "__main__":
    main()
