"""B-splines and piecewise polynomials against scipy's, at knots, in the tails and by autograd."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.compile.program import lower
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Constant, Parameter, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.splines import MOST_COEFFICIENTS
from tests.grammar.test_operators import run

BASES = {f"bspline{degree}": degree for degree in range(4)}
SUMS = {"pwlinear": 1, "pwquadratic": 2, "pwpoly": 3}
COEFFICIENTS = (0.3, -1.0, 0.25, 2.0, -0.7)
PADDING = 12
# Every knot and what lies between, exact in binary.
POINTS = torch.arange(-5 * 16, 9 * 16 + 1, dtype=torch.float64) / 16


def applied(name, coefficients=COEFFICIENTS):
    return Apply(name, (X, *map(Constant, coefficients)))


def of_scipy(degree, coefficients):
    """The spline on a grid of knots that is so much longer that it is 0 at both ends."""
    padded = np.pad(np.array(coefficients), PADDING)
    knots = np.arange(len(padded) + degree + 1) - (degree + 1) / 2 - PADDING
    return BSpline(knots, padded, degree, extrapolate=False)


def slopes(expression, orders):
    """The expression and its derivatives by x."""
    found = [expression]
    for _ in range(orders):
        found.append(derive(found[-1], X))
    return found


def by_autograd(expression, x, orders):
    x = x.clone().requires_grad_()
    found = [evaluate(expression, {"x": x})]
    for _ in range(orders):
        total = found[-1].sum()
        is_constant = not total.requires_grad
        found.append(torch.zeros_like(x) if is_constant else torch.autograd.grad(total, x, create_graph=True)[0])
    return [value.detach() for value in found]


@pytest.mark.parametrize("name", BASES)
def test_neighbours_are_a_partition_of_unity(name):
    total = sum(evaluate(Apply(name, (X - i,)), {"x": POINTS}) for i in range(-9, 13))
    torch.testing.assert_close(total, torch.ones_like(POINTS), rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", BASES)
def test_the_values_of_a_basis_are_those_of_scipy(name):
    expected = torch.from_numpy(of_scipy(BASES[name], (1.0,))(POINTS.numpy()))
    torch.testing.assert_close(evaluate(Apply(name, (X,)), {"x": POINTS}), expected, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("name", SUMS)
def test_values_and_derivatives_of_every_order_are_those_of_scipy_knots_included(name):
    spline = of_scipy(SUMS[name], COEFFICIENTS)
    for order, expression in enumerate(slopes(applied(name), SUMS[name])):
        expected = torch.from_numpy(spline.derivative(order)(POINTS.numpy()) if order else spline(POINTS.numpy()))
        found = evaluate(expression, {"x": POINTS}).expand_as(POINTS)
        torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-13)
        kernel = run(lower({"y": expression}), {"x": POINTS.float()})["y"].expand_as(POINTS)
        torch.testing.assert_close(kernel.double(), expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("name", [*BASES, *SUMS])
def test_autograd_has_the_derivatives_of_the_rules(name):
    expression = applied(name) if name in SUMS else Apply(name, (X,))
    points = POINTS[1:] - 1 / 32
    for own, found in zip(slopes(expression, 3), by_autograd(expression, points, 3), strict=True):
        torch.testing.assert_close(evaluate(own, {"x": points}).expand_as(points), found, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["bspline2", "bspline3"])
def test_the_derivative_of_a_basis_is_a_difference_of_the_next_lower_one(name):
    lower_degree = f"bspline{BASES[name] - 1}"
    difference = Apply(lower_degree, (X + 0.5,)) - Apply(lower_degree, (X - 0.5,))
    for own, expected in zip(slopes(Apply(name, (X,)), 1)[1:], [difference], strict=True):
        found, wanted = (evaluate(tree, {"x": POINTS}) for tree in (own, expected))
        torch.testing.assert_close(found, wanted, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("name", SUMS)
def test_gradients_by_u_and_coefficients_pass_gradcheck(name):
    expression = Apply(name, (2 * X + 1, *(Parameter("c", index) for index in range(4))))
    x = torch.tensor([-1.9, -0.6, 0.05, 0.3, 0.8, 1.7], dtype=torch.float64, requires_grad=True)
    c = torch.tensor(COEFFICIENTS[:4], dtype=torch.float64, requires_grad=True)

    def value(x, c):
        return evaluate(expression, {"x": x, "c": c})

    assert torch.autograd.gradcheck(value, (x, c))
    assert torch.autograd.gradgradcheck(value, (x, c))


@pytest.mark.parametrize("name", [*BASES, *SUMS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nan_stays_nan_and_infinity_has_value_and_derivatives_zero(name, dtype):
    expression = applied(name) if name in SUMS else Apply(name, (X,))
    beyond = torch.tensor([math.inf, -math.inf, 3e38, -3e38, 1e20, -50.0], dtype=dtype)
    zeros = torch.zeros_like(beyond)
    found = by_autograd(expression, beyond, 2)
    for tree in slopes(expression, 2):
        found.append(evaluate(tree, {"x": beyond}).expand_as(beyond))
        found += [run(lower({"y": tree}, exact=exact), {"x": beyond})["y"].expand_as(beyond) for exact in (False, True)]
    for values in found:
        torch.testing.assert_close(values, zeros, rtol=0, atol=0)
    nan = {"x": torch.tensor([math.nan], dtype=dtype)}
    assert evaluate(expression, nan).isnan().all()
    assert all(run(lower({"y": expression}, exact=exact), nan)["y"].isnan().all() for exact in (False, True))


def test_a_table_has_its_entries_as_values_and_the_slope_to_the_next_one():
    expression, slope = slopes(applied("pwlinear"), 1)
    count = len(COEFFICIENTS)
    for dtype in (torch.float32, torch.float64):
        knots = torch.arange(-1.0, count + 1, dtype=dtype)
        expected = torch.tensor([0.0, *COEFFICIENTS, 0.0], dtype=dtype)
        torch.testing.assert_close(evaluate(expression, {"x": knots}), expected, rtol=0, atol=0)
        rises = expected.diff(append=expected.new_zeros(1))
        torch.testing.assert_close(by_autograd(expression, knots, 1)[1], rises, rtol=1e-6, atol=0)
        program = lower({"y": slope})
        torch.testing.assert_close(run(program, {"x": knots})["y"], rises, rtol=1e-6, atol=0)
        # The last number before a knot is not taken for the knot.
        before = torch.nextafter(knots, torch.full_like(knots, -math.inf))
        expected = torch.cat([expected.new_zeros(1), rises[:-1]])
        torch.testing.assert_close(run(program, {"x": before})["y"], expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("sign", [1, -1])
def test_near_the_ends_of_the_support_no_digits_are_lost(sign):
    for name, degree in BASES.items():
        end, away = (degree + 1) / 2, torch.logspace(-6, -1, 200, dtype=torch.float32)
        x = sign * (end - away)
        expected = evaluate(Apply(name, (X,)), {"x": x.double()})
        found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"].double()
        torch.testing.assert_close(found, expected, rtol=5e-7, atol=0)
        if degree:
            torch.testing.assert_close(expected, (end - x.double().abs()) ** degree / math.factorial(degree))


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_cost_is_in_proportion_to_the_number_of_coefficients(name, order):
    def cost(count):
        tree = Apply(name, (X, *(Parameter("c", index) for index in range(count))))
        outputs = {"dx": slopes(tree, order)[order], "dc": derive(tree, Parameter("c", 0))}
        return len(lower(outputs).instructions)

    few, more, most = cost(8), cost(16), cost(32)
    assert most - more <= 2 * (more - few)


def test_a_kernel_may_have_as_many_coefficients_as_text_may_say():
    values = [math.sin(index) for index in range(MOST_COEFFICIENTS)]
    activation = parse("pwpoly(8*x + 32, c)", c=values)
    x = torch.linspace(-5, 5, 101, dtype=torch.float64, requires_grad=True)
    y = activation.module(backend="torch").double()(x)
    expected = of_scipy(3, torch.tensor(values).double().numpy())
    torch.testing.assert_close(y, torch.from_numpy(expected(8 * x.detach().numpy() + 32)), rtol=1e-9, atol=1e-12)


def test_spaces_may_have_tables_with_coefficients_of_their_own(write_space):
    space = write_space(
        "title: Tables\npaper: none\nstart: unit\nrules:\n  unit:\n"
        "    table: pwlinear(2*inner + 1, a, b, c)\n    scaled: a * inner\n  inner:\n    x: x\n    sine: sin(x)\n"
    )
    for genome in itertools.chain(space.enumerate(), [space.sample(random.Random(0))]):
        activation = space.activation(genome)
        assert parse(activation.text).hash == activation.hash


def test_an_operator_with_coefficients_is_variadic_and_no_primitive():
    views = {"closed": lambda _, u, *c: u, "derivative": lambda *c: c, "definition": lambda u, *c: u}
    table = Operator(name="table", arity=None, most_coefficients=2, **views)
    assert [table.takes(count) for count in range(5)] == [False, False, True, True, False]
    assert not table.associative
    assert OPERATORS["add"].associative
    assert [OPERATORS["add"].takes(count) for count in (1, 2, 99)] == [False, True, True]
    with pytest.raises(TypeError, match="arity None"):
        Operator(name="table", arity=2, most_coefficients=2, **views)


def test_python_builds_what_text_says():
    activation = parse("pwpoly(x, 1, 2)")
    assert activation.expression == call.pwpoly(X, 1, 2)
