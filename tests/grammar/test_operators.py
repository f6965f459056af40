"""Every view of every operator says the same function: torch, definition, closed form, lowering, derivatives."""

import math

import mpmath
import pytest
import sympy
import torch

from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.compile.program import Constant, Literal, Temporary, lower
from actsearch.compile.symbolic import formula, from_sympy, sympy_gradients, to_sympy
from actsearch.grammar.expression import Apply, Input, Parameter, X, call, fold
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.text import write

NAMES = sorted(OPERATORS)
# The variables of an operator: all of its arguments, or the first one where the others are orders.
ARITY = {name: 1 if operator.orders else operator.arity for name, operator in OPERATORS.items()}
ORDERS = ((0.5, 1.0, 1.0), (1.6, 0.7, 2.0))
A, B = Parameter("a"), Parameter("b")
EXPONENTS = (-2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 2.7, 3.0, 5.0)
# The lowering in float32 against float64, relative where the value is large and absolute below 1. Arithmetic on a
# few roundings of 6e-8 gives 1e-6; exp(n * log(u)) for a fractional exponent and the sums of sinh add some more.
FLOAT32_TOLERANCE = 2e-6


def applications(name):
    """The operator applied to x (and a, b), once for each exponent where it is `power`."""
    operator = OPERATORS[name]
    if name == "power":
        return [X**n for n in EXPONENTS]
    if operator.orders:
        return [Apply(name, (X, *map(Constant, orders[: len(operator.orders)]))) for orders in ORDERS]
    return [Apply(name, (X, A, B)[: operator.arity or 3])]


def grid(name, dtype=torch.float64):
    """Arguments on the operator's range: x, a and b in all combinations, ties and the ends included."""
    low, high = OPERATORS[name].test_range
    axis = torch.linspace(low, high, 41, dtype=torch.float64)
    if ARITY[name] == 1:
        axis = torch.linspace(low, high, 4001, dtype=torch.float64)
        return {"x": away(axis, OPERATORS[name].kinks).to(dtype)}
    x, a, b = torch.meshgrid(axis, axis[::4], axis[::8], indexing="ij")
    return {"x": x.flatten().to(dtype), "a": a.flatten().to(dtype), "b": b.flatten().to(dtype)}


def away(axis, kinks):
    """`axis` without the kinks, which have a test of their own."""
    keep = torch.ones_like(axis, dtype=torch.bool)
    for kink in kinks:
        keep &= (axis - kink).abs() > 1e-6
    return axis[keep]


def autograd(expression, values, wrt):
    inputs = {name: value.clone().requires_grad_() for name, value in values.items()}
    y = evaluate(expression, inputs)
    if not y.requires_grad:
        return torch.zeros_like(values["x"])
    gradient, = torch.autograd.grad(y.sum(), inputs[wrt], allow_unused=True)  # fmt: skip
    return torch.zeros_like(values["x"]) if gradient is None else gradient


def run(program, values):
    """A program's outputs, primitive by primitive."""
    results = []

    def value(operand):
        if isinstance(operand, Temporary):
            return results[operand.index]
        if isinstance(operand, Constant | Literal):
            return torch.full_like(values["x"], operand.value)
        return values[operand.name]

    for instruction in program.instructions:
        names = [f"v{index}" for index in range(len(instruction.operands))]
        arguments = dict(zip(names, map(value, instruction.operands), strict=True))
        results.append(evaluate(Apply(instruction.operator, tuple(map(Parameter, names))), arguments))
    return {name: value(operand) for name, operand in program.outputs}


def close(found, expected, tolerance):
    return torch.testing.assert_close(found.double(), expected.double(), rtol=tolerance, atol=tolerance, equal_nan=True)


# A sum without end, which sympy cannot evaluate: `test_mittag_leffler.py` holds it against the functions.
CLOSED = [name for name in NAMES if not OPERATORS[name].orders]


@pytest.mark.parametrize("name", CLOSED)
def test_the_closed_form_gives_the_values_of_torch(name):
    values = grid(name)
    for expression in applications(name):
        names = [n for n in ("x", "a", "b") if n in values]
        symbols = [sympy.Symbol(n, real=True) for n in names]
        closed = sympy.lambdify(symbols, formula(expression), ["scipy", "numpy"])
        found = torch.as_tensor(closed(*(values[n].numpy() for n in names)), dtype=torch.float64)
        expected = evaluate(expression, values)
        # torch.softplus is the identity above 20, and 1 + exp cancels in the closed forms of log1p: 1e-9 covers both.
        found = found.nan_to_num(1.0) if name == "sinc" else found
        close(found.expand_as(expected), expected, 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_derivatives_of_the_operator_of_torch_and_of_sympy_agree(name):
    values = grid(name)
    for expression in applications(name):
        for wrt in [Input("x"), A, B][: ARITY[name] or 3]:
            if name == "power" and wrt != X:
                continue
            expected = autograd(expression, values, wrt.name)
            own = evaluate(derive(expression, wrt), values)
            close(own.expand_as(expected), expected, 1e-9)
            symbolic = from_sympy(sympy.diff(to_sympy(expression), sympy.Symbol(wrt.name, real=True)))
            close(evaluate(symbolic, values).expand_as(expected), expected, 1e-9)


SMOOTH = [
    name
    for name in CLOSED
    if not OPERATORS[name].kinks and name not in ("maximum", "minimum", "greater", "equal", "where", "sinc", "detach")
]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_derivative_is_that_of_the_closed_form(name):
    values = {n: v[:: max(1, len(v) // 60)] for n, v in grid(name).items()}
    for expression in applications(name):
        names = [n for n in ("x", "a", "b") if n in values]
        symbols = [sympy.Symbol(n, real=True) for n in names]
        closed = sympy.lambdify(symbols, sympy.diff(formula(expression), symbols[0]), ["scipy", "numpy"])
        found = torch.as_tensor(closed(*(values[n].numpy() for n in names)), dtype=torch.float64)
        expected = evaluate(derive(expression, X), values)
        close(found.expand_as(expected), expected, 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_lowering_gives_the_values_of_torch(name):
    for expression in applications(name):
        program = lower({"y": expression})
        assert all(OPERATORS[i.operator].primitive for i in program.instructions)
        values = grid(name)
        # The polynomials are fitted to float32: 2e-8 of what is near them.
        close(run(program, values)["y"], evaluate(expression, values), 5e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_lowering_is_accurate_in_float32(name):
    for expression in applications(name):
        values = grid(name, torch.float32)
        expected = evaluate(expression, {n: v.double() for n, v in values.items()})
        close(run(lower({"y": expression}), values)["y"], expected, FLOAT32_TOLERANCE)


UNARY = [name for name in NAMES if OPERATORS[name].arity == 1]
EDGES = (0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 30.0, -30.0, 1e4, -1e4, 1e30, -1e30, math.inf, -math.inf, math.nan)
# Beyond 2^15 periods the range reduction of sin and cos has no digits left, by design.
WAVES = ("sin", "cos", "sinc")
PERIODIC = (*WAVES, "tan")


@pytest.mark.parametrize("name", UNARY)
def test_the_lowering_holds_at_the_edges_of_float32(name):
    edges = [edge for edge in EDGES if name not in PERIODIC or abs(edge) < 1e9 or not math.isfinite(edge)]
    x = torch.tensor(edges, dtype=torch.float32)
    expected = evaluate(Apply(name, (X,)), {"x": x})
    if name == "gelu":
        # torch's own vector code gives NaN at infinity on some processors; ours has the limits.
        expected[x == math.inf], expected[x == -math.inf] = math.inf, 0.0
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6, equal_nan=True)


# Largest errors in float32. exp(n*log(u)) multiplies that of the logarithm by n*log(u). The slope of i1e is a
# difference of what is twice and three times its size; that of i0e_slope, the second derivative of i0e, loses
# log2(2|u|) digits.
ULPS, MORE_ULPS = 6.5, {"x**2.7": 12, "i1e(x)": 11, "i0e_slope(x)": 110}


def bfloat16s(largest_exponent):
    """Every bfloat16 from 2^-8 on, both signs, as float32."""
    exponents = torch.arange(-8, largest_exponent, dtype=torch.float32)
    positive = (2 ** exponents[:, None] * (1 + torch.arange(128) / 128)).flatten()
    return torch.cat([-positive.flip(0), positive])


def exact(expression, values):
    """The value in float64, where torch cancels (gelu), has a threshold (softplus) or does not reduce (sinc)."""
    stable = {
        "gelu": lambda u: u * call.normal_cdf(u),
        "softplus": OPERATORS["softplus"].definition,
        "mish": lambda u: u * call.tanh(OPERATORS["softplus"].definition(u)),
        "sinc": lambda u: call.where(call.equal(u, 0), 1, sine_of_periods(u) / (math.pi * u)),
    }

    def apply(operator, arguments):
        return stable[operator](*arguments) if operator in stable else Apply(operator, tuple(arguments))

    return evaluate(fold(expression, lambda leaf: leaf, apply), values).expand_as(values["x"])


def sine_of_periods(u):
    k = call.floor(u + 0.5)
    return (1 - 2 * (k - 2 * call.floor(0.5 * k))) * call.sin(math.pi * (u - k))


def unit(size, digits):
    return torch.ldexp(torch.ones_like(size), torch.frexp(size.clamp(min=2.0**-126))[1] - digits)


@pytest.mark.parametrize("name", [name for name in NAMES if OPERATORS[name].arity == 1 or name == "power"])
def test_every_bfloat16_gets_the_nearest_value_and_slope_or_its_neighbour(name):
    x = bfloat16s(15 if name in ("sin", "cos", "tan") else 6)
    for expression in applications(name):
        slope = derive(expression, X)
        curves = [exact(e, {"x": x.double()}) for e in (expression, slope, derive(slope, X))]
        for wanted, true, steepness in zip((expression, slope), curves, curves[1:], strict=False):
            found = run(lower({"y": wanted}), {"x": x})["y"].expand_as(x)
            # What half a unit in the last place of x may move is no error of the function: its zeros.
            size = torch.maximum(true.abs(), (x.double() * steepness).abs().nan_to_num(0, 0, 0))
            counted = true.isfinite() & ((true.abs() >= 2.0**-126) | (true == 0)) & (true.abs() < 3.3e38)
            rounded = (found.bfloat16().double() - true).abs() / unit(size, 8)
            assert (rounded[counted] <= 1).all(), x[counted & ~(rounded <= 1)]
            ulps = ((found.double() - true).abs() / unit(size, 24))[counted]
            assert not len(ulps) or ulps.max() <= MORE_ULPS.get(write(expression), ULPS)


@pytest.mark.parametrize("name", UNARY)
def test_the_slope_is_no_nan_where_it_is_finite(name):
    largest = torch.finfo(torch.float32).max
    x = torch.tensor([0.0, 88.0, 90.0, 300.0, 1e4, 1e10, 1e19, 1e20, 1e30, largest])
    x = torch.cat([x, -x]) if name not in PERIODIC else torch.cat([x[:5], -x[:5]])
    slope = derive(Apply(name, (X,)), X)
    true = exact(slope, {"x": x.double()}).float()
    found = run(lower({"y": slope}), {"x": x})["y"].expand_as(x)
    # Beyond 1e19 the square of x is infinite, and what is one over it 0.
    close(found[true.isfinite()], true[true.isfinite()], 1e-5)


@pytest.mark.parametrize("name", UNARY)
def test_nan_stays_nan(name):
    x = torch.tensor([math.nan])
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    # The sign of NaN is 0, as in torch.
    assert found.isnan().all() == (name != "sign")


@pytest.mark.parametrize("name", WAVES)
def test_waves_stay_waves_where_they_have_no_digits_left(name):
    x = torch.logspace(4, 38, 2000)
    for wanted in (Apply(name, (X,)), derive(Apply(name, (X,)), X)):
        assert run(lower({"y": wanted}), {"x": torch.cat([x, -x])})["y"].abs().max() < 1 + 1e-6


@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_what_saturates_reaches_one_and_never_passes_it(name):
    x = torch.cat([torch.linspace(-20, 20, 400_001), torch.tensor([1e4, -1e4, math.inf, -math.inf])])
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    assert found.abs().max() == 1
    assert (found[x.abs() > 9].abs() == 1).all()


def test_quotients_do_not_overflow_where_their_value_is_finite():
    values = {"x": torch.tensor([1e10, 3.0, 1e30]), "a": torch.tensor([1e30, 1e25, 1e25])}
    for name in ("divide", "safe_divide"):
        for wanted in (Apply(name, (X, A)), derive(Apply(name, (X, A)), A)):
            found = run(lower({"y": wanted}), values)["y"]
            assert found.isfinite().all()


ALSO_ODD = ("tan", "asin", "atanh", "i1e")


@pytest.mark.parametrize(
    "name", ["tanh", "asinh", "atan", "expm1", "log1p", "sinh", "sin", "erf", "softsign", "silu", *ALSO_ODD]
)
def test_near_zero_the_lowering_keeps_relative_accuracy(name):
    x = torch.logspace(-12, -0.3, 500, dtype=torch.float32)
    x = torch.cat([x, -x])
    expected = evaluate(Apply(name, (X,)), {"x": x.double()})
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_the_range_reduction_keeps_float32_accuracy_to_ten_thousand(name):
    x = torch.linspace(-1e4, 1e4, 200_001, dtype=torch.float32)
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    close(found, evaluate(Apply(name, (X,)), {"x": x.double()}), 1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if OPERATORS[name].kinks])
def test_at_a_kink_the_derivative_is_that_of_torch(name):
    values = {"x": torch.tensor(OPERATORS[name].kinks, dtype=torch.float64)}
    expression = Apply(name, (X,))
    expected = autograd(expression, values, "x")
    torch.testing.assert_close(evaluate(derive(expression, X), values).expand_as(expected), expected)
    _, by_x, _ = sympy_gradients(expression)
    torch.testing.assert_close(evaluate(from_sympy(by_x), values).expand_as(expected), expected)


BASES = (-math.inf, -3e38, -2.5, -1.0, 0.0, 0.5, 1.0, 2.5, 3e38, math.inf, math.nan)
POWERS = (-math.inf, -65.0, -3.0, -2.5, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 77.0, math.inf, math.nan)


def test_powers_are_those_of_torch_at_the_edges_and_of_what_is_negative():
    x, a = torch.cartesian_prod(torch.tensor(BASES), torch.tensor(POWERS)).T
    expected = torch.pow(x.double(), a.double()).float()
    # A fractional power of what is negative is NaN, even that of infinity, where C has the limit of the size.
    expected[(x == -math.inf) & a.isfinite() & (a != a.floor())] = math.nan
    found = run(lower({"y": call.pow(X, A)}), {"x": x, "a": a})["y"]
    torch.testing.assert_close(found, expected, rtol=2e-5, atol=1e-37, equal_nan=True)
    finite = x.isfinite() & a.isfinite() & (x.abs() < 1e30)
    given = {"x": x[finite].double().requires_grad_(), "a": a[finite].double().requires_grad_()}
    slopes = torch.autograd.grad(torch.pow(given["x"], given["a"]).sum(), [given["x"], given["a"]])
    for wrt, slope in zip((X, A), slopes, strict=True):
        own = derive(call.pow(X, A), wrt)
        close(evaluate(own, {name: value.detach() for name, value in given.items()}), slope, 1e-12)
        close(run(lower({"y": own}), {"x": x[finite], "a": a[finite]})["y"], slope.float(), 2e-5)


def test_hardsigmoid_is_that_of_torch_but_for_the_float32_in_its_slope():
    ends = torch.tensor([-3.0, 3.0, math.inf, -math.inf], dtype=torch.float64)
    x = torch.cat([torch.linspace(-6, 6, 97, dtype=torch.float64), ends]).requires_grad_()
    expected = torch.nn.functional.hardsigmoid(x)
    close(evaluate(call.hardsigmoid(X), {"x": x}).detach(), expected.detach(), 1e-15)
    slope, = torch.autograd.grad(expected.sum(), x)  # fmt: skip
    close(evaluate(derive(call.hardsigmoid(X), X), {"x": x.detach()}), slope, 1e-8)


@pytest.mark.parametrize("name", ["floor", "ceil", "round"])
def test_integers_are_those_of_torch_beside_halves_and_where_there_are_no_others(name):
    halves = torch.arange(-9, 9, dtype=torch.float32) + 0.5
    near = [torch.nextafter(halves, torch.full_like(halves, end)) for end in (-math.inf, math.inf)]
    large = torch.tensor([2.0**22 + 0.5, 2.0**23 - 0.5, 2.0**23 + 1, 2.0**24 - 1, 3e38, math.inf])
    x = torch.cat([halves, *near, large, -large])
    found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
    assert torch.equal(found, evaluate(Apply(name, (X,)), {"x": x}))


def test_inverses_are_right_up_to_the_ends_of_their_domains_and_not_defined_beyond():
    ends = {"asin": (-1.0, 1.0), "acos": (-1.0, 1.0), "atanh": (-1.0, 1.0), "acosh": (1.0, 3.4e38)}
    for name, (low, high) in ends.items():
        inside = [torch.nextafter(torch.tensor(low), torch.tensor(high)), torch.tensor(low), torch.tensor(high)]
        beyond = torch.tensor([low - 1e-3, low - 1, -math.inf, *([high + 1e-3] if high == 1 else [])])
        x = torch.stack([*inside, torch.nextafter(torch.tensor(high), torch.tensor(low))])
        found = run(lower({"y": Apply(name, (X,))}), {"x": x})["y"]
        close(found, evaluate(Apply(name, (X,)), {"x": x.double()}), 1e-6)
        assert run(lower({"y": Apply(name, (X,))}), {"x": beyond})["y"].isnan().all()


def test_where_the_slope_of_a_bessel_function_cancels_it_keeps_its_digits():
    x = torch.logspace(-3, 5, 300)
    with mpmath.workdps(40):
        true = [float(mpmath.exp(-a) * (mpmath.besseli(1, a) - mpmath.besseli(0, a))) for a in x.tolist()]
    found = run(lower({"y": derive(call.i0e(X), X)}), {"x": x})["y"]
    torch.testing.assert_close(found.double(), torch.tensor(true, dtype=torch.float64), rtol=6e-7, atol=0)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_at_a_tie_each_side_takes_half_of_the_gradient_as_in_torch(name):
    values = {"x": torch.tensor([1.0, -2.0]), "a": torch.tensor([1.0, -2.0])}
    expression = Apply(name, (X, A))
    for wrt in (X, A):
        torch.testing.assert_close(evaluate(derive(expression, wrt), values), autograd(expression, values, wrt.name))


def test_what_is_detached_has_no_derivative_and_nothing_takes_it_for_what_is_in_it():
    values = grid("detach")
    inner = call.sin(X) * A
    tree = X * call.detach(inner) + inner
    for wrt in (X, A):
        expected = autograd(tree, {**values, "a": torch.full_like(values["x"], 0.7)}, wrt.name)
        given = {**values, "a": torch.full_like(values["x"], 0.7)}
        close(evaluate(derive(tree, wrt), given), expected, 1e-12)
        symbolic = from_sympy(sympy.diff(to_sympy(tree), sympy.Symbol(wrt.name, real=True)))
        close(evaluate(symbolic, given), expected, 1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if OPERATORS[name].parity])
def test_parity_is_as_stated(name):
    x = grid(name)["x"]
    sign = 1 if OPERATORS[name].parity == "even" else -1
    close(evaluate(Apply(name, (X,)), {"x": -x}), sign * evaluate(Apply(name, (X,)), {"x": x}), 1e-12)
