"""What a seed of the task longtail decides of who is best: which classes are rare, or chance as on any task.

    python benchmarks/longtail_variance.py [--functions 96] [--rankings 4] [--replicates 6]

A seed of longtail draws which class is how rare, which images are held out, and the initial weights. Here the first is
drawn apart from the others: functions among the 200 best of the table are trained with some rankings of the classes,
and with each ranking several times on other images from other weights. The score of a function on the test split, at its
learning rate that is best on validation, less what all functions have in common, falls into its mean over all, what it
owes to the ranking, and the rest; their deviations are estimated from the mean squares of a nested analysis of variance
(functions x rankings, replicates within rankings).

`foretold_ranking` says whether what a function owes to a ranking is a smooth function of it: the model of `surrogate`
is fitted to that of half of the functions, by what the surrogate sees of them, and its expectation of the other half
is compared with theirs, by Spearman's rank correlation (mean over rankings and ten ways of halving). `foretold_rest`
is the same of the rest, one replicate at a time. Noise that is each function's own would be foretold with 0.

Appends a row to `benchmarks/longtail_variance.csv`.
"""

from __future__ import annotations

import argparse
import math
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from features import Gallery, together
from numpy.typing import NDArray
from scipy.stats import spearmanr
from table_game import Board, Judge

from actsearch import plugins
from actsearch.evaluate.fairness.reported import reported
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.table import Table
from actsearch.evaluate.trainer import Lesson, Split, train_lessons
from actsearch.grammar.space import read_space
from actsearch.outcome import Rejected
from actsearch.search.strategies.surrogate.model import Model, standing

HERE = Path(__file__).parent
TABLE = Path(__file__).with_suffix(".csv")
TASK = "longtail"
APART = 1000
"""A seed is that of the ranking times this, plus the replicate's."""
TOGETHER, HALVINGS = 16, 10
Array = NDArray[np.float64]


def main() -> None:
    """Train, analyse, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=96)
    parser.add_argument("--rankings", type=int, default=4)
    parser.add_argument("--replicates", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board(table=Table.open(HERE / "actbench.npz"), space=read_space(plugins.find("search_spaces", "actbench")))
    gallery = Gallery(board=board)
    best = sorted(set(Judge(board=board, task=TASK).measured.best) & board.reachable)
    chosen = sorted(random.Random(0).sample(best, arguments.functions))
    scores, trained = _scores(gallery, chosen, arguments.rankings, arguments.replicates)
    features = together([gallery.symmetric])[[gallery.numbers.index(number) for number in trained]]
    row = {
        "functions": len(trained),
        "rankings": arguments.rankings,
        "replicates": arguments.replicates,
        **_analysis(scores, features),
    }
    print(row)
    record.append(TABLE, {**record.machine("torch", "numpy", "scikit-learn"), **row})


def _scores(gallery: Gallery, chosen: list[int], rankings: int, replicates: int) -> tuple[Array, list[int]]:
    """Scores, (functions, rankings, replicates), and numbers of those that did not diverge at every learning rate."""
    task: Any = plugins.load("workers", TASK)
    lessons = [Lesson(split=_split, recipe=task.LongTail.recipe)]
    seeds = [APART * ranking + replicate for ranking in range(rankings) for replicate in range(replicates)]
    functions = [gallery.board.table.functions[number] for number in chosen]
    subjects = [Subject.everywhere(function.activation, function.gain) for function in functions]
    found, trained = [], []
    for start in range(0, len(subjects), TOGETHER):
        outcomes = train_lessons(subjects[start : start + TOGETHER], seeds, lessons, Quality(margin=-math.inf))
        for number, outcome in zip(chosen[start : start + TOGETHER], outcomes, strict=True):
            told = None if isinstance(outcome, Rejected) else reported(outcome)
            if told is not None:
                found.append(told.values)
                trained.append(number)
    return np.array(found).reshape(len(found), rankings, replicates), trained


@lru_cache(maxsize=64)
def _split(seed: int) -> Split:
    """As longtail's, but that the ranking is drawn by `seed` // APART alone."""
    task: Any = plugins.load("workers", TASK)
    pixels, classes = task.load_digits(return_X_y=True)
    images, labels = torch.tensor(pixels, dtype=torch.float32), torch.tensor(classes, dtype=torch.int64)
    ranks = torch.randperm(task.CLASSES, generator=torch.Generator().manual_seed(seed // APART)).tolist()
    generator = torch.Generator().manual_seed(seed)
    parts: tuple[list[torch.Tensor], ...] = ([], [], [])
    for label, rank in enumerate(ranks):
        own = (labels == label).nonzero()[:, 0]
        own = own[torch.randperm(len(own), generator=generator)]
        kept = math.ceil(task.MOST * task.RARITY ** (-rank / (task.CLASSES - 1)))
        ends = (task.TESTED, 2 * task.TESTED, 2 * task.TESTED + kept)
        for part, first, end in zip(parts, (0, *ends), ends, strict=False):
            part.append(own[first:end])
    validation, test, kept_images = (torch.cat(part) for part in parts)
    scaled = (images - images[kept_images].mean()) / images[kept_images].std()
    return Split.of(scaled, labels, train=kept_images, validation=validation, test=test)


def _analysis(scores: Array, features: Array) -> dict[str, float]:
    """Deviations, in the unit of the score, and how well they are foretold."""
    functions, rankings, replicates = scores.shape
    scores = scores - scores.mean(axis=0)
    means = scores.mean(axis=(1, 2))
    by_ranking = scores.mean(axis=2)
    owed, rest = by_ranking - means[:, None], scores - by_ranking[:, :, None]
    square_rest = float((rest**2).sum()) / ((functions - 1) * rankings * (replicates - 1))
    square_owed = replicates * float((owed**2).sum()) / ((functions - 1) * (rankings - 1))
    square_mean = rankings * replicates * float((means**2).sum()) / (functions - 1)
    found = {
        "function_deviation": max(square_mean - square_owed, 0.0) / (rankings * replicates),
        "ranking_deviation": max(square_owed - square_rest, 0.0) / replicates,
        "rest_deviation": square_rest,
    }
    rows = {
        "foretold_mean": means[:, None],
        "foretold_ranking": owed,
        "foretold_rest": rest.reshape(functions, -1)[:, ::replicates],
    }
    shown = {name: float(f"{value**0.5:.4g}") for name, value in found.items()}
    return {
        **shown,
        "f_of_rankings": round(square_owed / square_rest, 3),
        **{name: _foretold(features, columns) for name, columns in rows.items()},
    }


def _foretold(features: Array, columns: Array) -> float:
    """Mean rank correlation between what a model of one half of the functions expects of the other, and what it is."""
    found = []
    for halving in range(HALVINGS):
        order = np.random.default_rng(halving).permutation(len(features))
        known, others = order[: len(order) // 2], order[len(order) // 2 :]
        for column in columns.T:
            expected = Model.fit(features[known], standing(column[known])).expected(features[others])
            # A model that sees nothing but noise expects the same of all.
            varies = np.ptp(expected) > 0
            found.append(float(spearmanr(expected, column[others]).statistic) if varies else 0.0)
    return round(float(np.mean(found)), 3)


if __name__ == "__main__":
    main()
