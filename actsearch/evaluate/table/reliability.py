"""How far a table's ranks can be trusted: over seeds, over the length of training, from task to task."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from actsearch.evaluate.table.data import Array, Measured, Table, best_means


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Rank correlations (Spearman) of one task's scores, over all functions unless said otherwise."""

    one_seed: float
    """Between trainings with one seed and another, mean over pairs of seeds."""
    all_seeds: float
    """What that gives for the mean over all seeds, after Spearman (1910) and Brown (1910)."""
    best_again: float
    """Of the mean over these seeds with that over the other seeds, among the best functions alone."""
    by_share: Mapping[float, float]
    """Of scores after a share of the training with those at its end, where the task tells them."""


def reliability(measured: Measured) -> Reliability:
    """The reliability of what a task measured."""
    pairs = itertools.combinations(measured.seeds, 2)
    single = [_correlation(measured.means([a], test=False), measured.means([b], test=False)) for a, b in pairs]
    one, count = (float(np.mean(single)) if single else float("nan")), len(measured.seeds)
    whole = measured.means(test=False)
    best = list(measured.best)
    return Reliability(
        one_seed=one,
        all_seeds=count * one / (1 + (count - 1) * one),
        best_again=_correlation(whole[best], best_means(measured.more[..., -1], test=False)),
        by_share={
            share: _correlation(measured.means(share=share, test=False), whole)
            for share, values in zip(measured.shares[:-1], np.moveaxis(measured.values, -1, 0), strict=False)
            if not np.isnan(values).all()
        },
    )


def between_tasks(table: Table) -> Mapping[tuple[str, str], float]:
    """Rank correlation of the scores on each two tasks."""
    means = {name: measured.means(test=False) for name, measured in table.tasks.items()}
    return {(a, b): _correlation(means[a], means[b]) for a, b in itertools.combinations(means, 2)}


def _correlation(first: Array, second: Array) -> float:
    return float(spearmanr(first, second).statistic)
