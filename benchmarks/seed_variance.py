"""What a seed decides of who is best: on longtail, which classes are rare; on any task, images and initial weights.

    python benchmarks/seed_variance.py [TASK...] [--functions 96] [--groups 12] [--replicates 4]

A seed of longtail draws which class is how rare, which images are held out, and the initial weights. Here the first is
drawn apart from the others: functions among the 200 best of the table are trained with some rankings of the classes,
and with each ranking several times on other images from other weights. The score of a function on the test split, at
its learning rate that is best on validation, less what all functions have in common, falls into its mean over all, what
it owes to the ranking, and the rest; their deviations are estimated from the mean squares of a nested analysis of
variance (functions x rankings, replicates within rankings). `p_of_groups` says how often seeds that are grouped at
random show as much. On another task seeds are grouped in the same way, which means nothing there.

`foretold_group` says whether what a function owes to a group is a smooth function of it: the model of `surrogate` is
fitted to that of half of the functions, by what the surrogate sees of them, and its expectation of the other half is
compared with theirs, by Spearman's rank correlation (mean over groups and ten ways of halving). `foretold_rest` is the
same of the rest, one replicate of each group, and `foretold_mean` of the mean. Noise that is each function's own would
be foretold with 0.

Replaces the rows of what was measured in `benchmarks/seed_variance.csv`.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from fisher import lesson_of
from gallery import Gallery, together
from numpy.typing import NDArray
from scipy.stats import spearmanr
from table_game import Board, Judge

from actsearch import plugins
from actsearch.evaluate.fairness.reported import reported
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.task import load_task
from actsearch.evaluate.trainer import Lesson, Split, train_lessons
from actsearch.outcome import Rejected
from actsearch.search.strategies.surrogate.model import Model, standing

TABLE = Path(__file__).with_suffix(".csv")
RANKED = "longtail"
APART = 1000
"""A seed is that of the group times this, plus the replicate's."""
TOGETHER, HALVINGS, SHUFFLES = 16, 10, 999
Array = NDArray[np.float64]


def main() -> None:
    """Train, analyse, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=[RANKED, "digits", "tabular"])
    parser.add_argument("--functions", type=int, default=96)
    parser.add_argument("--groups", type=int, default=12)
    parser.add_argument("--replicates", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    gallery = Gallery(board=board)
    for task in arguments.tasks:
        best = sorted(set(Judge(board=board, task=task).measured.best) & board.reachable)
        chosen = sorted(random.Random(0).sample(best, arguments.functions))
        scores, trained = _scores(gallery, task, chosen, arguments.groups, arguments.replicates)
        features = together([gallery.symmetric])[[gallery.numbers.index(number) for number in trained]]
        size = {"functions": len(trained), "groups": arguments.groups, "replicates": arguments.replicates}
        row = {"task": task, **size, **_analysis(scores, features)}
        print(row, flush=True)
        record.replace(TABLE, [{**record.machine("torch", "numpy", "scikit-learn"), **row}], "task")


def _scores(gallery: Gallery, task: str, chosen: list[int], groups: int, replicates: int) -> tuple[Array, list[int]]:
    """Scores, (functions, groups, replicates), and numbers of those that did not diverge at every learning rate."""
    own = lesson_of(load_task(task))
    split: Callable[[int], Split] = _split if task == RANKED else own.split
    lessons = [Lesson(split=split, recipe=own.recipe)]
    seeds = [APART * group + replicate for group in range(groups) for replicate in range(replicates)]
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
    return np.array(found).reshape(len(found), groups, replicates), trained


@lru_cache(maxsize=64)
def _split(seed: int) -> Split:
    """As longtail's, but that the ranking is drawn by `seed` // APART alone."""
    task: Any = plugins.load("workers", RANKED)
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
    functions, groups, replicates = scores.shape
    scores = scores - scores.mean(axis=0)
    means, by_group = scores.mean(axis=(1, 2)), scores.mean(axis=2)
    owed, rest = by_group - means[:, None], scores - by_group[:, :, None]
    square_mean, square_owed, square_rest = _squares(scores)
    found = {
        "function_deviation": max(square_mean - square_owed, 0.0) / (groups * replicates),
        "group_deviation": max(square_owed - square_rest, 0.0) / replicates,
        "rest_deviation": square_rest,
    }
    rows = {
        "foretold_mean": means[:, None],
        "foretold_group": owed,
        "foretold_rest": rest.reshape(functions, -1)[:, ::replicates],
    }
    shown = {name: float(f"{value**0.5:.4g}") for name, value in found.items()}
    return {
        **shown,
        "f_of_groups": round(square_owed / square_rest, 3),
        "p_of_groups": _chance_of(scores),
        **{name: _foretold(features, columns) for name, columns in rows.items()},
    }


def _squares(scores: Array) -> tuple[float, float, float]:
    """Mean squares of functions, of functions x groups, and of the rest."""
    functions, groups, replicates = scores.shape
    means, by_group = scores.mean(axis=(1, 2)), scores.mean(axis=2)
    owed, rest = by_group - means[:, None], scores - by_group[:, :, None]
    return (
        groups * replicates * float((means**2).sum()) / (functions - 1),
        replicates * float((owed**2).sum()) / ((functions - 1) * (groups - 1)),
        float((rest**2).sum()) / ((functions - 1) * groups * (replicates - 1)),
    )


def _chance_of(scores: Array) -> float:
    """How often seeds that are grouped by chance have as large a quotient of mean squares.

    Functions fare alike, so that the tables of F, for which each counts by itself, say nothing.
    """
    generator, seeds = np.random.default_rng(0), scores.reshape(len(scores), -1)
    _, owed, rest = _squares(scores)
    shuffled = (seeds[:, generator.permutation(seeds.shape[1])].reshape(scores.shape) for _ in range(SHUFFLES))
    larger = sum(one / other >= owed / rest for _, one, other in map(_squares, shuffled))
    return round((larger + 1) / (SHUFFLES + 1), 4)


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
