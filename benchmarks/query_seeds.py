"""Searches on the table by the seed that answered them: whether one seed's landscape is that of the held-out mean.

    python benchmarks/query_seeds.py [STRATEGY...] [--tasks longtail digits] [--repeats 75]

The games of `strategies.py` with one turn: repeat r is answered with seed number r mod 15. They are taken apart by that
seed. `agreement` is Spearman's rank correlation between what it answers (validation) and the held-out means (40 other
seeds, test), among the functions that have the latter, the 200 best by the table's 15 seeds. `place_of_best_ten` is the
mean place of the ten best in the order of the answers, from 0, first, to 1, last, of all that the funnel lets through.

Replaces the rows of what was played in `benchmarks/query_seeds.csv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import record
import strategies
import torch
from scipy.stats import rankdata, spearmanr
from table_game import Board, Judge

TABLE = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=["auto", "random"])
    parser.add_argument("--tasks", nargs="*", default=["longtail", "digits"])
    parser.add_argument("--repeats", type=int, default=75)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    for task in arguments.tasks:
        judge = Judge(board=board, task=task)
        seeds = range(len(judge.measured.seeds))
        for name in arguments.strategies:
            games = strategies.games(name, judge, arguments.repeats, turns=1)
            for seed in seeds:
                own = games[seed :: len(seeds)]
                found = np.array([game.found_at for game in own])
                row = {
                    "task": task,
                    "query_seed": seed,
                    "strategy": name,
                    "repeats": len(own),
                    "median_evaluations": float(np.median(found)),
                    "regret_area": float(f"{np.mean([game.regret[: strategies.EVALUATIONS] for game in own]):.4g}"),
                    **_agreement(judge, seed),
                }
                print(row, flush=True)
                record.replace(
                    TABLE, [{**record.machine("numpy", "scikit-learn"), **row}], "task", "query_seed", "strategy"
                )


def _agreement(judge: Judge, seed: int) -> dict[str, float]:
    """How far the answers of a seed order functions as the held-out seeds do."""
    scores, hopeless = judge.answers[seed]
    answers = np.where(hopeless, -np.inf, scores)
    reachable = sorted(judge.board.reachable)
    places = dict(zip(reachable, (rankdata(-answers[reachable]) - 1) / (len(reachable) - 1), strict=True))
    best = list(judge.measured.best)
    return {
        "agreement": round(float(spearmanr(answers[best], judge.measured.held_out).statistic), 3),
        "place_of_best_ten": round(float(np.mean([places[number] for number in judge.best_ten])), 3),
    }


if __name__ == "__main__":
    main()
