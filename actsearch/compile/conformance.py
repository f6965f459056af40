"""What every backend must get right, for its tests and for a user's machine: values and gradients against float64."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from actsearch.compile.autograd import Eager
from actsearch.compile.backend import Backend, Function
from actsearch.grammar.activation import Activation, Granularity, ParameterSpec
from actsearch.grammar.expression import Apply, Expression, Parameter, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.text import read

Dtype = torch.dtype
TOLERANCES: Mapping[Dtype, float] = {
    # Two dozen float32 roundings of 6e-8, and the few ulp of a GPU's exp, log and division.
    torch.float32: 1e-5,
    # Computed in float32 and rounded once: half an ulp of 2^-10 and 2^-7, and the same again for what is above it.
    torch.float16: 2.0**-10,
    torch.bfloat16: 2.0**-7,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An activation, and the input it is tried on."""

    name: str
    activation: Activation
    shape: tuple[int, ...] = (1037,)
    channel_dim: int = 1
    dtype: Dtype = torch.float32
    contiguous: bool = True
    edges: bool = False
    """Whether x has zeros of both signs, large numbers, infinities and NaN; then the values alone are compared."""
    low: float = -4.0
    high: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How far one output (`y`, `dx` or `d_<parameter>`) is from float64, over what is allowed: at most 1 passes."""

    case: str
    output: str
    excess: float


_EDGES = (0.0, -0.0, 1e4, -1e4, math.inf, -math.inf, math.nan)


def cases() -> Iterator[Case]:
    """Every operator, then expressions, layouts, granularities and dtypes that have gone wrong somewhere."""
    yield from (_operator_case(name) for name in OPERATORS)
    yield from _expression_cases()
    yield from _layout_cases()
    for text in ("max(x, 0.3 * x)", "min(a, x)", "relu(x)", "sigmoid(x)", "tanh(x)", "exp(-x**2) * tanh(x)", "gelu(x)"):
        yield Case(name=f"edges of {text}", activation=_activation(text), edges=True)
    swish = _activation("1.3 * x * sigmoid(beta * x) + tanh(b * x)")
    for dtype in (torch.float16, torch.bfloat16):
        short = str(dtype).removeprefix("torch.")
        yield Case(name=f"{short} flat", activation=swish, dtype=dtype)
        channels = swish.with_granularity("channel")
        yield Case(name=f"{short} channels", activation=channels, dtype=dtype, shape=(65, 9))
        yield Case(name=f"{short} gelu", activation=_activation("gelu(x)"), dtype=dtype)


def check(
    backend: Backend, case: Case, device: torch.device | str = "cpu", *, gain: float = 1.0
) -> tuple[Finding, ...]:
    """Run `case` on `backend`; a finding for the output and for each gradient."""
    function = backend.compile(case.activation, gain=gain)
    x, upstream, parameters = sample(case, device)
    found = outputs(function, x, upstream, parameters, case.channel_dim)
    wide = {name: value.double() for name, value in parameters.items()}
    expected = outputs(Eager.of(case.activation, gain), x.double(), upstream.double(), wide, case.channel_dim)
    names = ("y", "dx", *(f"d_{name}" for name in parameters))
    compared = list(zip(names, found, expected, strict=True))[: 1 if case.edges else None]
    return tuple(
        Finding(case=case.name, output=name, excess=_excess(a, b, case, x.numel() if name.startswith("d_") else 1))
        for name, a, b in compared
    )


def sample(case: Case, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Input, upstream gradient and parameters of a case, the same in every process."""
    generator = torch.Generator().manual_seed(0)
    shape = case.shape if case.contiguous else tuple(reversed(case.shape))
    x = torch.empty(shape, dtype=torch.float64).uniform_(case.low, case.high, generator=generator)
    upstream = torch.empty(case.shape, dtype=torch.float64).uniform_(-1, 1, generator=generator)
    x = x if case.contiguous else x.permute(*reversed(range(x.dim())))
    if case.edges:
        x[: len(_EDGES)] = torch.tensor(_EDGES)
    parameters = {}
    for spec in case.activation.parameters:
        size = 1 if spec.granularity == "layer" else case.shape[case.channel_dim]
        spread = torch.empty(size, dtype=torch.float64).uniform_(0.9, 1.1, generator=generator)
        parameters[spec.name] = (spec.initial * spread).float().to(device)
    return x.to(case.dtype).to(device), upstream.to(case.dtype).to(device), parameters


def outputs(
    function: Function, x: Tensor, upstream: Tensor, parameters: Mapping[str, Tensor], channel_dim: int
) -> list[Tensor]:
    """Output of `function`, then its gradients by x and by each parameter."""
    x = x.detach().requires_grad_()
    own = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    y = function(x, own, channel_dim)
    if not y.requires_grad:
        return [y, *(torch.zeros_like(tensor) for tensor in (x, *own.values()))]
    gradients = torch.autograd.grad(y, [x, *own.values()], upstream, allow_unused=True, materialize_grads=True)
    return [y.detach(), *gradients]


def _excess(found: Tensor, expected: Tensor, case: Case, terms: int) -> float:
    """Largest error over what is allowed; infinite where shapes, NaN or infinities differ."""
    if found.shape != expected.shape:
        return math.inf
    if not found.numel():
        return 0.0
    a, b = found.double(), expected
    finite = b.isfinite()
    if not torch.equal(finite, a.isfinite()) or not torch.allclose(a[~finite], b[~finite], equal_nan=True):
        return math.inf
    # Relative above 1 and absolute below. A parameter's gradient is a sum in float32, whose rounding errors add like
    # the square root of the number of terms; parameters are float32 whatever the input is.
    tolerance = TOLERANCES[torch.float32 if terms > 1 else case.dtype]
    allowed = tolerance * (b[finite].abs() + math.sqrt(terms))
    return float(((a - b)[finite].abs() / allowed).max()) if bool(finite.any()) else 0.0


def _activation(text: str, granularity: Granularity = "layer", **initial: float) -> Activation:
    expression = read(text)
    specs = {name: ParameterSpec(name=name, initial=value) for name, value in initial.items()}
    return Activation.of(expression, specs).with_granularity(granularity)


def _operator_case(name: str) -> Case:
    operator = OPERATORS[name]
    a, b = Parameter("a"), Parameter("b")
    special: Mapping[str, Expression] = {
        "power": X**2.7 + X**-1 + X**3,
        "greater": call.greater(X, a) * X,
        "equal": call.equal(X, a) + a * X,
        "where": call.where(call.greater(X, a), call.log(X), b * X),
    }
    expression = special.get(name) or Apply(name, (X, a)[: operator.arity or 2])
    low, high = operator.test_range
    # As written and not in normal form, which has no `subtract`, `square` or `reciprocal`.
    names = ("a", "b")[: 2 if name == "where" else (operator.arity or 2) - 1 if name != "power" else 0]
    specs = tuple(ParameterSpec(name=n, initial=0.7) for n in names)
    return Case(name=name, activation=Activation(expression=expression, parameters=specs), low=low, high=high)


def _expression_cases() -> Iterator[Case]:
    for text in (
        "x * sigmoid(beta * x)",
        "x * tanh(softplus(x))",
        "exp(-x**2) * tanh(x) + 0.3 * x",
        "(a + b*x + c*x**2 + d*x**3) / (1 + abs(e*x + f*x**2))",
        "min(asinh(x), cos(x))",
        "where(greater(x, 0), x, a * expm1(x))",
        "log_abs(x) * sin(3.7 * x) + erf(x)**2",
        "relu(x)**2 - 0.1 * relu(-x)",
        "max(x, a * x) + abs(x - b)",
        "safe_divide(x, 1 + a * x**2) + sinc(x)",
        "sqrt(1 + x**2) - 1",
        "atan(x) * logsigmoid(-x) / (1 + x**4)",
        "tl + x * x_pointer + d_a * t0 + a * gain + 1e-45 * x + 1e30 * beta",
        "beta",
        "2.5",
        "floor(x) + sign(x)",
    ):
        yield Case(name=text, activation=_activation(text, beta=1.2, a=0.3, b=0.6))


_FLAT_SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (1024,), (1025,), (3, 5), (2, 3, 4, 5), (0, 4))
_CHANNEL_SHAPES: tuple[tuple[int, ...], ...] = (
    (5, 3), (1030, 70), (2, 3, 5, 7), (2, 3, 33, 33), (3, 1, 4), (0, 3), (4, 3, 0), (6, 130, 1),
)  # fmt: skip
_OTHER_DIMENSIONS: tuple[tuple[tuple[int, ...], int], ...] = (((4, 9, 5), -1), ((7, 3), 0), ((2, 3, 4, 5), 2))


def _layout_cases() -> Iterator[Case]:
    # A logarithm, because lanes beyond the end hold 0 and its gradient there must not reach the sums.
    flat = _activation("log(x) * beta")
    for shape in _FLAT_SHAPES:
        yield Case(name=f"flat {shape}", activation=flat, shape=shape, low=0.5)
    yield Case(name="flat strided", activation=flat, shape=(6, 5, 4), contiguous=False, low=0.5)
    channel = _activation("log(x) * sigmoid(beta * x)", "channel")
    first, *others = _activation("a * log(x) * sigmoid(beta * x)", "channel").parameters
    mixed = Activation(expression=read("a * log(x) * sigmoid(beta * x)"), parameters=(
        replace(first, granularity="layer"), *others,
    ))  # fmt: skip
    for activation, kind in ((channel, "channel"), (mixed, "mixed")):
        for shape in _CHANNEL_SHAPES:
            yield Case(name=f"{kind} {shape}", activation=activation, shape=shape, low=0.5)
        for shape, dim in _OTHER_DIMENSIONS:
            name = f"{kind} {shape} along {dim}"
            yield Case(name=name, activation=activation, shape=shape, channel_dim=dim, low=0.5)
        yield Case(name=f"{kind} strided", activation=activation, shape=(6, 5, 4), contiguous=False, low=0.5)
