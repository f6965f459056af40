"""Mittag-Leffler functions: known ones, and the power series that they are, at orders on both sides of 1."""

import functools
import math

import mpmath
import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.compile.program import lower
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Constant, X, call
from actsearch.grammar.operators.pieces import fit
from tests.grammar.test_operators import run

ORDERS = (
    (0.1, 3.0),
    (0.3, 1.0),
    (0.7, 2.5),
    (0.99, 1.7),
    (1.0001, 4.0),
    (1.5, 1.0),
    (1.9, 0.5),
    (2.0, 4.0),
    (0.6, 0.0),
)


@functools.cache
def coefficient(a, b, k, bits):
    """That of `z^k` in the series."""
    with mpmath.workprec(bits):
        return mpmath.rgamma(mpmath.mpf(a) * k + mpmath.mpf(b))


def value(z, a, b, n=0):
    """The n-th derivative's power series; NaN where it would take long or is no float32."""
    w = abs(z) ** (1 / a)
    if w > 80:
        return math.nan
    # At least 100 + 3 w of them, in steps, so that many points share coefficients.
    bits = 64 * math.ceil((100 + 3 * w) / 64)
    with mpmath.workprec(bits):
        z, total, k = mpmath.mpf(z), mpmath.mpf(0), n
        while True:
            term = math.perm(k, n) * z ** (k - n) * coefficient(a, b, k, bits)
            total, k = total + term, k + 1
            if a * k > w + 2 and abs(term) < mpmath.mpf(10) ** -25:
                return float(total)


def tree(a, b, n=0):
    return call.mittag_leffler_derivative(X, a, b, n) if n else call.mittag_leffler(X, a, b)


@functools.cache
def sampled(a, b, n):
    """Points on [-20, 20] that are float32, more of them near 0, and the values there."""
    points = torch.cat([torch.linspace(-20, 20, 30), torch.linspace(-1.9, 1.9, 30)])
    true = torch.tensor([value(z, a, b, n) for z in points.tolist()], dtype=torch.float64)
    return points[~true.isnan()], true[~true.isnan()]


# The asymptotic series of higher derivatives begins later.
EVERY = [*((a, b, n) for a, b in ORDERS for n in (0, 1, 2)), (0.3, 0.2, 5), (1.7, 1.0, 4)]


@pytest.mark.parametrize(("a", "b", "n"), EVERY)
def test_it_is_its_power_series_in_float64(a, b, n):
    x, true = sampled(a, b, n)
    assert len(x) >= 25
    torch.testing.assert_close(evaluate(tree(a, b, n), {"x": x.double()}), true, rtol=2e-13, atol=2e-13)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize(("a", "b"), ORDERS)
def test_it_is_its_power_series_in_float32(a, b, n):
    x, true = sampled(a, b, n)
    found = run(lower({"y": tree(a, b, n)}), {"x": x})["y"].double()
    # Where it grows like exp(w), a rounding of w, of which there are a few, is one of w times its size.
    w = x.clamp(min=0).double() ** (1 / a)
    error = (found - true).abs() / true.abs().clamp(min=1)
    assert (error <= 1e-6 + 2.5e-7 * w).all(), (x[error.argmax()], error.max())


KNOWN = {
    (1.0, 1.0): (lambda z: z.exp(), -20, 20),
    (1.0, 2.0): (lambda z: torch.where(z == 0, 1.0, z.expm1() / z), -20, 20),
    (2.0, 1.0): (lambda z: torch.where(z > 0, z.abs().sqrt().cosh(), z.abs().sqrt().cos()), -400, 400),
    (2.0, 2.0): (
        lambda z: torch.where(z > 0, z.sqrt().sinh() / z.sqrt(), torch.sinc((-z).sqrt() / math.pi)),
        -400,
        400,
    ),
    (0.5, 1.0): (lambda z: torch.special.erfcx(-z), -1e4, 6),
}


@pytest.mark.parametrize("orders", KNOWN)
def test_what_has_another_name_is_that(orders):
    known, low, high = KNOWN[orders]
    x = torch.cat(
        [torch.linspace(low, high, 501, dtype=torch.float64), torch.linspace(-3, 3, 101, dtype=torch.float64)]
    )
    torch.testing.assert_close(evaluate(tree(*orders), {"x": x}), known(x), rtol=1e-13, atol=1e-13)


def test_at_zero_and_infinity_it_has_its_limits():
    x = torch.tensor([0.0, math.inf, -math.inf, 3e38, -3e38, math.nan])
    for a, b in ((0.5, 1.0), (0.8, 3.5), (1.0, 1.0), (1.4, 2.0)):
        expected = torch.tensor([1 / math.gamma(b), math.inf, 0, math.inf, 0, math.nan])
        torch.testing.assert_close(run(lower({"y": tree(a, b)}), {"x": x})["y"], expected, equal_nan=True)
        torch.testing.assert_close(evaluate(tree(a, b), {"x": x}), expected, equal_nan=True)


@pytest.mark.parametrize("backend", ["torch", "llvm"])
def test_a_layer_of_it_has_the_derivatives_of_what_it_is(backend):
    layer = parse("mittag_leffler(a * x, 2, 1)", a=-1.5).module(backend=backend, dtype=torch.float64)
    x = torch.linspace(0.1, 30, 50, dtype=torch.float64).requires_grad_()
    root = (1.5 * x).sqrt()
    slope, = torch.autograd.grad(layer(x).sum(), x, create_graph=True)  # fmt: skip
    expected, = torch.autograd.grad(root.cos().sum(), x, create_graph=True)  # fmt: skip
    torch.testing.assert_close(slope, expected)
    second = [torch.autograd.grad(first.sum(), x)[0] for first in (slope, expected)]
    torch.testing.assert_close(*second)


def test_orders_are_literals():
    with pytest.raises(TypeError, match="literal numbers"):
        lower({"y": call.mittag_leffler(X, X, 1)})
    text = "mittag_leffler(sin(x), 0.5, 1) + mittag_leffler_derivative(x, 1.25, 0.7, 2)"
    assert parse(parse(text).text) == parse(text)
    assert parse("mittag_leffler(x, 0.5, 1)").expression == call.mittag_leffler(X, Constant(0.5), 1)


def test_pieces_are_as_many_as_a_function_takes():
    assert len(fit(mpmath.sin, 0.0, 3.0, degrees=(12,), tolerance=1e-9, numbers=mpmath.mp)) == 1
    pieces = fit(lambda t: abs(t - 0.3), 0.0, 1.0, degrees=(8,), tolerance=1e-3, numbers=mpmath.mp)
    assert [piece.high for piece in pieces[:-1]] == [piece.low for piece in pieces[1:]]
    assert (pieces[0].low, pieces[-1].high) == (0.0, 1.0)
    narrow = min(pieces, key=lambda piece: piece.high - piece.low)
    assert narrow.low <= 0.3 <= narrow.high
