"""How well the surrogate's model foretells held-out scores from several kinds of features, on the table.

    python benchmarks/features.py [--tasks digits tabular ...] [--draws 30] [--print]

In each draw the scores of 100 functions are known, drawn from those that the funnel lets through, with one seed: the
table's seed number d mod 15 for draw d, as a search of `strategies.py` is answered. The model of `surrogate` is fitted
to them, and what it expects of all others is compared with their scores on the test split, by Spearman's rank
correlation: among all of them (means over the table's other seeds), and among the best (those that have held-out
seeds, means over these). `best_ten_place` is where the ten best stand among the others, from 0, first, to 1, last; 0.5
is chance.

Blocks of features, each of the same weight where there are several, however many columns they have:

- `symmetric`: what the surrogate sees (`actsearch/search/strategies/surrogate/look.py`);
- `values`: outputs at 64 quantiles of N(0, 1), of unit variance, clipped at 10;
- `slopes`: derivatives there;
- `fisher`: eigenvalues of the Fisher information of the task's network before training (`fisher.py`).

`prior` knows nothing of the task: it is fitted, over `symmetric`, to held-out scores of 300 functions on digits.

Replaces the rows of what was measured in `benchmarks/features.csv`. Intervals are 95 %, by bootstrap over draws.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import record
import torch
from gallery import Gallery, together
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr
from table_game import Board, Judge

from actsearch.search.strategies.surrogate.model import Model, standing

TABLE = Path(__file__).with_suffix(".csv")
KNOWN, KNOWN_TO_PRIOR = 100, 300
SETS = (
    ("symmetric",), ("values",), ("values", "slopes"), ("fisher",), ("symmetric", "fisher"), ("values", "fisher"),
    ("values", "slopes", "fisher"),
)  # fmt: skip
Array = NDArray[np.float64]


class Foretold(NamedTuple):
    """How well one draw went."""

    everywhere: float
    among_best: float
    best_ten_place: float


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=["digits", "tabular", "periodic", "longtail"])
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--print", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    gallery = Gallery(board=board)
    for task in arguments.tasks:
        for features, draws in _measured(gallery, task, arguments.draws):
            row = {"task": task, "features": features, "draws": len(draws), **_summary(draws)}
            print(row, flush=True)
            if not arguments.print:
                record.replace(TABLE, [{**record.machine("numpy", "scikit-learn", "torch"), **row}], "task", "features")


def _measured(gallery: Gallery, task: str, draws: int) -> Iterator[tuple[str, list[Foretold]]]:
    judge = Judge(board=gallery.board, task=task)
    blocks = {
        "symmetric": gallery.symmetric, "values": gallery.values, "slopes": gallery.slopes,
        "fisher": gallery.fisher(task),
    }  # fmt: skip
    for names in SETS:
        features = together([blocks[name] for name in names])
        yield " + ".join(names), [_draw(gallery, judge, features, draw) for draw in range(draws)]
    if task != "digits":
        digits = Judge(board=gallery.board, task="digits")
        features = together([gallery.symmetric])
        yield "prior", [_draw(gallery, judge, features, draw, prior=digits) for draw in range(draws)]


def _draw(gallery: Gallery, judge: Judge, features: Array, draw: int, prior: Judge | None = None) -> Foretold:
    seed = draw % len(judge.measured.seeds)
    places = list(range(len(gallery.numbers)))
    known = random.Random(draw).sample(places, KNOWN if prior is None else KNOWN_TO_PRIOR)
    if prior is None:
        scores, hopeless = judge.answers[seed]
        told = np.where(hopeless, -np.inf, scores)[gallery.numbers]
    else:
        told = np.array([prior.held_out[number] for number in gallery.numbers])
    others = sorted(set(places).difference(known)) if prior is None else places
    expected = Model.fit(features[known], standing(told[known])).expected(features[others])
    held_out = {number: place for place, number in enumerate(judge.measured.best)}
    best = [place for place, other in enumerate(others) if gallery.numbers[other] in held_out]
    apart = [judge.measured.held_out[held_out[gallery.numbers[others[place]]]] for place in best]
    others_say = judge.measured.means([s for s in judge.measured.seeds if s != judge.measured.seeds[seed]], test=True)
    ten = [place for place, other in enumerate(others) if gallery.numbers[other] in judge.best_ten]
    ranks = (rankdata(-expected) - 1) / (len(others) - 1)
    return Foretold(
        everywhere=float(spearmanr(expected, others_say[gallery.numbers][others]).statistic),
        among_best=float(spearmanr(expected[best], apart).statistic),
        best_ten_place=float(ranks[ten].mean()),
    )


def _summary(draws: Sequence[Foretold]) -> dict[str, float]:
    """Means over draws and their intervals."""
    values = np.array(draws)
    drawn = np.random.default_rng(0).integers(len(values), size=(2000, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975), axis=0)
    found = {}
    for column, name in enumerate(Foretold._fields):
        found[name] = round(float(values[:, column].mean()), 3)
        found[f"{name}_low"], found[f"{name}_high"] = round(float(low[column]), 3), round(float(high[column]), 3)
    return found


if __name__ == "__main__":
    main()
