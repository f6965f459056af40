from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.properties.enclosed import EDGES, REACH, Enclosed
from actsearch.analysis.properties.signs import NARROW, partition, pieces
from actsearch.grammar.activation import parse


def of(text):
    return Enclosed(Pointwise(parse(text)))


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("text", ["gelu(x)", "relu(x - 0.3)", "sin(x)", "floor(x)", "log(x)"])
def test_boxes_cover_the_line_without_gaps(text, order):
    boxes = partition(of(text), order)
    assert (boxes.lower[0], boxes.upper[-1]) == (-REACH, REACH)
    assert np.array_equal(boxes.upper[:-1], boxes.lower[1:])
    core = partition(of(text), order, core=True)
    assert (core.lower[0], core.upper[-1]) == (-20, 20)
    assert np.array_equal(core.upper[:-1], core.lower[1:])


def test_where_a_sign_changes_is_found_to_within_a_narrow_box():
    boxes = partition(of("x**3 - 2 * x"), 1)
    unclear = (boxes.signs == 2) & (np.abs(boxes.lower) < 20)
    assert 0 < unclear.sum() < 8
    assert boxes.narrow[unclear].all()
    nearest = np.abs(np.abs(boxes.lower[unclear]) - np.sqrt(2 / 3))
    assert (nearest <= 2 * NARROW).all()


def test_integers_and_halves_are_ends_of_boxes_from_the_start():
    assert np.isin(np.arange(-40, 41) / 2, EDGES).all()


def test_a_kink_of_the_other_sign_separates_what_a_sum_of_pieces_would_join():
    down, up = pieces(of("x**2 - 3 * abs(x - 0.3)"), 2)
    assert (down.sign, up.sign) == (1, 1)
    assert down.end == up.start == pytest.approx(0.3, abs=1e-8)
    assert down.proven
    assert up.proven
    assert not up.glued


def test_an_operator_that_nothing_is_known_of_leaves_samples(monkeypatch):
    enclosed = of("tanh(x)")
    enclosed.__dict__["_defined"] = None
    assert not enclosed.is_known
    (piece,) = pieces(enclosed, 1, core=True)
    assert (piece.sign, piece.proven) == (1, False)
