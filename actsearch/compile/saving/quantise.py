"""A few levels for a derivative, with the least mean square error there can be.

Whichever code an element gets, the backward knows a derivative by its level alone; so the best codes are those of the
nearest level, and the best levels are those of scalar quantisation of the derivative's values, weighted by how often
inputs are there. That is a least-squares division of sorted values into runs, which a dynamic program finds: the best
last division for each prefix moves to the right as the prefix grows, because the costs are concave Monge, so one layer
takes O(n log n) steps by divide and conquer. Lloyd's rule then makes the levels exact between the points of the grid.

Novikov, Bershatsky, Gusak, Shonenkov, Dimitrov, Oseledets (2022), arXiv:2202.00441, divide the x axis into intervals
instead, which is never better, and worse for a derivative that turns, such as GELU's. Sources of the rest: Wu
(1991), Optimal quantization by matrix searching, Journal of Algorithms 12; Lloyd (1982), IEEE Transactions on
Information Theory 28.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from actsearch.compile.saving.function import Array

Indices = NDArray[np.intp]
_GRID, _FINE, _ROUNDS = 1 << 12, 1 << 16, 50


def levels_of(slope: Callable[[Array], Array], count: int) -> tuple[float, ...] | None:
    """At most `count` levels for the derivative `slope`, increasing, best for inputs from N(0, 1); None if not finite.

    Outside what 4,096 equally likely inputs reach (3.6 standard deviations) the nearest level serves as well.
    """
    values = np.sort(slope(_inputs(_GRID)))
    fine = np.sort(slope(_inputs(_FINE)))
    if not (np.isfinite(values).all() and np.isfinite(fine).all()):
        return None
    levels = divide(values, np.ones_like(values), count)
    return tuple(map(float, _refined(fine, levels)))


def divide(values: Array, weights: Array, count: int) -> Array:
    """Means of the at most `count` runs of the sorted `values` with the least weighted sum of squared differences."""
    costs = _Costs(values, weights)
    size, stop = values.size, np.arange(1, values.size + 1)
    best = costs(np.zeros_like(stop), stop)
    choices: list[Indices] = []
    for _ in range(1, min(count, size)):
        best, choice = _layer(costs, best)
        choices.append(choice)
    ends = [size]
    for choice in reversed(choices):
        ends.append(int(choice[ends[-1] - 1]))
        if ends[-1] == 0:
            break
    starts = np.unique([0, *ends])
    return np.unique([costs.mean(int(a), int(b)) for a, b in itertools.pairwise(starts)])


class _Costs:
    """Weighted squared differences of runs from their means, by sums of prefixes."""

    def __init__(self, values: Array, weights: Array) -> None:
        # About the mean, so that squares do not cancel.
        self.centre = float(np.average(values, weights=weights))
        moved = values - self.centre
        self.weight, self.first, self.second = (
            np.r_[0.0, np.cumsum(weights * power)] for power in (np.ones_like(moved), moved, moved * moved)
        )

    def __call__(self, start: Indices, stop: Indices) -> Array:
        """Of the runs from `start` to before `stop`; 0 for empty ones."""
        weight = self.weight[stop] - self.weight[start]
        first = self.first[stop] - self.first[start]
        second = self.second[stop] - self.second[start]
        found: Array = np.maximum(second - first * first / np.where(weight > 0, weight, 1.0), 0.0)
        return found

    def mean(self, start: int, stop: int) -> float:
        """That of one run."""
        return self.centre + float((self.first[stop] - self.first[start]) / (self.weight[stop] - self.weight[start]))


def _layer(costs: _Costs, best: Array) -> tuple[Array, Indices]:
    """The least costs of the prefixes with one run more, and where that begins.

    `best[n - 1]` is the least cost of the first n values so far. All prefixes of one level of the recursion are done
    at once: those in the middle between known ones, whose candidates lie between what these have chosen.
    """
    size = best.size
    before = np.r_[0.0, best]
    found, choice = np.empty(size), np.zeros(size + 2, dtype=np.intp)
    # Places 0 and size + 1 are beyond the prefixes, and bound what the others choose.
    choice[size + 1] = size
    step = 1 << size.bit_length()
    while step > 1:
        half = step // 2
        prefixes = np.arange(half, size + 1, step)
        low = choice[prefixes - half]
        high = np.minimum(choice[np.minimum(prefixes + half, size + 1)], prefixes - 1)
        found[prefixes - 1], choice[prefixes] = _least(costs, before, prefixes, low, np.maximum(high, low))
        step = half
    return found, choice[1:-1]


def _least(costs: _Costs, before: Array, prefixes: Indices, low: Indices, high: Indices) -> tuple[Array, Indices]:
    """For each prefix the least cost over beginnings of its last run from `low` to `high`, and the first such."""
    counts = high - low + 1
    offsets = np.r_[0, np.cumsum(counts)[:-1]]
    starts = np.arange(counts.sum()) - np.repeat(offsets - low, counts)
    total = before[starts] + costs(starts, np.repeat(prefixes, counts))
    least = np.minimum.reduceat(total, offsets)
    places = np.flatnonzero(total == np.repeat(least, counts))
    return least, starts[places[np.searchsorted(places, offsets)]]


def _refined(values: Array, levels: Array) -> Array:
    """The levels after Lloyd's rule: each the mean of the sorted values that are nearest to it."""
    sums = np.r_[0.0, np.cumsum(values)]
    for _ in range(_ROUNDS):
        borders = np.searchsorted(values, 0.5 * (levels[:-1] + levels[1:]), side="right")
        ends = np.unique(np.r_[0, borders, values.size])
        moved = np.diff(sums[ends]) / np.diff(ends)
        if moved.size == levels.size and np.abs(moved - levels).max() <= 1e-12:
            break
        levels = moved
    return levels


def _inputs(count: int) -> Array:
    """Equally likely inputs from N(0, 1)."""
    found: Array = torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count).numpy()
    return found
