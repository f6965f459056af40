"""The model: a Gaussian process over scores' ranks, and what it proposes to evaluate together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Array = NDArray[np.float64]
_LENGTHS = (0.35, 0.6, 1.0, 1.7)
"""Length scales that are tried, times the root of the number of features."""
_NOISES = (0.1, 0.3, 1.0, 3.0)
"""Variances of the noise that are tried, as shares of that of the function."""
_LEAST_VARIANCE = 1e-12
_SHORTLIST = 300
"""Points whose covariance is looked at: those of the highest bounds."""


def standing(scores: Array) -> Array:
    """Scores, (n,), as normal deviates of their ranks; -inf is the lowest of all.

    Outliers and the scale of a metric then say nothing, and what diverged has a place, too.
    """
    deviates: Array = norm.ppf((rankdata(scores) - 0.5) / len(scores))
    return deviates


class Scale:
    """Columns of features with mean 0 and deviation 1 over some points; constant ones are left out."""

    def __init__(self, features: Array) -> None:
        self._mean, deviation = features.mean(axis=0), features.std(axis=0)
        self._varies = deviation > 1e-9
        self._deviation = deviation[self._varies]

    def __call__(self, features: Array) -> Array:
        """The columns that vary, (n, columns)."""
        scaled: Array = (features[:, self._varies] - self._mean[self._varies]) / self._deviation
        return scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A Gaussian process that was fitted; its variance is `variance` times that of the process."""

    process: Any
    mean: float
    variance: float
    noise: float
    """Variance of the noise of one evaluation."""

    @classmethod
    def fit(cls, features: Array, targets: Array, least_noise: float = 0.0) -> Model:
        """The process, Matérn 5/2 with one length, of largest likelihood among a few (the variance in closed form).

        The noise has at least `least_noise` times the variance of the function, whatever the likelihood says.
        """
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern

        mean = float(targets.mean())
        best: tuple[float, Any, float, float] | None = None
        for length in _LENGTHS:
            kernel = Matern(length_scale=length * max(features.shape[1], 1) ** 0.5, nu=2.5)
            for noise in (noise for noise in _NOISES if noise >= least_noise):
                process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
                process.fit(features, targets - mean)
                # Scores may all tie.
                variance = max(float((targets - mean) @ process.alpha_) / len(targets), _LEAST_VARIANCE)
                fitness = -0.5 * len(targets) * np.log(variance) - np.log(np.diag(process.L_)).sum()
                if best is None or fitness > best[0]:
                    best = float(fitness), process, variance, noise
        if best is None:
            raise AssertionError("unreachable: there are lengths and noises")
        _, process, variance, noise = best
        return cls(process=process, mean=mean, variance=variance, noise=noise * variance)

    def expected(self, features: Array) -> Array:
        """Mean of the function at some points."""
        found: Array = self.mean + self.process.predict(features)
        return found

    def choose(self, features: Array, count: int, boldness: float, drawn: Sequence[int] = ()) -> list[int]:
        """`count` of the points to evaluate together: those `drawn`, then those of the highest upper confidence bounds.

        After each choice the model is what it would be had that point come out as expected (Desautels, Krause, Burdick
        2014, Parallelizing exploration-exploitation tradeoffs in Gaussian process bandit optimization, JMLR 15), so
        that the next one is not beside it.
        """
        mean, deviation = self.process.predict(features, return_std=True)
        bounds = mean + boldness * self.variance**0.5 * deviation
        bounds[list(drawn)] = np.inf
        short = np.argsort(-bounds, kind="stable")[: max(_SHORTLIST, 2 * count)]
        mean, covariance = self.process.predict(features[short], return_cov=True)
        covariance = covariance * self.variance
        chosen: list[int] = []
        for turn in range(min(count, len(short))):
            bounds = mean + boldness * np.sqrt(np.maximum(np.diag(covariance), 0.0))
            bounds[chosen] = -np.inf
            place = turn if turn < len(drawn) else int(bounds.argmax())
            chosen.append(place)
            column = covariance[:, place].copy()
            covariance -= np.outer(column, column) / (column[place] + self.noise)
        return [int(short[place]) for place in chosen]


def spread_out(features: Array, known: Array, count: int, generator: random.Random) -> list[int]:
    """`count` points far from each other and from `known`: drawn with the squared distance to those that are there.

    As k-means++ (Arthur, Vassilvitskii 2007) begins; of the largest distances a tenth count alike, so that outliers
    are not all that is drawn. The most ordinary of them, nearest to the median of all, come first.
    """
    distances = np.full(len(features), np.inf)
    for point in known:
        distances = np.minimum(distances, np.square(features - point).sum(axis=1))
    chosen: list[int] = []
    while len(chosen) < min(count, len(features)):
        place = _drawn(distances, chosen, generator)
        chosen.append(place)
        distances = np.minimum(distances, np.square(features - features[place]).sum(axis=1))
    oddity = np.square(features - np.median(features, axis=0)).sum(axis=1)
    return sorted(chosen, key=lambda place: float(oddity[place]))


def _drawn(distances: Array, chosen: Sequence[int], generator: random.Random) -> int:
    if np.isinf(distances).all():
        return generator.randrange(len(distances))
    weights = np.minimum(distances, np.quantile(distances, 0.9))
    if not weights.any():
        weights = np.ones(len(distances))
    weights[list(chosen)] = 0.0
    total = np.cumsum(weights)
    return int(min(np.searchsorted(total, generator.random() * total[-1], side="right"), len(weights) - 1))
