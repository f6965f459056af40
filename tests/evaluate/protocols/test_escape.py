from __future__ import annotations

import math

import pytest

from actsearch.analysis.probe import Probe
from actsearch.evaluate.protocols.escape import Escape
from actsearch.grammar.activation import parse


@pytest.mark.parametrize("text", ["relu(x)", "tanh(x)", "x + 0.01*x**2", "sin(x)", "x / (1 + x**2)"])
def test_what_grows_no_faster_than_a_line_stays(text):
    assert Escape().check(Probe(parse(text))) is None


@pytest.mark.parametrize("text", ["x**2", "x**3", "0.25*x**2 + 0.5*x", "x + 0.1*x**3", "relu(x)**2"])
def test_polynomials_escape(text):
    rejection = Escape().check(Probe(parse(text)))
    assert rejection is not None
    assert rejection.stage == "escape"
    assert rejection.measured > 1e3
    assert "of 20 layers" in rejection.reason


def test_the_map_of_a_monomial_is_a_power():
    # E[(sqrt(q) z)^2n] / E[z^2n] = q^n, so x^2 sends 1.2 to 1.2^(2^layers).
    rejection = Escape(largest=1e3).check(Probe(parse("x**2")))
    layers = math.ceil(math.log2(math.log(1e3) / math.log(1.2)))
    assert rejection.measured == pytest.approx(1.2 ** (2**layers), rel=1e-3)
    assert f"after {layers} of" in rejection.reason


def test_a_shallow_network_bears_more():
    assert Escape(depth=2).check(Probe(parse("x**2"))) is None
    assert Escape(start=1.0).check(Probe(parse("x**2"))) is None


def test_what_is_zero_everywhere_escapes_as_nothing_can_keep_its_size():
    assert Escape().check(Probe(parse("0 * x"))).measured == math.inf
