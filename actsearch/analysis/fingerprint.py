"""The numeric fingerprint: equal functions, whatever their expressions, have equal ones.

Values in float64 at fixed points with two settings of every parameter, scaled to unit standard deviation under
N(0, 1) (a constant positive factor makes no difference to training, see `moments.normalised`), rounded to six
digits and hashed. The points avoid 0 and small rationals, so functions that differ at isolated removable points only
agree. Slopes belong to a function whose backward is not its derivative, so they are hashed where `detach` occurs.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.moments import spread
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe

_DIGITS = 6
_NO_NUMBER = np.iinfo(np.int64).min


def fingerprint(probe: Probe | TensorProbe) -> str:
    """Fingerprint of the probed function, 16 hex digits; none of its own values may be non-finite."""
    scale = spread(probe).std or 1.0
    rows, largest = _rounded(probe.few_values / scale)
    granularities = sorted(spec.granularity for spec in probe.activation.parameters)
    # What is looked at on tensors is no function of one number, whatever its values.
    kind = [] if probe.activation.is_pointwise else [b"tensor"]
    # Rows of moved parameters are sorted: the order in which parameters appear is no part of the function.
    settings = [*granularities, f"{largest[0]:.5g}"]
    parts = [*kind, rows[0], *sorted(rows[1:]), *(text.encode() for text in settings)]
    if "detach" in probe.activation.survey.operators:
        slopes, largest = _rounded(probe.few_slopes[np.newaxis] / scale)
        parts += [*slopes, f"{largest[0]:.5g}".encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _rounded(rows: NDArray[np.floating[Any]]) -> tuple[list[bytes], list[float]]:
    """Each row relative to its largest value, if that is above 1, in digits; and what it was divided by."""
    finite = np.isfinite(rows)
    is_finite = finite.all()
    if not is_finite:
        rows = np.where(finite, rows, 0.0)
    largest = np.maximum(np.abs(rows).max(axis=1), 1.0)
    digits = np.rint(rows / largest[:, np.newaxis] * 10.0**_DIGITS).astype(np.int64)
    if not is_finite:
        digits[~finite] = _NO_NUMBER
    return [row.tobytes() for row in digits], largest.tolist()
