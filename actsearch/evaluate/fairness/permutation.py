"""Corrected p values of many paired comparisons at once, by flipping signs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT_SEEDS = 16
"""Up to so many seeds every pattern of signs is tried; beyond, `DRAWS` random ones."""
DRAWS = 20_000
_BLOCK = 4096
"""Patterns that are computed at once: a few MB for a hundred comparisons."""
_SLACK = 1e-9
"""Relative difference that is rounding: patterns that tie in exact arithmetic count as ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What flipping signs says of a family of comparisons; arrays in float64, one entry a comparison."""

    p_values: NDArray[np.float64]
    """Two-sided, corrected for the whole family."""
    alone: NDArray[np.float64]
    """Two-sided, of each comparison as if it were the only one."""
    critical: float
    """The |t| that is needed at the level asked for; infinite if no result on so few seeds could be enough."""


def corrected(differences: NDArray[np.float64], level: float) -> Correction:
    """Step-down max-t sign-flip test of `differences`, (comparisons, seeds).

    Where two functions do not differ, their difference on a seed could as well have had the other sign. All
    comparisons of a seed are flipped together, so what they have in common (a baseline, a split) stays in common, and
    the largest |t| of every pattern is what chance alone can make of a family as large and as correlated as this one:
    Westfall and Young (1993), Resampling-Based Multiple Testing, algorithm 2.8. The pattern that was seen is one of
    those that are counted, so no p value is 0: Phipson and Smyth (2010).
    """
    comparisons, seeds = differences.shape
    # |t| grows with this cosine, which unlike t is finite where all differences of a comparison are the same.
    scale = np.sqrt(seeds * np.square(differences).sum(axis=1))
    directions = np.divide(differences.T, scale, out=np.zeros((seeds, comparisons)), where=scale > 0)
    seen = np.abs(directions.sum(axis=0))
    order = np.argsort(-seen, kind="stable")
    needed = seen * (1 - _SLACK)
    patterns = sign_patterns(seeds)
    alone, together, largest = np.zeros(comparisons), np.zeros(comparisons), []
    for start in range(0, len(patterns), _BLOCK):
        found = np.abs(patterns[start : start + _BLOCK] @ directions)
        alone += (found >= needed).sum(axis=0)
        # Of each comparison and those that are less clear: what has been rejected no longer counts.
        rest = np.maximum.accumulate(found[:, order[::-1]], axis=1)[:, ::-1]
        together[order] += (rest >= needed[order]).sum(axis=0)
        largest.append(rest[:, 0])
    stepped = np.empty(comparisons)
    stepped[order] = np.maximum.accumulate(together[order])
    return Correction(
        p_values=stepped / len(patterns),
        alone=alone / len(patterns),
        critical=_critical(np.concatenate(largest), seeds, level),
    )


def sign_patterns(seeds: int) -> NDArray[np.float64]:
    """Patterns of signs, (patterns, seeds) of +1 and -1, the one that was seen (all +1) first.

    Exact: all that leave the last seed as it is; the others are their negatives, and |t| is the same. Else drawn, from
    a generator of a fixed seed: the same scores have the same p values.
    """
    if seeds <= EXACT_SEEDS:
        bits = np.arange(2 ** (seeds - 1))[:, None] >> np.arange(seeds) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(DRAWS, seeds))
        bits[0] = 0
    return np.where(bits == 1, -1.0, 1.0)


def _critical(largest: NDArray[np.float64], seeds: int, level: float) -> float:
    """The |t| that at most a share `level` of the patterns reaches."""
    enough = math.floor(level * len(largest))
    if enough < 1:
        return math.inf
    cosine = float(np.sort(largest)[-enough])
    return cosine * math.sqrt((seeds - 1) / (1 - cosine**2)) if cosine < 1 - _SLACK else math.inf
