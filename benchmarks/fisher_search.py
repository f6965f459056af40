"""The surrogate with eigenvalues of the Fisher information among its features, on the table.

    python benchmarks/fisher_search.py [--tasks digits tabular ...] [--repeats 30]

Games as in `strategies.py`, played by `surrogate` as it is and by one that sees, beside the 18 numbers of `look.py`,
every fifth of the 60 logarithms that `fisher.py` gives: about as many, so that neither kind outweighs the other in the
model's distances. Replaces the rows of what was played in `benchmarks/fisher_search.csv`; intervals are 95 %, by
bootstrap over repeats.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import record
import strategies
import torch
from fisher import QUANTILES, eigenvalues, lesson_of
from table_game import Board, Judge, play

from actsearch.analysis.moments import normalised
from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.task import load_task
from actsearch.evaluate.trainer import Lesson
from actsearch.grammar.space import Genome, Space
from actsearch.search.config import SearchConfig
from actsearch.search.strategies.surrogate import Surrogate, SurrogateSettings
from actsearch.search.strategies.surrogate.album import Album
from actsearch.search.strategies.surrogate.look import Look

TABLE = Path(__file__).with_suffix(".csv")
STEP = 5
LEAST = -12.0
"""Logarithm that stands for what is not finite, and for functions that are rejected without training."""
COLUMNS = (
    "strategy", "task", "turns", "repeats", "median_evaluations", "median_low", "median_high", "regret_area",
    "area_low", "area_high", "ask_tell_ms_per_evaluation",
)  # fmt: skip


class FisherAlbum(Album):
    """An album whose looks have eigenvalues, too."""

    def __init__(self, space: Space, lesson: Lesson) -> None:
        super().__init__(space)
        self._lesson = lesson
        self._spectra: dict[str, tuple[float, ...]] = {}

    def at(self, genome: Genome) -> Look:
        """See `Album`."""
        code = genome.encode()
        if code in self._looks:
            return self._looks[code]
        seen = super().at(genome)
        if seen.features is not None:
            if seen.function not in self._spectra:
                self._spectra[seen.function] = self._spectrum(genome, seen)
            both = (*seen.features, *self._spectra[seen.function])
            seen = self._looks[code] = dataclasses.replace(seen, features=both)
        return seen

    def _spectrum(self, genome: Genome, seen: Look) -> tuple[float, ...]:
        if not seen.is_promising:
            return (LEAST,) * len(range(STEP // 2, QUANTILES * (len(self._lesson.recipe.widths) - 1), STEP))
        found = eigenvalues(*normalised(self._space.candidate(genome).activation), self._lesson)[STEP // 2 :: STEP]
        return tuple(np.where(np.isfinite(found), found, LEAST).tolist())


def main() -> None:
    """Play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=["digits", "tabular", "periodic", "longtail"])
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    space = board.space
    for task in arguments.tasks:
        plain, fisher = Surrogate(space, SurrogateSettings()), Surrogate(space, SurrogateSettings())
        fisher._album = FisherAlbum(space, lesson_of(load_task(task)))
        for name, strategy in {"surrogate": plain, "with Fisher eigenvalues": fisher}.items():
            judge = Judge(board=board, task=task)
            games = [
                play(
                    strategy, judge, seed=seed, generation=SearchConfig().generation_after,
                    evaluations=strategies.EVALUATIONS, at_most=strategies.AT_MOST, turns=StackedTask.seed_turns,
                )
                for seed in range(arguments.repeats)
            ]  # fmt: skip
            row = strategies.summary(name, judge, games, StackedTask.seed_turns)
            row = {column: row[column] for column in COLUMNS}
            print(row, flush=True)
            record.replace(TABLE, [{**record.machine("numpy", "scikit-learn"), **row}], "strategy", "task", "turns")


if __name__ == "__main__":
    main()
