"""Fit the polynomials and rationals by which kernels compute what has no accurate float32 instruction.

Prints, for each function, the coefficients that stand in `actsearch/grammar/operators/polynomials.py` (and, of `EXP`
and `LOG`, in `kernels/llvm/functions.py`) and the largest relative error in exact arithmetic. Method: Lawson's
iteratively reweighted least squares on Chebyshev nodes (Lawson, 1961), with the denominator of the last round as a
weight where there is one (Sanathanan and Koerner, 1963), in float64 with float64 targets from mpmath (40 digits).
Coefficients are rounded to float32 one after another, the rest being fitted again each time.

    python benchmarks/fit_polynomials.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np

Function = Callable[[mpmath.mpf], mpmath.mpf]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """`target(t)` on `[low, high]` by a polynomial in `t` of degree `above`, over one of degree `below`.

    Denominators begin with 1. `first` is the numerator's constant where it has to be exact.
    """

    name: str
    target: Function
    low: float
    high: float
    above: int
    below: int = 0
    first: float | None = None


def _ratio(function: Function, limit: float) -> Function:
    """`function`, with its limit at 0."""
    return lambda t: mpmath.mpf(limit) if abs(t) < mpmath.mpf(10) ** -12 else function(t)


def _odd(function: Function) -> Function:
    """Of an odd function with slope 1 at 0, `f(r)/r` as a function of `t = r*r`."""
    return _ratio(lambda t: function(mpmath.sqrt(t)) / mpmath.sqrt(t), 1.0)


def _beyond_slope(function: Function, limit: float) -> Function:
    """Of an odd function with slope 1 at 0, `(f(r) - r) / (r*t)` as a function of `t = r*r`."""
    return _ratio(lambda t: (_odd(function)(t) - 1) / t, limit)


def _scaled_bessel(order: int) -> Function:
    """The modified Bessel function of the first kind times exp(-a), for a >= 0."""
    return lambda a: mpmath.exp(-a) * mpmath.besseli(order, a)


def _bessel_difference(a: mpmath.mpf) -> mpmath.mpf:
    return _scaled_bessel(0)(a) - _scaled_bessel(1)(a)


def _from_infinity(function: Function, power: float) -> Function:
    """What decays as a**-power, times that, as a function of `r = 1/a`."""
    # As good as infinity: the asymptotic series begin with 1 + r/8.
    return lambda r: function(1 / max(r, mpmath.mpf(10) ** -20)) / max(r, mpmath.mpf(10) ** -20) ** power


_I0E, _I1E = _scaled_bessel(0), _scaled_bessel(1)
_I1E_SLOPE = _ratio(lambda a: _I1E(a) / a, 0.5)

FITS = (
    Fit(name="SIN", low=0.0, high=2.4675, above=3, target=_beyond_slope(mpmath.sin, -1 / 6)),
    Fit(name="SIN_PI", low=0.0, high=0.25, above=4, first=1.0,
        target=_odd(lambda r: mpmath.sin(mpmath.pi * r) / mpmath.pi)),
    Fit(name="ATAN", low=0.0, high=1.0, above=7, target=_beyond_slope(mpmath.atan, -1 / 3)),
    Fit(name="ATANH", low=0.0, high=0.1112, above=3, target=_beyond_slope(mpmath.atanh, 1 / 3)),
    Fit(name="ASIN", low=0.0, high=0.25, above=4, target=_beyond_slope(mpmath.asin, 1 / 6)),
    Fit(name="SINH", low=0.0, high=0.64, above=2, target=_beyond_slope(mpmath.sinh, 1 / 6)),
    Fit(name="ASINH", low=0.0, high=0.5625, above=5, target=_beyond_slope(mpmath.asinh, -1 / 6)),
    Fit(name="EXPM1", low=-0.6, high=0.6, above=5, target=_ratio(lambda t: (mpmath.expm1(t) - t) / t**2, 0.5)),
    Fit(name="LOG1P", low=0.0, high=1.0, above=8, first=1.0, target=_ratio(lambda t: mpmath.log1p(t) / t, 1.0)),
    Fit(name="TANH", low=0.0, high=8.6**2, above=4, below=4, first=1.0, target=_odd(mpmath.tanh)),
    Fit(name="ERF", low=0.0, high=3.85**2, above=5, below=5,
        target=_ratio(lambda t: mpmath.erf(mpmath.sqrt(t)) / mpmath.sqrt(t), float(2 / mpmath.sqrt(mpmath.pi)))),
    # The normal distribution's tail over its density's exponential, Phi(-a) * exp(a*a/2).
    Fit(name="NORMAL_TAIL", low=0.0, high=13.25, above=4, below=5, first=0.5,
        target=lambda a: mpmath.exp(a * a / 2) * mpmath.erfc(a / mpmath.sqrt(2)) / 2),
    Fit(name="I0E_NEAR", low=0.0, high=7.0, above=5, below=5, first=1.0, target=_I0E),
    Fit(name="I0E_FAR", low=0.0, high=1 / 7, above=5, target=_from_infinity(_I0E, 0.5)),
    Fit(name="I1E_NEAR", low=0.0, high=7.0, above=5, below=5, first=0.5, target=_I1E_SLOPE),
    Fit(name="I1E_FAR", low=0.0, high=1 / 7, above=5, target=_from_infinity(_I1E, 0.5)),
    Fit(name="I0E_SLOPE_NEAR", low=0.0, high=7.0, above=6, below=6, first=1.0, target=_bessel_difference),
    Fit(name="I0E_SLOPE_FAR", low=0.0, high=1 / 7, above=6, target=_from_infinity(_bessel_difference, 1.5)),
    Fit(name="EXP", low=-0.34658, high=0.34658, above=5, first=0.5,
        target=_ratio(lambda r: (mpmath.expm1(r) - r) / r**2, 0.5)),
    Fit(name="LOG", low=-0.2929, high=0.4143, above=8,
        target=_ratio(lambda f: (mpmath.log1p(f) - f + f * f / 2) / f**3, 1 / 3)),
)  # fmt: skip

SERIES = (
    Fit(name="I0E_SERIES_NEAR", low=0.0, high=8.0, above=29, target=_I0E),
    Fit(name="I0E_SERIES_FAR", low=0.0, high=1 / 8, above=24, target=_from_infinity(_I0E, 0.5)),
    Fit(name="I1E_SERIES_NEAR", low=0.0, high=8.0, above=29, target=_I1E_SLOPE),
    Fit(name="I1E_SERIES_FAR", low=0.0, high=1 / 8, above=24, target=_from_infinity(_I1E, 0.5)),
)
"""For float64: coefficients of the Chebyshev polynomials of the variable mapped to [-1, 1]."""


@dataclass(slots=True)
class _Problem:
    """The linear problem `numerator(t) - target * (denominator(t) - 1) = target` on the nodes."""

    columns: np.ndarray
    scales: np.ndarray
    target: np.ndarray
    above: int

    @classmethod
    def of(cls, fit: Fit, nodes: int = 300) -> _Problem:
        angle = (np.arange(nodes) + 0.5) * np.pi / nodes
        t = 0.5 * (fit.low + fit.high) + 0.5 * (fit.high - fit.low) * np.cos(angle)
        target = np.array([float(fit.target(mpmath.mpf(float(v)))) for v in t])
        # Powers of a variable within [-1, 1], so that the columns are of one size.
        unit = max(abs(fit.low), abs(fit.high))
        above = np.vander(t / unit, fit.above + 1, increasing=True)
        below = -target[:, None] * np.vander(t / unit, fit.below + 1, increasing=True)[:, 1:]
        powers = np.concatenate([np.arange(fit.above + 1), np.arange(1, fit.below + 1)])
        return cls(np.hstack([above, below]), unit ** powers.astype(float), target, fit.above + 1)

    def error(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Relative error and denominator on the nodes."""
        denominator = 1 - self.columns[:, self.above :] @ coefficients[self.above :] / self.target
        return self.columns[:, : self.above] @ coefficients[: self.above] / denominator / self.target - 1, denominator

    def solve(self, fixed: dict[int, float], rounds: int = 80) -> tuple[np.ndarray, float]:
        """Coefficients, those of `fixed` as given, and the largest relative error on the nodes."""
        free = [index for index in range(self.columns.shape[1]) if index not in fixed]
        best = np.zeros(self.columns.shape[1])
        for index, value in fixed.items():
            best[index] = value
        if not free:
            return best, float(np.abs(self.error(best)[0]).max())
        right = self.target - self.columns @ best
        weights, denominator = np.ones(len(right)), np.ones(len(right))
        trial, smallest = best.copy(), np.inf
        for _ in range(rounds):
            row = np.sqrt(weights) / np.abs(self.target * denominator)
            matrix = self.columns[:, free] * row[:, None]
            norms = np.linalg.norm(matrix, axis=0)
            solution, *_ = np.linalg.lstsq(matrix / norms, right * row, rcond=None)
            trial[free] = solution / norms
            error, denominator = self.error(trial)
            if np.abs(error).max() < smallest and (denominator > 0).all():
                best, smallest = trial.copy(), float(np.abs(error).max())
            weights *= np.abs(error) / np.abs(error).max() + 1e-6
            weights /= weights.sum()
        return best, smallest


def fit(wanted: Fit) -> tuple[np.ndarray, np.ndarray, float]:
    """Numerator and denominator from the constant up, as float32, and the largest relative error on the nodes."""
    problem = _Problem.of(wanted)
    fixed = {} if wanted.first is None else {0: wanted.first}
    while True:
        found, error = problem.solve(fixed)
        index = next((i for i in range(len(found)) if i not in fixed), None)
        if index is None:
            break
        rounded = np.float32(found[index] / problem.scales[index])
        fixed[index] = float(rounded) * problem.scales[index]
    coefficients = np.float32(found / problem.scales)
    return coefficients[: problem.above], np.append(np.float32(1), coefficients[problem.above :]), error


def series(wanted: Fit) -> list[float]:
    """Chebyshev coefficients by interpolation, the first counting half, and none below float64's last place."""
    count = 2 * wanted.above
    angles = [mpmath.pi * (index + mpmath.mpf(1) / 2) / count for index in range(count)]
    middle, half = (mpmath.mpf(wanted.low + wanted.high) / 2, mpmath.mpf(wanted.high - wanted.low) / 2)
    values = [wanted.target(middle + half * mpmath.cos(angle)) for angle in angles]
    found = [
        float(2 * mpmath.fsum(v * mpmath.cos(n * angle) for v, angle in zip(values, angles, strict=True)) / count)
        for n in range(wanted.above + 1)
    ]
    while abs(found[-1]) < 1e-17:
        found.pop()
    return found


def _text(name: str, coefficients: np.ndarray) -> str:
    return f"{name} = ({', '.join(str(c) for c in coefficients)})"


if __name__ == "__main__":
    mpmath.mp.dps = 40
    for wanted in FITS:
        numerator, denominator, largest = fit(wanted)
        print(f"# {wanted.name}: relative error {largest:.1e}")
        print(_text(wanted.name if not wanted.below else f"{wanted.name}_ABOVE", numerator))
        if wanted.below:
            print(_text(f"{wanted.name}_BELOW", denominator))
    for wanted in SERIES:
        print(f"{wanted.name} = ({', '.join(map(repr, series(wanted)))})")
