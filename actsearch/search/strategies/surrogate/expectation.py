"""What a model expects of functions that have been scored: what a score owes to luck is taken off again.

The highest of many scores over few seeds are those of lucky functions, and a function's luck shows: others that are
like it have scored worse. The expectation of a Gaussian process moves every score towards those of like functions
(shrinkage, as in James, Stein 1961, Estimation with quadratic loss). On the table of `actbench` the function of the
highest expectation is better than that of the highest score (`benchmarks/recommendation.py`, docs/fairness.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from actsearch.search.strategies.surrogate.look import Look
from actsearch.search.strategies.surrogate.model import Array, Model, Scale, standing

_MEMORY = 1_000
"""Candidates that the model is fitted to, of more evenly from the best to the worst: most of a second."""
_FEWEST = 8
"""Candidates of one kind below which there is no model."""


def expectations(looks: Sequence[Look], scores: Array, least_noise: float = 0.0) -> Array:
    """What is expected of candidates with these scores, (n,), as normal deviates of their ranks, (n,).

    -inf is the score of what was hopeless; `least_noise` is that of `Model.fit`. Candidates without features, and those
    of another kind than most are (of another number of sites), are like nothing else: their scores are moved as those
    of a function far from all.
    """
    targets = standing(scores)
    kinds = Counter(len(look.features) for look in looks if look.features is not None)
    length, count = max(kinds.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    if count < _FEWEST:
        return targets
    places = np.array([p for p, look in enumerate(looks) if look.features is not None and len(look.features) == length])
    features = np.array([looks[place].features for place in places], dtype=np.float64)
    own = targets[places]
    scaled = Scale(features)(features)
    fitted = np.arange(len(places))
    if len(places) > _MEMORY:
        fitted = np.sort(np.argsort(-own, kind="stable")[np.linspace(0, len(own) - 1, _MEMORY).astype(int)])
    # Sums of several threads round by how many there are.
    with threadpool_limits(limits=1):
        model = Model.fit(scaled[fitted], own[fitted], least_noise=least_noise)
        found: Array = model.mean + (targets - model.mean) * model.variance / (model.variance + model.noise)
        found[places] = model.expected(scaled)
    return found
