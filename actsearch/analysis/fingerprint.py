"""The numeric fingerprint: equal functions, whatever their expressions, have equal ones.

Values in float64 at fixed points with two settings of every parameter, scaled to unit standard deviation under
N(0, 1) (a constant positive factor makes no difference to training, see `moments.normalised`), rounded to six
digits and hashed. The points avoid 0 and small rationals, so functions that differ at isolated removable points only
agree. Slopes belong to a function whose backward is not its derivative, so they are hashed where `detach` occurs.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from actsearch.analysis.moments import moments
from actsearch.analysis.probe import Probe
from actsearch.grammar.expression import Apply, walk

_POINTS = torch.linspace(-5.03, 4.97, 48, dtype=torch.float64) + 0.007 * torch.sin(
    torch.arange(48, dtype=torch.float64) * 1.7
)
_DIGITS = 6


def fingerprint(probe: Probe) -> str:
    """Fingerprint of the probed function, 16 hex digits; None of its values may be non-finite."""
    scale = moments(probe).std or 1.0
    family = probe.family(_POINTS) / scale
    rows, largest = _rounded(family)
    granularities = sorted(spec.granularity for spec in probe.activation.parameters)
    # Rows of moved parameters are sorted: the order in which parameters appear is no part of the function.
    scales = [f"{float(value):.5g}" for value in largest[:1].flatten()]
    parts = [rows[0], *sorted(rows[1:]), *(text.encode() for text in (*granularities, *scales))]
    if any(isinstance(node, Apply) and node.operator == "detach" for node in walk(probe.activation.expression)):
        slopes, largest = _rounded(probe.response(_POINTS).slopes.unsqueeze(0) / scale)
        parts += [*slopes, f"{float(largest):.5g}".encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _rounded(rows: Tensor) -> tuple[list[bytes], Tensor]:
    """Each row relative to its largest value, if that is above 1, in digits; and what it was divided by."""
    largest = rows.abs().amax(dim=1, keepdim=True).clamp_min(1.0)
    digits = (rows / largest * 10.0**_DIGITS).round().to(torch.int64)
    return [row.numpy().tobytes() for row in digits], largest
