"""Points of [-5, 5]: all that a distance is taken over, and the few that fits are made on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.novelty.match import DOMAIN

Array = NDArray[np.float64]
_STEPS, _FEW = 500, 32

GRID: Array = np.arange(-_STEPS, _STEPS + 1, dtype=np.float64) * (DOMAIN / _STEPS)
"""1001 points, 0 among them."""


def _few() -> NDArray[np.int64]:
    # Uneven, so that no period hides between them, and mirror images of each other, so that f(-x) is f read backwards.
    steps = np.arange(1, _FEW) + 0.35 * np.sin(2.4 * np.arange(1, _FEW))
    right = np.unique(np.append(np.round(steps * (_STEPS / _FEW)), _STEPS)).astype(np.int64)
    return np.concatenate([_STEPS - right[::-1], [_STEPS], _STEPS + right])


FEW = _few()
"""Indices into `GRID` of 65 points, its ends and 0 among them."""
POINTS: Array = GRID[FEW]
