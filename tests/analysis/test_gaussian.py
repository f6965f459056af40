from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.analysis.gaussian import normal_mean, normal_rule


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (0.0, 3.7), (-1.25, 0.2), (4.0, 40.0)])
def test_moments_of_the_normal_distribution_come_out(mean, deviation):
    y, w = normal_rule(mean, deviation)
    assert float(w.sum()) == pytest.approx(1, abs=1e-13)
    assert float(w @ y) == pytest.approx(mean, abs=1e-12 * deviation)
    assert float(w @ (y - mean) ** 2) == pytest.approx(deviation**2, rel=1e-12)
    assert float(w @ (y - mean) ** 4) == pytest.approx(3 * deviation**4, rel=1e-12)


def test_a_kink_at_0_costs_nothing():
    y, w = normal_rule()
    assert float(w @ np.maximum(y, 0)) == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-14)
    assert float(w @ np.abs(y)) == pytest.approx(math.sqrt(2 / math.pi), abs=1e-14)
    y, w = normal_rule(0.0, 2.3)
    assert float(w @ np.maximum(y, 0)) == pytest.approx(2.3 / math.sqrt(2 * math.pi), abs=1e-13)


def test_a_kink_elsewhere_costs_little():
    y, w = normal_rule()
    # E max(z - c, 0) = density(c) - c * (1 - Phi(c))
    c = 0.123
    exact = math.exp(-c * c / 2) / math.sqrt(2 * math.pi) - c * 0.5 * math.erfc(c / math.sqrt(2))
    assert float(w @ np.maximum(y - c, 0)) == pytest.approx(exact, abs=1e-5)


def test_the_mean_of_an_odd_function_is_0_and_no_noise():
    y, w = normal_rule()
    assert normal_mean(np.tanh(y), w) == 0
    assert normal_mean(np.tanh(y) + 1e-9, w) == pytest.approx(1e-9, rel=1e-6)
