from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis.novelty import Match
from actsearch.analysis.novelty.points import GRID, POINTS
from actsearch.analysis.novelty.target import Target


def target(values):
    return Target(x=GRID, values=values)


def test_what_is_beyond_polynomials():
    assert target(GRID**3 - GRID).beyond[2] > 10
    assert target(GRID**3 - GRID).beyond[3] < 1e-12
    assert target(2 * GRID + 1).is_linear
    assert not target(GRID**2).is_linear
    assert target(np.full(len(GRID), 3.0)).is_constant


def test_distances_are_relative_to_a_small_range():
    assert target(np.tanh(GRID)).unit == 1
    assert target(1e-3 * np.tanh(GRID)).unit == pytest.approx(2e-3, rel=1e-3)


def test_a_gap_is_filled_between_its_neighbours():
    kept = GRID != 0
    filled = Target(x=GRID[kept], values=GRID[kept] ** 2).at_points
    assert filled == pytest.approx(POINTS**2, abs=1e-3)


def test_a_match_must_say_more_than_a_polynomial():
    ripple = target(GRID + 0.008 * np.sin(3 * GRID))
    assert not ripple.explained_by(Match(name="tanh", distance=0.008, input_scale=0.01, output_scale=100.0))
    assert ripple.explained_by(Match(name="identity", distance=0.008))
    assert ripple.explained_by(Match(name="other", distance=0.001, input_scale=0.5))
    assert target(GRID**2).explained_by(Match(name="square", distance=1e-12, input_shift=2.0))
    assert not target(GRID**2).explained_by(Match(name="gelu", distance=1e-6, input_scale=1e-3))
