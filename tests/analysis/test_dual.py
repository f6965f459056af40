from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.analysis.dual import dual
from actsearch.analysis.pointwise import Pointwise
from actsearch.grammar.activation import parse

RHO = np.array([-1.0, -0.9, -0.5, -0.1, 0.0, 0.3, 0.5, 0.9, 1.0])


def of(text, **options):
    return dual(Pointwise(parse(text)), **options)


def test_the_dual_of_relu_is_the_arc_cosine_kernel():
    exact = (np.sqrt(1 - RHO**2) + RHO * (math.pi - np.arccos(RHO))) / math.pi
    assert of("relu(x)")(RHO) == pytest.approx(exact, abs=2e-5)
    inner = np.abs(RHO) < 0.95
    assert of("relu(x)")(RHO)[inner] == pytest.approx(exact[inner], abs=1e-9)


def test_the_dual_of_the_error_function_is_an_arc_sine():
    # Williams (1997): E erf(u) erf(v) = 2/pi asin(2 rho/3).
    assert of("erf(x)")(RHO) == pytest.approx(np.arcsin(2 * RHO / 3) / math.asin(2 / 3), abs=1e-9)


def test_the_dual_of_a_hermite_polynomial_is_a_power():
    assert of("x**3 - 3 * x")(RHO) == pytest.approx(RHO**3, abs=1e-9)
    assert of("x")(RHO) == pytest.approx(RHO, abs=1e-12)


def test_the_dual_of_the_exponential_function_is_one():
    assert of("exp(x)")(RHO) == pytest.approx(np.exp(RHO - 1), abs=1e-9)


def test_a_function_with_a_mean_votes():
    for text in ("relu(x)", "gelu(x)", "sigmoid(x)", "abs(x)", "tanh(x) + 0.1"):
        assert of(text).kind == "majority vote", text
        assert of(text).exponent is None


def test_an_odd_function_has_a_singular_kernel():
    found = of("tanh(x)")
    assert (found.kind, found.at_zero) == ("singular kernel", 0)
    assert found.exponent == pytest.approx(2 * math.log(found.slope_at_zero) / math.log(found.slope_at_one))
    # Of erf both derivatives are known: those of asin(2 rho/3).
    found = of("erf(x)")
    at_zero, at_one = 2 / 3 / math.asin(2 / 3), 2 / 3 / math.sqrt(1 - 4 / 9) / math.asin(2 / 3)
    assert (found.slope_at_zero, found.slope_at_one) == pytest.approx((at_zero, at_one))
    assert found.exponent == pytest.approx(2 * math.log(at_zero) / math.log(at_one))


def test_a_function_without_the_first_two_terms_is_a_nearest_neighbour():
    found = of("x**2 - 1")
    assert (found.kind, found.at_zero, found.slope_at_zero) == ("1-nearest-neighbour", 0, 0)


def test_a_jump_makes_the_slope_at_1_infinite():
    found = of("sign(x)", jumps=True)
    assert found.slope_at_one == math.inf
    assert (found.kind, found.exponent) == ("singular kernel", 0)
    assert found.slope_at_zero == pytest.approx(2 / math.pi, abs=1e-6)


def test_the_identity_has_no_exponent():
    assert of("x").exponent is None


def test_nothing_is_said_of_0_and_of_what_is_not_square_integrable():
    assert of("0 * x") is None
    assert of("exp(x**2)") is None
