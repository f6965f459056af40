"""How many evaluations a search needs that is told the truth: what noise costs, and what the model does by itself.

    python benchmarks/noise_free.py [STRATEGY...] [--tasks digits tabular ...] [--repeats 60]

Games as in `strategies.py`, in which a query answers with the held-out score by which the game judges, so without luck
and without a seed's landscape. No search on real answers can be expected to need fewer.

Replaces the rows of what was played in `benchmarks/noise_free.csv`.
"""

from __future__ import annotations

import argparse
from functools import cached_property
from pathlib import Path

import numpy as np
import record
import strategies
import torch
from numpy.typing import NDArray
from table_game import Board, Judge

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "task", "strategy", "repeats", "median_evaluations", "median_low", "median_high", "found_within_300", "regret_area",
)  # fmt: skip


class Truth(Judge):
    """A judge that answers with what it judges by."""

    @cached_property
    def answers(self) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """For each seed the same: held-out scores, and that `quality` rejects nothing."""
        scores = np.full(len(self.board.table.functions), -np.inf)
        scores[list(self.held_out)] = list(self.held_out.values())
        return [(scores, np.zeros(len(scores), dtype=bool))] * len(self.measured.seeds)


def main() -> None:
    """Play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=["auto", "surrogate:draws=0", "surrogate:draws=0:boldness=1"])
    parser.add_argument("--tasks", nargs="*", default=["digits", "tabular", "periodic", "longtail"])
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    for task in arguments.tasks:
        judge = Truth(board=board, task=task)
        for name in arguments.strategies:
            games = strategies.games(name, judge, arguments.repeats, turns=1)
            row = strategies.summary(name, judge, games, turns=1)
            row = {column: row[column] for column in COLUMNS}
            print(row, flush=True)
            record.replace(TABLE, [{**record.machine("numpy", "scikit-learn"), **row}], "task", "strategy")


if __name__ == "__main__":
    main()
