"""The numeric fingerprint: equal functions, whatever their expressions, have equal ones.

Values in float64 at fixed points with two settings of every parameter, scaled to unit standard deviation under
N(0, 1) (a constant positive factor makes no difference to training, see `moments.normalised`), rounded to six
digits and hashed. The points avoid 0 and small rationals, so functions that differ at isolated removable points only
agree.
"""

from __future__ import annotations

import hashlib

import torch

from actsearch.analysis.moments import moments
from actsearch.analysis.probe import Probe

_POINTS = torch.linspace(-5.03, 4.97, 48, dtype=torch.float64) + 0.007 * torch.sin(
    torch.arange(48, dtype=torch.float64) * 1.7
)
_DIGITS = 6


def fingerprint(probe: Probe) -> str:
    """Fingerprint of the probed function, 16 hex digits; None of its values may be non-finite."""
    scale = moments(probe).std or 1.0
    family = probe.family(_POINTS) / scale
    digits = 10.0**_DIGITS
    largest = family.abs().amax(dim=1, keepdim=True).clamp_min(1.0)
    rows = [row.to(torch.int64).numpy().tobytes() for row in (family / largest * digits).round()]
    granularities = sorted(spec.granularity for spec in probe.activation.parameters)
    # Rows of moved parameters are sorted: the order in which parameters appear is no part of the function.
    scales = [f"{float(value):.5g}" for value in largest[:1].flatten()]
    document = b"".join([rows[0], *sorted(rows[1:]), *(text.encode() for text in (*granularities, *scales))])
    return hashlib.sha256(document).hexdigest()[:16]
