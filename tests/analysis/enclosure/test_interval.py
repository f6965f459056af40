from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.analysis.enclosure.interval import Interval, between, power, reciprocal, thin, widened
from tests.grammar.strategies import quick

NUMBERS = st.floats(-1e150, 1e150, allow_nan=False, allow_subnormal=True)
BOUNDS = st.tuples(NUMBERS, NUMBERS).map(sorted)


@pytest.fixture(autouse=True)
def _quiet():
    # Infinite bounds are in order; whoever computes with intervals does so quietly, as `enclose` does.
    with np.errstate(all="ignore"):
        yield


def of(bounds):
    return Interval(np.array([bounds[0]]), np.array([bounds[1]]))


def encloses(interval, exact):
    low, high = interval.lower[()], interval.upper[()]
    low, high = float(np.ravel(low)[0]), float(np.ravel(high)[0])
    below = low == -math.inf or Fraction(low) <= exact
    return below and (high == math.inf or exact <= Fraction(high))


@quick(300)
@given(a=BOUNDS, b=BOUNDS)
def test_arithmetic_encloses_what_exact_arithmetic_gives(a, b):
    x, y = of(a), of(b)
    for p in a:
        for q in b:
            exact = Fraction(p), Fraction(q)
            assert encloses(x + y, exact[0] + exact[1])
            assert encloses(x - y, exact[0] - exact[1])
            assert encloses(x * y, exact[0] * exact[1])
        assert encloses(x.square(), Fraction(p) ** 2)
        assert encloses(x.abs(), abs(Fraction(p)))
        if not (a[0] <= 0 <= a[1]):
            assert encloses(reciprocal(x)[0], 1 / Fraction(p))


@quick(100)
@given(a=st.tuples(st.floats(-50, 50), st.floats(-50, 50)).map(sorted), n=st.sampled_from([2, 3, 4, 5, 8, -1, -2, -3]))
def test_whole_powers_enclose_what_exact_arithmetic_gives(a, n):
    found, defined = power(of(a), float(n))
    if n < 0 and a[0] <= 0 <= a[1]:
        assert not np.all(defined)
        return
    for p in (*a, 0.5 * (a[0] + a[1])):
        assert encloses(found, Fraction(p) ** n)


def test_bounds_are_at_most_a_digit_wider_than_they_must_be():
    x, y = between(0.1, 0.2), between(0.3, 0.7)
    for found, expected in ((x + y, (0.4, 0.9)), (x * y, (0.03, 0.14)), (x - y, (-0.6, -0.1))):
        assert (float(found.lower), float(found.upper)) == pytest.approx(expected, rel=1e-15)


def test_what_is_exact_is_not_widened():
    half, three = between(0.5, 0.5), between(3.0, 3.0)
    total = half + three
    assert (total.lower, total.upper) == (3.5, 3.5)
    product = thin(0.0) * between(-np.inf, np.inf)
    assert (product.lower, product.upper) == (0, 0)
    positive = Interval(np.array([0.0]), np.array([1e-200])) * Interval(np.array([0.0]), np.array([1e-200]))
    assert positive.lower[0] == 0
    assert 0 < positive.upper[0] < 1e-300


def test_infinite_ends_stay_the_right_way_round():
    up = Interval(np.array([20.0]), np.array([np.inf]))
    down = Interval(np.array([-np.inf]), np.array([-20.0]))
    assert ((up + down).lower[0], (up + down).upper[0]) == (-np.inf, np.inf)
    assert ((up * down).lower[0], (up * down).upper[0]) == (-np.inf, np.nextafter(-400, np.inf))
    small = reciprocal(up)[0]
    assert (small.lower[0], small.upper[0]) == (0, np.nextafter(0.05, 1))


def test_a_meeting_of_two_enclosures_is_what_both_say():
    met = between(0.0, 2.0).meet(between(1.0, 3.0))
    assert (met.lower, met.upper) == (1, 2)


def test_an_underflow_keeps_its_sign_and_an_overflow_is_finite():
    values = np.array([0.0, -0.0, np.inf, -np.inf])
    found = widened(values, np.abs(values))
    assert found.lower[0] == 0 < found.upper[0] < 1e-300
    assert found.upper[1] == 0 > found.lower[1] > -1e-300
    assert found.lower[2] == np.finfo(np.float64).max
    assert found.upper[3] == np.finfo(np.float64).min
