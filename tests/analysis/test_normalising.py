from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.analysis import catalog
from actsearch.analysis.gaussian import normal_rule
from actsearch.analysis.normalising import fixed_point, zero_mean_parameter
from actsearch.analysis.pointwise import Pointwise
from actsearch.grammar.activation import parse

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def test_selu_has_the_fixed_point_itself_and_it_attracts():
    found = fixed_point(Pointwise(catalog.functions["selu"]))
    assert found.is_own
    assert (found.scale, found.shift) == pytest.approx((1, 0), abs=1e-9)
    assert found.stable
    # The Jacobian at (0, 1) that the SELU paper gives, and its spectral norm.
    assert found.mean_by_variance == pytest.approx(0.088834, abs=1e-6)
    assert found.variance_by_variance == pytest.approx(0.782648, abs=1e-6)
    assert found.spectral_norm == pytest.approx(0.7877, abs=1e-4)


@pytest.mark.parametrize("start", [0.5, 1.0, 3.0])
def test_the_constants_of_selu_come_out_of_the_family_of_elu(start):
    family = Pointwise(parse("relu(x) + alpha * minimum(expm1(x), 0)", alpha=start))
    alpha, scale = zero_mean_parameter(family, "alpha")
    assert alpha == pytest.approx(SELU_ALPHA, abs=1e-9)
    assert scale == pytest.approx(SELU_SCALE, abs=1e-9)


def test_a_parameter_without_effect_on_the_mean_has_no_such_value():
    assert zero_mean_parameter(Pointwise(parse("a * relu(x) + 1", a=1.0)), "a") is not None
    assert zero_mean_parameter(Pointwise(parse("relu(x) + a * x", a=1.0)), "a") is None


@pytest.mark.parametrize("text", ["gelu(x)", "relu(x)", "tanh(x) + 3", "-2 * sigmoid(x)"])
def test_scale_and_shift_give_mean_0_and_variance_1(text):
    function = Pointwise(parse(text))
    found = fixed_point(function)
    z, w = normal_rule()
    values = found.scale * function.values(z) + found.shift
    assert float(w @ values) == pytest.approx(0, abs=1e-12)
    assert float(w @ values**2) == pytest.approx(1)
    assert found.scale > 0


def test_the_jacobian_is_that_of_the_map():
    function = Pointwise(parse("mish(x)"))
    found = fixed_point(function)

    def mapped(variance):
        y, w = normal_rule(0.0, math.sqrt(variance))
        values = found.scale * function.values(y) + found.shift
        mean = float(w @ values)
        return np.array([mean, float(w @ (values - mean) ** 2)])

    slopes = (mapped(1 + 1e-5) - mapped(1 - 1e-5)) / 2e-5
    assert (found.mean_by_variance, found.variance_by_variance) == pytest.approx(tuple(slopes), rel=1e-6)


def test_relu_is_neutral_and_the_identity_too():
    assert fixed_point(Pointwise(parse("relu(x)"))).variance_by_variance == pytest.approx(1)
    assert not fixed_point(Pointwise(parse("2 * gelu(x)"))).is_own


def test_a_constant_and_what_has_no_variance_have_none():
    assert fixed_point(Pointwise(parse("0 * x + 2"))) is None
    assert fixed_point(Pointwise(parse("exp(x**2)"))) is None
