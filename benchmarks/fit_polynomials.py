"""Fit the polynomials that the kernels use for functions a GPU has no accurate instruction for.

Prints, for each function, the coefficients that stand in `actsearch/grammar/operators/polynomials.py` and the
largest relative error in exact arithmetic. Method: Lawson's iteratively reweighted least squares on Chebyshev
nodes, in float64 with float64 targets from mpmath (50 digits).

    python benchmarks/fit_polynomials.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """`target(t)` on `[0 or low, high]` in the variable `t`, by a polynomial of the given degree."""

    name: str
    target: Callable[[mpmath.mpf], mpmath.mpf]
    low: float
    high: float
    degree: int


def _ratio(function: Callable[[mpmath.mpf], mpmath.mpf], limit: float) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """`function`, with its limit at 0."""
    return lambda t: mpmath.mpf(limit) if abs(t) < mpmath.mpf(10) ** -12 else function(t)


FITS = (
    Fit(name="SIN", low=0.0, high=2.4675, degree=4,
        target=_ratio(lambda t: (mpmath.sin(mpmath.sqrt(t)) / mpmath.sqrt(t) - 1) / t, -1 / 6)),
    Fit(name="ATAN", low=0.0, high=1.0, degree=8,
        target=_ratio(lambda t: mpmath.atan(mpmath.sqrt(t)) / mpmath.sqrt(t), 1.0)),
    Fit(name="ATANH", low=0.0, high=0.112, degree=4,
        target=_ratio(lambda t: mpmath.atanh(mpmath.sqrt(t)) / mpmath.sqrt(t), 1.0)),
    Fit(name="EXPM1", low=-0.75, high=0.75, degree=6,
        target=_ratio(lambda t: (mpmath.expm1(t) - t) / t**2, 0.5)),
)  # fmt: skip


def fit(problem: Fit, *, nodes: int = 400, rounds: int = 60) -> tuple[np.ndarray, float]:
    """Coefficients from the constant up, and the largest relative error on the nodes."""
    angle = (np.arange(nodes) + 0.5) * np.pi / nodes
    t = 0.5 * (problem.low + problem.high) + 0.5 * (problem.high - problem.low) * np.cos(angle)
    target = np.array([float(problem.target(mpmath.mpf(float(v)))) for v in t])
    powers = np.vander(t, problem.degree + 1, increasing=True)
    weights = np.ones(nodes)
    best, smallest = np.zeros(problem.degree + 1), np.inf
    for _ in range(rounds):
        scale = np.sqrt(weights) / np.abs(target)
        coefficients, *_ = np.linalg.lstsq(powers * scale[:, None], target * scale, rcond=None)
        error = np.abs(powers @ coefficients / target - 1)
        if error.max() < smallest:
            best, smallest = coefficients, float(error.max())
        weights *= error / error.max() + 1e-6
        weights /= weights.sum()
    return best, smallest


if __name__ == "__main__":
    mpmath.mp.dps = 50
    for problem in FITS:
        found, largest = fit(problem)
        print(f"# {problem.name}: relative error {largest:.1e}")
        print(f"{problem.name} = ({', '.join(repr(float(c)) for c in found)})")
