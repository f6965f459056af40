"""Fit the rationals that `search_spaces/rational.yaml` starts from to known activation functions.

Prints the section `starts` of that file, and on standard error how well each fits. Least squares on 601 even points of
[-3, 3]. For given coefficients below the fraction bar those above follow from a linear problem (Golub and Pereyra, 1973,
variable projection); those below are found by a trust region from several starts, drawn by a fixed generator. A faint
pull towards a positive denominator decides what the data leave open, and no coefficient is exactly 0 below the bar,
because the derivative of abs is 0 there and the coefficient would never be trained. Coefficients have six digits: those
below are rounded first, and those above are fitted again.

    python benchmarks/fit_rationals.py > starts.yaml
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erf, expit

Array = NDArray[np.float64]
POINTS: Array = np.linspace(-3.0, 3.0, 601)
DEGREES = ((3, 2), (5, 4), (7, 6))
TRIALS = 16
PULL = 1e-3
"""Weight of the distance from the usual denominator beside the root mean square error."""
LEAST = 0.05
"""The least denominator without abs on the interval: half of that of version C, far from a pole."""
SMALLEST = 1e-3
DIGITS = 6
NOTHING = 1e-7
"""What a term may be at the end of the interval and still be left out."""
TARGETS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.maximum(x, 0.01 * x),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "silu": lambda x: x * expit(x),
    "tanh": np.tanh,
    "sigmoid": expit,
    "identity": lambda x: x,
}


def powers(first: int, last: int) -> Array:
    """Columns x**first to x**last."""
    return np.stack([POINTS**i for i in range(first, last + 1)], axis=1)


@dataclass(frozen=True, slots=True)
class Version:
    """A denominator, by how it is had from coefficients; `first` is the exponent of the first of them."""

    name: str
    denominator: Callable[[Array, Array], Array]
    """From the columns of powers and the coefficients."""
    first: int = 1
    is_safe: bool = True
    is_positive: bool = False
    """Whether signs of coefficients mean nothing."""

    def usual(self, below: int) -> Array:
        """Even powers with small factors: positive everywhere, and growing."""
        return np.array([0.1 / max(i, 1) if i % 2 == 0 else 0.0 for i in range(self.first, below + 1)])


VERSIONS = (
    Version("a", lambda u, b: 1 + np.abs(u * b).sum(axis=1), is_positive=True),
    Version("b", lambda u, b: 1 + np.abs(u @ b)),
    Version("c", lambda u, b: 0.1 + np.abs(u @ b), first=0),
    Version("n", lambda u, b: 1 + u @ b, is_safe=False),
)


def above(denominator: Array, degree: int, target: Array) -> Array:
    """The numerator that fits best over a denominator."""
    return np.linalg.lstsq(powers(0, degree) / denominator[:, None], target, rcond=None)[0]


def rounded(coefficients: Array, first: int) -> Array:
    """Six digits of each, of those that do anything; `first` is the exponent of the first."""
    kept = [
        float(f"{value:.{DIGITS}g}") if abs(value) * POINTS[-1] ** (first + i) > NOTHING else 0.0
        for i, value in enumerate(coefficients)
    ]
    return np.array(kept)


def fit(version: Version, degrees: tuple[int, int], target: Array) -> tuple[Array, Array]:
    """Coefficients above and below the fraction bar, rounded."""
    columns, usual = powers(version.first, degrees[1]), version.usual(degrees[1])
    generator = np.random.default_rng(0)

    def residual(b: Array) -> Array:
        q = version.denominator(columns, b)
        bounded = np.maximum(q, LEAST)
        error = powers(0, degrees[0]) @ above(bounded, degrees[0], target) / bounded - target
        near_pole = 10 * (bounded - q) if not version.is_safe else np.zeros(0)
        return np.concatenate([error / np.sqrt(len(error)), near_pole, PULL * (b - usual)])

    low = np.full(len(usual), SMALLEST if version.is_positive else -np.inf)
    best = None
    for trial in range(TRIALS):
        spread = 0.0 if trial == 0 else 0.5
        start = usual + 2 * SMALLEST + spread * generator.standard_normal(len(usual)) / (1 + np.arange(len(usual)))
        found = least_squares(residual, np.maximum(start, low + SMALLEST), bounds=(low, np.inf), max_nfev=200)
        if best is None or found.cost < best.cost - 1e-12:
            best = found
    assert best is not None
    b = rounded(best.x, version.first)
    q = version.denominator(columns, b)
    if q.min() < 0.9 * LEAST:
        raise RuntimeError(f"version {version.name} {degrees}: the denominator comes down to {q.min():.3g}.")
    return rounded(above(q, degrees[0], target), 0), b


def main() -> None:
    """Print the section, version by version."""
    print("starts:\n  rational:")
    for version in VERSIONS:
        for degrees in DEGREES:
            lines = []
            for name, function in TARGETS.items():
                target = function(POINTS)
                a, b = fit(version, degrees, target)
                q = version.denominator(powers(version.first, degrees[1]), b)
                error = powers(0, degrees[0]) @ a / q - target
                shown = ["[" + ", ".join(f"{value:.6g}" for value in values) + "]" for values in (a, b)]
                lines.append(f"      {name}: {{a: {shown[0]}, b: {shown[1]}}}")
                rms, largest = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
                label = f"{version.name}_{degrees[0]}_{degrees[1]} {name:10}"
                print(f"{label} rms {rms:.1e} largest {largest:.1e} least denominator {q.min():.2g}", file=sys.stderr)
            # Version D is B with noise, and starts where B does.
            for letter in (version.name, *(("d",) if version.name == "b" else ())):
                print(f"    {letter}_{degrees[0]}_{degrees[1]}:", *lines, sep="\n")


if __name__ == "__main__":
    main()
