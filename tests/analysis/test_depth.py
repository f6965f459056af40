from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.analysis.depth import LAYERS, depth, edge_of_chaos, small_signal_edge
from actsearch.analysis.gaussian import normal_rule
from actsearch.analysis.pointwise import Pointwise
from actsearch.grammar.activation import parse


def of(text, **parameters):
    return Pointwise(parse(text, **parameters))


def test_the_edge_of_relu_is_he_initialisation():
    edge = edge_of_chaos(of("relu(x)"))
    assert (edge.sigma_w, edge.sigma_b, edge.slope) == pytest.approx((math.sqrt(2), 0, 1), abs=1e-9)
    assert small_signal_edge(of("relu(x)")) is None, "relu has no slope at 0"


def test_the_edges_of_tanh_are_at_0_and_where_both_conditions_hold():
    assert small_signal_edge(of("tanh(x)")).sigma_w == pytest.approx(1)
    edge = edge_of_chaos(of("tanh(x)"))
    y, w = normal_rule(0.0, math.sqrt(edge.q))
    weights = edge.sigma_w**2
    assert weights * float(w @ (1 - np.tanh(y) ** 2) ** 2) == pytest.approx(1)
    assert weights * float(w @ np.tanh(y) ** 2) + edge.sigma_b**2 == pytest.approx(edge.q)
    assert 0 < edge.slope < 1, "the fixed point attracts"


def test_the_slope_of_an_edge_is_that_of_the_map():
    function = of("gelu(x)")
    edge = edge_of_chaos(function)

    def mapped(q):
        y, w = normal_rule(0.0, math.sqrt(q))
        return edge.sigma_w**2 * float(w @ function.values(y) ** 2) + edge.sigma_b**2

    assert mapped(edge.q) == pytest.approx(edge.q)
    assert (mapped(edge.q + 1e-5) - mapped(edge.q - 1e-5)) / 2e-5 == pytest.approx(edge.slope, rel=1e-6)


def test_a_sigmoid_has_no_edge():
    assert edge_of_chaos(of("sigmoid(x)")) is None
    assert small_signal_edge(of("sigmoid(x)")) is None, "it is not 0 at 0"


def test_relu_keeps_its_signal_with_the_gain_of_the_second_moment_alone():
    kept = depth(of("relu(x)"), weights=2.0)
    assert kept.verdict == "kept"
    assert (kept.length, kept.gradient) == pytest.approx((1, 1))
    assert kept.correlation > 0.98, "inputs become alike"
    variance = 0.5 - 0.5 / math.pi
    lost = depth(of("relu(x)"), weights=1 / variance)
    assert lost.verdict == "explodes"
    assert lost.length == pytest.approx((0.5 / variance) ** LAYERS, rel=1e-9)
    assert depth(of("relu(x)"), weights=1.0).verdict == "vanishes"


def test_the_correlation_follows_the_arc_cosine_kernel():
    found = depth(of("relu(x)"), weights=2.0, layers=1).correlation
    c = 0.5
    assert found == pytest.approx((math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi, abs=1e-9)


def test_the_correlation_of_an_odd_function_goes_to_0_and_biases_hold_it_up():
    assert depth(of("tanh(x)"), weights=9.0).correlation < 0.1
    assert depth(of("tanh(x)"), weights=0.25, biases=0.5).correlation == pytest.approx(1, abs=1e-6)


def test_what_overflows_explodes():
    assert depth(of("exp(x)"), weights=1.0).verdict == "explodes"
    assert depth(of("x**3"), weights=1.0).verdict == "explodes"
