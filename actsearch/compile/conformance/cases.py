"""What every backend is tried on: every operator, then what has gone wrong somewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from actsearch.compile.conformance.case import EDGES, Case
from actsearch.grammar.activation import Activation, ParameterSpec, parse
from actsearch.grammar.expression import Apply, Expression, Parameter, X, call
from actsearch.grammar.operators import OPERATORS

_EXPRESSIONS = (
    "x * sigmoid(beta * x)",
    "x * tanh(softplus(x))",
    "exp(-x**2) * tanh(x) + 0.3 * x",
    "(a + b*x + c*x**2 + d*x**3) / (1 + abs(e0*x + f*x**2))",
    "min(asinh(x), cos(x))",
    "where(greater(x, 0), x, a * expm1(x))",
    "log_abs(x) * sin(3.7 * x) + erf(x)**2",
    "relu(x)**2 - 0.1 * relu(-x)",
    "max(x, a * x) + abs(x - b)",
    "safe_divide(x, 1 + a * x**2) + sinc(x)",
    "sqrt(1 + x**2) - 1",
    "atan(x) * logsigmoid(-x) / (1 + x**4)",
    "tl + x * x_pointer + d_a * t0 + a * gain + 1e-45 * x + 1e30 * beta",
    "relu(x) + detach(sin(x) - relu(x))",
    # HeLU, whose slope ends at -a, and a sign with the slope of the identity.
    "relu(x + a) + detach(relu(x) - relu(x + a))",
    "x + detach(sign(x) - x)",
    "beta",
    "2.5",
    "floor(x) + sign(x)",
)
_SECOND = (
    "x * sigmoid(beta * x)", "tanh(x) * sin(a * x)", "gelu(x) + mish(x) * beta", "softplus(x)**2 / (1 + a * x**2)",
    "elu(x) * erf(x)", "exp(-a * x**2) * log1p(x**2)",
)  # fmt: skip
_GATED = ("x * sigmoid(b * gate)", "gate * x", "relu(gate) * relu(x)", "exp(-gate**2) * x + gate", "silu(gate)")
_STATISTICS = {
    "EvoNorm B0": "x / max(std[batch](x), v * x + std[instance](x))",
    "EvoNorm B1": "x / max(std[batch](x), (x + 1) * rms[instance](x))",
    "EvoNorm B2": "x / max(std[batch](x), rms[instance](x) - x)",
    "EvoNorm S0": "x * sigmoid(v * x) / std[group:4](x)",
    "EvoNorm S1": "silu(x) / std[group:4](x)",
    "EvoNorm S2": "silu(x) / rms[group:4](x)",
    "PolyNorm": "p[0] + p[1] * x / rms[last](x) + p[2] * x**2 / rms[last](x**2) + p[3] * x**3 / rms[last](x**3)",
    "softmax": "exp(x - max[last](x)) / sum[last](exp(x - max[last](x)))",
    "gate over its mean": "x * sigmoid(gate) / (1 + mean[layer](abs(gate)))",
    "top quarter": "x * greater(x, quantile[last](x, 0.75))",
    "statistic in statistic": "x * sigmoid(mean[layer](abs(x - mean[last](x))) - a)",
    "extremes": "(x - min[instance](x)) / (1 + max[batch](abs(x)))",
    "statistic in a piece": "where(greater(x, 0.1), a * mean[layer](x**2), x)",
    "maximum of what is computed": "sin(a * x) * max[last](a * x + b) + max[layer](x / std[last](x))",
    "drawn": "stochastic(0.3, x / std[layer](x), relu(x)) + stochastic(b, x, 0)",
    # RReLU, a noisy slope under a statistic, and coefficients with noise of their own.
    "uniform": "max(x, 0) + uniform(0.125, 1/3) * min(x, 0) + x * mean[layer](uniform(a, b * x)) * uniform(b, a + x)",
}
_EDGES = ("max(x, 0.3 * x)", "min(a, x)", "exp(-x**2) * tanh(x)", "x / (1 + exp(-x))", "log(1 + exp(x))")
_FLAT_SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (1024,), (1025,), (3, 5), (2, 3, 4, 5), (0, 4), (70000,))
_CHANNEL_SHAPES: tuple[tuple[int, ...], ...] = (
    (5, 3), (1030, 70), (2, 3, 5, 7), (2, 3, 33, 33), (3, 1, 4), (0, 3), (4, 3, 0), (6, 130, 1), (1, 2, 9001),
)  # fmt: skip
_OTHER_DIMENSIONS: tuple[tuple[tuple[int, ...], int], ...] = (((4, 9, 5), -1), ((7, 3), 0), ((2, 3, 4, 5), 2))
_WITH_COEFFICIENTS = tuple(name for name, operator in OPERATORS.items() if operator.most_coefficients)
_COEFFICIENTS = (0.4, -1.0, 0.7, 1.3)
_KNOTS = tuple(index / 2 for index in range(-5, 13))
_VARIETIES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    # A logarithm, because lanes beyond the end hold anything, and their gradients must not reach the sums.
    "channel": ("log(x) * sigmoid(beta * x)", {"beta": "channel"}),
    "mixed": ("a * log(x) * sigmoid(beta * x)", {"beta": "channel", "a": "layer"}),
}


def cases() -> Iterator[Case]:
    """Every operator, then expressions, layouts, granularities and dtypes that have gone wrong somewhere."""
    yield from (_operator_case(name) for name in OPERATORS)
    for text in _EXPRESSIONS:
        yield Case(name=text, activation=_activation(text))
    for text in _SECOND:
        yield Case(name=f"second of {text}", activation=_activation(text), second=True)
    for text in _GATED:
        yield Case(name=f"gated {text}", activation=_activation(text), shape=(7, 33), second=True)
    yield from _edge_cases()
    yield from _layout_cases()
    yield from _granularity_cases()
    yield from _statistic_cases()
    yield from _dtype_cases()


def _activation(text: str, **parameters: Any) -> Activation:
    given: dict[str, Any] = {"beta": 1.2, "a": 0.3, "b": 0.6}
    plain = parse(text)
    known = {spec.name: given.get(spec.name, spec.initial) for spec in plain.parameters}
    return parse(text, **{**known, **parameters})


def _operator_case(name: str) -> Case:
    operator = OPERATORS[name]
    a, b = Parameter("a"), Parameter("b")
    special: Mapping[str, Expression] = {
        "power": X**2.7 + X**-1 + X**3,
        "greater": call.greater(X, a) * X,
        "equal": call.equal(X, a) + a * X,
        # Powers of what is negative are NaN but for integers, and so is the slope by the exponent.
        "pow": call.pow(X, a) + call.pow(a, X) + X * call.pow(call.abs(X) + 0.5, -1.3 * X),
        "mittag_leffler": call.mittag_leffler(X, 0.7, 1) + call.mittag_leffler(X, 1.6, 1.5),
        "mittag_leffler_derivative": call.mittag_leffler_derivative(X, 0.7, 1, 1),
        "where": call.where(call.greater(X, a), call.log(X), b * X),
    }
    expression = special.get(name) or Apply(name, (X, a, b)[: operator.arity or 2])
    low, high = operator.test_range
    # As written and not in normal form, which has no `subtract`, `square` or `reciprocal`.
    names = ("a", "b")[: (operator.arity or 2) - 1 if name != "power" and not operator.orders else 0]
    specs = tuple(ParameterSpec(name=n, initial=0.7) for n in names)
    return Case(name=name, activation=Activation(expression=expression, parameters=specs), low=low, high=high)


def _edge_cases() -> Iterator[Case]:
    for name, operator in OPERATORS.items():
        if operator.arity == 1:
            # A period cannot be told where neighbouring numbers are further apart than that.
            edges = EDGES[:-2] if name in ("sin", "cos", "sinc", "tan") else EDGES
            yield Case(name=f"edges of {name}", activation=Activation(expression=Apply(name, (X,))), edges=edges)
    for name in _WITH_COEFFICIENTS:
        activation = parse(f"{name}(x, c)", c=_COEFFICIENTS)
        yield Case(name=f"edges of {name}", activation=activation, edges=(*EDGES, *_KNOTS))
    for text in _EDGES:
        yield Case(name=f"edges of {text}", activation=_activation(text), edges=EDGES)


def _layout_cases() -> Iterator[Case]:
    flat = _activation("log(x) * beta")
    for shape in _FLAT_SHAPES:
        yield Case(name=f"flat {shape}", activation=flat, shape=shape, low=0.5)
    for kind, activation in (("flat", flat), *((kind, _variety(kind)) for kind in _VARIETIES)):
        for layout, shape in (("reversed", (6, 5, 4)), ("sliced", (6, 5, 40)), ("channels_last", (2, 9, 4, 5))):
            yield Case(name=f"{kind} {layout}", activation=activation, shape=shape, layout=layout, low=0.5)  # type: ignore[arg-type]
    for kind, shape in itertools.product(_VARIETIES, _CHANNEL_SHAPES):
        yield Case(name=f"{kind} {shape}", activation=_variety(kind), shape=shape, low=0.5)
    for kind, (shape, dim) in itertools.product(_VARIETIES, _OTHER_DIMENSIONS):
        name = f"{kind} {shape} along {dim}"
        yield Case(name=name, activation=_variety(kind), shape=shape, channel_dim=dim, low=0.5)


def _granularity_cases() -> Iterator[Case]:
    rational = "(c[0] + c[1]*x + c[2]*x**2) / (1 + abs(d[0]*x))"
    for granularity in ("layer", "channel", "group:2", "element"):
        activation = _activation(rational, c=((0.1, 1.0, 0.4), granularity), d=((0.3,), "layer"))
        yield Case(name=f"array per {granularity}", activation=activation, shape=(3, 4, 9), second=True)
    for name, granularity in itertools.product(_WITH_COEFFICIENTS, ("layer", "channel", "group:2")):
        activation = parse(f"{name}(x + 1.5, c)", c=(_COEFFICIENTS, granularity))
        yield Case(name=f"array per {granularity} of {name}", activation=activation, shape=(3, 4, 9), second=True)
    for shape in ((3, 6, 70), (5, 6)):
        for granularity in ("group:3", "element"):
            activation = _activation("x * sigmoid(beta * x) * a", beta=(1.2, granularity), a=(0.7, "channel"))
            yield Case(name=f"{granularity} {shape}", activation=activation, shape=shape)
    element = _activation("x * sigmoid(beta * x) * a", beta=(1.2, "element"), a=(0.7, "channel"))
    yield Case(name="element channels_last", activation=element, shape=(2, 9, 4, 5), layout="channels_last")
    gated = _activation("x * sigmoid(b * gate)", b=(0.6, "channel"))
    yield Case(name="gated per channel", activation=gated, shape=(3, 5, 8), second=True)


def _statistic_cases() -> Iterator[Case]:
    for name, text in _STATISTICS.items():
        yield Case(name=f"{name} images", activation=_activation(text), shape=(3, 8, 3, 5), second=True)
        yield Case(name=f"{name} tokens", activation=_activation(text), shape=(2, 3, 8), channel_dim=-1, second=True)
    normalised = _activation(_STATISTICS["EvoNorm S0"], v=(1.2, "channel"))
    for shape in ((2, 8, 131), (5, 12), (1, 4, 70, 130), (0, 4, 3), (300, 4, 7)):
        yield Case(name=f"EvoNorm S0 per channel {shape}", activation=normalised, shape=shape)
    few = _activation("x * mean[last](x) + mean[instance](a * x)")
    yield Case(name="few in the last dimension", activation=few, shape=(2, 2, 3), channel_dim=-1, second=True)
    for granularity in ("channel", "group:2", "element"):
        activation = _activation(_STATISTICS["PolyNorm"], p=((0.1, 0.4, 0.3, 0.3), granularity))
        yield Case(name=f"PolyNorm per {granularity}", activation=activation, shape=(6, 4, 70), channel_dim=-1)
    batch = _activation(_STATISTICS["EvoNorm B0"], v=(1.2, "channel"))
    for layout, shape in (("reversed", (3, 4, 5)), ("sliced", (3, 4, 40)), ("channels_last", (3, 8, 4, 5))):
        yield Case(name=f"EvoNorm B0 {layout}", activation=batch, shape=shape, layout=layout)  # type: ignore[arg-type]
        yield Case(name=f"EvoNorm S0 {layout}", activation=normalised, shape=shape, layout=layout)  # type: ignore[arg-type]
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        short = str(dtype).removeprefix("torch.")
        for kind, shape, dim in (("PolyNorm", (5, 33), 1), ("EvoNorm S0", (2, 3, 8), -1), ("top quarter", (4, 40), 1)):
            activation = _activation(_STATISTICS[kind])
            yield Case(name=f"{short} {kind}", activation=activation, shape=shape, channel_dim=dim, dtype=dtype)


def _dtype_cases() -> Iterator[Case]:
    swish = _activation("1.3 * x * sigmoid(beta * x) + tanh(b * x)")
    channels = swish.with_granularity("channel")
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        short = str(dtype).removeprefix("torch.")
        yield Case(name=f"{short} flat", activation=swish, dtype=dtype)
        yield Case(name=f"{short} channels", activation=channels, dtype=dtype, shape=(65, 9))
        yield Case(name=f"{short} gelu(x)", activation=_activation("gelu(x)"), dtype=dtype)
        yield Case(name=f"{short} edges", activation=swish, dtype=dtype, edges=EDGES[:-2])
    for name in OPERATORS:
        case = _operator_case(name)
        yield replace(case, name=f"float64 {name}", dtype=torch.float64)


def _variety(kind: str) -> Activation:
    text, granularities = _VARIETIES[kind]
    initial = {"beta": 1.2, "a": 0.3}
    return _activation(text, **{name: (initial[name], granularity) for name, granularity in granularities.items()})
