"""Signal: after a few layers a network must still tell inputs apart, and hold numbers that can be computed with.

Mean-field theory of wide networks: Poole et al. (2016), Exponential expressivity in deep neural networks through
transient chaos, arXiv:1606.05340; Schoenholz et al. (2017), Deep Information Propagation, arXiv:1611.01232.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.probe import Probe, wide_points
from actsearch.analysis.tensor_probe import TensorProbe
from actsearch.outcome import Rejected

STAGE = "signal"
Array = NDArray[np.float64]
_NEAR, _FAR = 0.8, 0.2
"""Correlations of two pairs of inputs."""
_DEGREES = 40
_EVERY = slice(None, None, 2)
"""Of the wide points, which are 0.025 apart, half are enough where thresholds are powers of ten; 0 is among them."""
_REACH = 160
"""Points on each side of 0 that belong to |x| <= 8, where N(0, 1) has all of its mass but 1e-15."""
_MOMENTS = (1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Rejects by what layers of infinite width make of a signal, with the gain and the biases that suit the function.

    The gain is 1/std(f(z)), z ~ N(0, 1), as in training, and biases take off the mean m of f(z): then the second
    moment q = 1 of pre-activations stays 1, another becomes q' = E[(f(sqrt(q) z) - m)^2] / Var f(z), and a correlation
    c of two inputs becomes c' = sum a_k^2 c^k / sum a_k^2 over k >= 1, with the coefficients a_k of f in normalised
    Hermite polynomials. What a layer multiplies gradients by is the protocol `gradient`.

    The thresholds were set on the task digits alone. There cos(2x), which leaves 3e-3, learns, and sin(3x), which
    leaves 2e-6, does not; x^3 learns (1e16), x^4 hardly (1e39), and of what grows like exp much ends below chance.
    """

    depth: int = 3
    """Layers."""
    smallest: float = 1e-5
    """Least share of the difference between the correlations 0.8 and 0.2 that must be left behind the last layer."""
    start: float = 4.0
    """Second moment of the pre-activations of the first layer: weights that grow in training bring it about."""
    largest: float = 1e30
    """Largest second moment of the pre-activations behind the last layer."""

    def check(self, probe: Probe | TensorProbe) -> Rejected | None:
        """The rejection, measured as the second moment or the share of the difference, or None.

        None also for what takes statistics or draws: it is no function of the number at one place.
        """
        if not isinstance(probe, Probe):
            return None
        with np.errstate(all="ignore"):
            values = probe.wide_samples.values[_EVERY].astype(np.float64)
            values -= _WEIGHTS[0].dot(values)
            squares = _WEIGHTS.dot(values * values)
            return self._by_length(squares) or self._by_correlation(values, float(squares[0]))

    def _by_length(self, squares: Array) -> Rejected | None:
        """`squares` are E[(f(sqrt(q) z) - m)^2] at q in _MOMENTS; between and beyond them it is a power of q."""
        after = np.log(squares / squares[0]).tolist()
        exponents = [(above - below) / _STEP for below, above in itertools.pairwise(after)]
        q = math.log(self.start)
        for layer in range(1, self.depth + 1):
            place = min(max(int(q / _STEP), 0), len(exponents) - 1) if math.isfinite(q) else 0
            q = after[place] + exponents[place] * (q - place * _STEP)
            if not q <= math.log(self.largest):
                measured = math.exp(q) if q < _LARGEST_LOGARITHM else math.inf
                reason = (
                    f"explodes: a second moment of {self.start:g} is {measured:.3g} after {layer} of {self.depth}"
                    f" layers (at most {self.largest:g})"
                )
                return Rejected(stage=STAGE, reason=reason, measured=measured)
        return None

    def _by_correlation(self, values: Array, variance: float) -> Rejected | None:
        inner = values[_INNER]
        # No coefficient is negative, so the linear part alone leaves so much, and mostly that is plenty.
        if (float(_HERMITE[0].dot(inner)) ** 2 / variance) ** self.depth >= 2 * self.smallest:
            return None
        shares = np.square(_HERMITE.dot(inner)) / variance
        # What the first coefficients leave out counts as one more of them.
        shares = np.append(shares, max(1.0 - float(shares.sum()), 0.0))
        pair = np.array([[_NEAR], [_FAR]])
        for _ in range(self.depth):
            pair = (pair**_POWERS).dot(shares)[:, np.newaxis]
        left = float(pair[0, 0] - pair[1, 0]) / (_NEAR - _FAR)
        if left >= self.smallest:
            return None
        reason = (
            f"forgets: after {self.depth} layers {left:.3g} is left of the difference between the correlations"
            f" {_NEAR:g} and {_FAR:g} (at least {self.smallest:g})"
        )
        return Rejected(stage=STAGE, reason=reason, measured=left)


def _weights() -> Array:
    """For each of _MOMENTS weights w with sum(w * h(x)) = E[h(sqrt(q) z)], x the points _X."""
    density = np.exp(-0.5 * _X * _X / np.array(_MOMENTS)[:, np.newaxis])
    return np.asarray(density / density.sum(axis=1, keepdims=True))


def _hermite() -> Array:
    """Normalised Hermite polynomials of degree 1 and more times the weights of N(0, 1), (degrees, points)."""
    x = _X[_INNER]
    rows = [np.ones_like(x), x]
    for k in range(1, _DEGREES):
        rows.append((x * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1))
    return np.stack(rows[1:]) * _WEIGHTS[0, _INNER]


_STEP = math.log(2.0)
_LARGEST_LOGARITHM = math.log(np.finfo(np.float64).max)
_X = wide_points()[_EVERY].astype(np.float64)
_INNER = slice(len(_X) // 2 - _REACH, len(_X) // 2 + _REACH + 1)
_WEIGHTS = _weights()
_HERMITE = _hermite()
_POWERS = np.arange(1, _DEGREES + 2)
