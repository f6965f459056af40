"""Escape: activations that grow without end over depth, the trouble with polynomials.

Source: Garimella, Jha, Reagen (2021), Sisyphus: A Cautionary Tale of Using Low-Degree Polynomial Activations in
Privacy-Preserving Deep Learning, arXiv:2107.12342.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from actsearch.analysis.probe import Probe, gaussian_grid
from actsearch.outcome import Rejected

STAGE = "escape"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """Rejects by the mean square of the pre-activations of a deep network whose input is a little too large.

    With weights that keep the mean square at 1, layer for layer, q' = E[f(sqrt(q) z)^2] / E[f(z)^2], z ~ N(0, 1): a
    start above 1 comes back, stays, or escapes. A space asks for it (`protocols: [escape]`).
    """

    depth: int = 20
    """Layers."""
    start: float = 1.2
    """Mean square that the first layer sees."""
    largest: float = 1e3
    """Mean square that the last layer may see."""

    def check(self, probe: Probe) -> Rejected | None:
        """The rejection, measured as the mean square after `depth` layers, or None."""
        unit = _mean_square(probe, 1.0)
        q = self.start
        for layer in range(1, self.depth + 1):
            q = _mean_square(probe, q) / unit if unit > 0 else math.inf
            if not q <= self.largest:
                reason = f"the mean square of {self.start:g} is {q:.3g} after {layer} of {self.depth} layers"
                return Rejected(stage=STAGE, reason=reason, measured=q if math.isfinite(q) else math.inf)
        return None


def _mean_square(probe: Probe, q: float) -> float:
    z, weights = gaussian_grid()
    values = probe.response(math.sqrt(q) * z).values
    return float((weights * values * values).sum())
