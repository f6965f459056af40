"""What the surrogate sees of a candidate: numbers that do not change where a network would hardly notice.

A network whose initial weights are as likely as their negatives trains f(x), -f(x), f(-x) and -f(-x) alike, and its
biases take up a constant; so a function is seen with unit variance, by quantities that signs and reflections leave as
they are. On the table of `actbench` (task digits, 100 functions known) a Gaussian process over these ranks the others
with a correlation of 0.77 to their held-out scores, over values and slopes at quantiles of N(0, 1) with 0.60
(`benchmarks/features.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import spread
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe, probe_of
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.gradient import Gradient
from actsearch.evaluate.protocols.signal import Signal
from actsearch.evaluate.protocols.trivial import Trivial
from actsearch.grammar.activation import Activation, Candidate

Array = NDArray[np.floating[Any]]
_DEGREES = 6
_TAIL = 5.0
_LEAST = 1e-3
_LARGEST = 1e6
_OUTPUTS = 512
LENGTH = _DEGREES + 12
"""Numbers of one activation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A candidate as the model sees it."""

    features: tuple[float, ...] | None
    """`LENGTH` for each activation that it assigns; None if some value that they rest on is not finite."""
    function: str
    """The same for candidates that are one function."""
    is_promising: bool
    """Whether the protocols that need no training would let it pass with their thresholds as they are by default."""
    outputs: tuple[Array, ...] = field(default=(), compare=False)
    """Of each activation at some inputs ~ N(0, 1), of mean 0 and length 1: products are correlations; () if `features`
    is None."""


def look(candidate: Candidate) -> Look:
    """See `Look`; a pure function, which costs about a millisecond for each activation."""
    parts = [_part(activation.without_factor()) for _, activation in candidate.assignment]
    features = [part.features for part in parts]
    known = [numbers for numbers in features if numbers is not None]
    return Look(
        features=tuple(number for numbers in known for number in numbers) if len(known) == len(parts) else None,
        function=" ".join(part.function for part in parts),
        is_promising=all(part.is_promising for part in parts),
        outputs=tuple(own for part in parts for own in part.outputs) if len(known) == len(parts) else (),
    )


def _part(activation: Activation) -> Look:
    probe = probe_of(activation)
    gain = spread(probe).gain
    if Domain().check(probe) is not None or not math.isfinite(gain):
        return Look(features=None, function=activation.hash, is_promising=False)
    with np.errstate(all="ignore"):
        rejected = Trivial().check(probe) or Gradient().check(probe) or Signal().check(probe)
    numbers = np.array([*_of_shape(probe, gain), *_of_parameters(probe, gain)])
    is_finite = bool(np.isfinite(numbers).all())
    features = tuple(np.clip(numbers, -_LARGEST, _LARGEST).tolist()) if is_finite else None
    return Look(
        features=features,
        function=fingerprint(probe),
        is_promising=rejected is None,
        outputs=() if features is None else (_outputs(probe),),
    )


def _outputs(probe: Probe | TensorProbe) -> Array:
    """Some of the outputs, standardised, times the root of each one's weight, (n,), float32."""
    every = -(-len(probe.gaussian_values) // _OUTPUTS)
    values, weights = probe.gaussian_values[::every], probe.grid[1][::every] / probe.grid[1][::every].sum()
    values = values - weights @ values
    found = values * np.sqrt(weights)
    return np.asarray(found / max(float(np.linalg.norm(found)), _LEAST**4), dtype=np.float32)


def _of_shape(probe: Probe | TensorProbe, gain: float) -> list[float]:
    """Of the function times its gain, z ~ N(0, 1)."""
    samples, (z, weights) = probe.gaussian_samples, probe.grid
    with np.errstate(all="ignore"):
        values, slopes = samples.values * gain, samples.slopes * gain
        mean = float(weights @ values)
        values = values - mean
        shares = _hermite_shares(values, z, weights)
        # How uneven it is, whatever its scale: third and fourth moment, slope, curvature.
        third, fourth = float(weights @ values**3), float(weights @ values**4)
        return [
            float(shares[0]),
            math.log(max(1.0 - float(shares[0]), _LEAST)),
            *np.sqrt(shares[1:]).tolist(),
            _log(float(weights @ (slopes * slopes))),
            math.asinh(abs(mean)),
            _log(fourth),
            abs(float(np.cbrt(third))),
            math.asinh(_log(_curvature(slopes, z, weights))),
            *_tails(values, z),
            *_tails(slopes, z),
        ]


def _hermite_shares(values: Array, z: Array, weights: Array) -> Array:
    """The shares of the variance that normalised Hermite polynomials of degree 1 to 6 have; with a gate, those of x."""
    own = z if z.ndim == 1 else z[0]
    found: Array = np.square((weights * values) @ _polynomials(own.tobytes()))
    return found


@lru_cache(maxsize=4)
def _polynomials(points: bytes) -> Array:
    """Normalised Hermite polynomials at points in float64, (n, degrees)."""
    norms = np.sqrt([math.factorial(degree) for degree in range(1, _DEGREES + 1)])
    found: Array = np.polynomial.hermite_e.hermevander(np.frombuffer(points), _DEGREES)[:, 1:] / norms
    return found


def _curvature(slopes: Array, z: Array, weights: Array) -> float:
    """About E[f''(z)^2], kinks by what the grid shows of them; 1 for what is no function of one ordered number."""
    if z.ndim > 1 or not (np.diff(z) > 0).all():
        return 1.0
    return float(np.square(np.diff(slopes) / np.diff(z)) @ (weights[1:] + weights[:-1]) / 2)


def _tails(values: Array, z: Array) -> list[float]:
    """Sizes at both ends, the smaller first; for what is looked at on tensors the quartiles of the sizes."""
    if z.ndim > 1 or not (np.diff(z) > 0).all():
        ends = np.quantile(np.abs(values), (0.25, 0.75))
    else:
        # The grid is as symmetric as the reflections that must not show.
        end = int(np.searchsorted(z, -_TAIL))
        ends = np.sort(np.abs(values[[end, -1 - end]]))
    result: list[float] = np.arcsinh(ends).tolist()
    return result


def _of_parameters(probe: Probe | TensorProbe, gain: float) -> list[float]:
    """How many trainable numbers there are, and what moving one of them does."""
    rows = probe.few_values
    if len(rows) == 1:
        return [0.0, 0.0]
    with np.errstate(all="ignore"):
        moved = np.sqrt(np.mean(np.square((rows[1:] - rows[0]) * gain)))
    return [math.asinh(len(rows) - 1), math.asinh(float(moved))]


def _log(value: float) -> float:
    return math.log(max(value, _LEAST**2)) if math.isfinite(value) else math.nan
