"""Random activations of every family, and how far rounding may move what is computed of them."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import torch
from hypothesis import assume
from hypothesis import strategies as st

from actsearch.compile.conformance import TOLERANCES, Case, outputs, sample
from actsearch.compile.eager import _reduce, _Tape
from actsearch.compile.reference import Eager
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.expression import Apply, Constant, Expression, Input, Parameter, X, call, parameter_names
from actsearch.grammar.statistic import Statistic

SMOOTH = (
    "sigmoid", "tanh", "sin", "cos", "atan", "asinh", "softplus", "mish", "gelu", "silu", "erf", "square", "negative",
    "logsigmoid", "sinc",
)  # fmt: skip
KINKED = ("abs", "relu", "elu", "softsign", "sign", "floor", "log_abs")
AXES = ("batch", "instance", "layer", "group", "last")
GATE = Input("gate")
ARRAY = tuple(Parameter("c", index) for index in range(3))
INITIAL = {"a": 0.73, "b": -1.3, "c": (0.4, 1.2, -0.6), "p": 0.3}
CONSTANTS = (1.0, -1.0, 2.0, 0.5, 0.1, -0.3, 3.0)
SIZES = (1, 2, 3, 5, 7, 9, 17)

ROUNDING = 2.0**-23
"""Relative noise at each operation: two roundings of float32."""
DRAWS = 4
ALLOWED = 16.0
"""Times what noise does: a kernel rounds a dozen times inside an operator, roundings of equal numbers are equal and add
up, and 4 draws are no upper bound. Of 1000 examples the worst needed 8, half of them less than 0.1."""
UNSTABLE = 1e-3
"""Where noise moves results by more than this share of the largest, float32 has no digits to compare: a kink, a jump or
a tie is within rounding, or the activation is ill-conditioned."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """What an expression may be made of: `groups` is the number of groups of channels, 0 for no statistics."""

    groups: int
    is_gated: bool = False
    is_smooth: bool = False
    is_drawn: bool = True
    over_batch: bool = True


@functools.cache
def trees(kinds: Kinds) -> st.SearchStrategy[Expression]:
    """Expressions of x (and gate), numbers and arrays, with statistics up to two deep."""
    leaves = [st.just(X), st.just(X), st.sampled_from([Parameter("a"), Parameter("b"), *ARRAY])]
    leaves.append(st.sampled_from(CONSTANTS).map(Constant))
    if kinds.is_gated:
        leaves.append(st.just(GATE))
    plain = st.one_of(leaves)

    def applied(arguments: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        return _applied(arguments, kinds)

    if not kinds.groups:
        return st.recursive(plain, applied, max_leaves=6)
    inner = _named(_reduced(st.recursive(plain, applied, max_leaves=3), kinds))
    outer = _named(_reduced(st.recursive(st.one_of(plain, inner), applied, max_leaves=3), kinds))
    return st.recursive(st.one_of(plain, inner, outer), applied, max_leaves=4)


def _named(strategy: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """The same under a short name: hypothesis writes strategies down, those inside others again and again."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Expression:
        return draw(strategy)

    return drawn()


def _applied(u: st.SearchStrategy[Expression], kinds: Kinds) -> st.SearchStrategy[Expression]:
    unary = SMOOTH if kinds.is_smooth else SMOOTH + KINKED
    found = [
        st.builds(lambda name, a: Apply(name, (a,)), st.sampled_from(unary), u),
        st.builds(lambda name, a, b: Apply(name, (a, b)), st.sampled_from(("add", "subtract", "multiply")), u, u),
        st.builds(lambda a, n: a**n, u, st.sampled_from((2, 3))),
        st.builds(lambda a: call.exp(-(a**2)), u),
        st.builds(lambda a: call.log1p(a**2), u),
        st.builds(lambda a, b: a / (1 + b**2), u, u),
        # Polynomials composed, and rationals of array parameters.
        st.builds(lambda a: ARRAY[0] + ARRAY[1] * a + ARRAY[2] * a**2, u),
        st.builds(lambda a: (ARRAY[0] + ARRAY[1] * a) / (1 + (ARRAY[2] * a) ** 2), u),
        st.builds(lambda a, b: a + call.detach(b - a), u, u),
    ]
    if not kinds.is_smooth:
        coefficients = st.lists(st.one_of(st.sampled_from(ARRAY), u), min_size=1, max_size=4)
        splines = st.sampled_from(("pwlinear", "pwquadratic", "pwpoly"))
        found += [
            st.builds(lambda name, a, b: Apply(name, (a, b)), st.sampled_from(("maximum", "minimum")), u, u),
            st.builds(lambda c, k, a, b: call.where(call.greater(c, k), a, b), u, st.sampled_from((0, 0.1, 1)), u, u),
            st.builds(lambda name, a, cs: Apply(name, (a, *cs)), splines, u, coefficients),
            st.builds(lambda a: (ARRAY[0] + ARRAY[1] * a + ARRAY[2] * a**2) / (1 + call.abs(ARRAY[1] * a)), u),
        ]
    if kinds.is_drawn:
        probabilities = st.sampled_from((Constant(0.3), Parameter("p")))
        found.append(st.builds(call.stochastic, probabilities, u, u))
    return st.one_of(found)


def _reduced(u: st.SearchStrategy[Expression], kinds: Kinds) -> st.SearchStrategy[Expression]:
    names = ("mean", "var", "std", "rms", "sum", *(() if kinds.is_smooth else ("max", "min")))
    axes = AXES if kinds.over_batch else AXES[1:]

    def over(kind: str, axis: str) -> Statistic:
        return Statistic(kind=kind, axis=axis, groups=kinds.groups if axis == "group" else 0)

    plain = st.builds(lambda kind, axis, a: over(kind, axis)(a), st.sampled_from(names), st.sampled_from(axes), u)
    if kinds.is_smooth:
        return plain
    levels = st.sampled_from((0.0, 0.3, 0.75, 1.0)).map(Constant)
    return st.one_of(plain, plain, plain, st.builds(Statistic(kind="quantile", axis="last"), u, levels))


@st.composite
def activations(draw: st.DrawFn, kinds: Kinds, *, as_drawn: bool = False) -> Activation:
    """Activations whose parameters are had by anything, in normal form or as drawn; x and constants are left out."""
    tree = draw(trees(kinds))
    granularities = ("layer", "channel", "element", *([f"group:{kinds.groups}"] if kinds.groups else []))
    specs = {
        name: ParameterSpec(name=name, initial=initial, granularity=draw(st.sampled_from(granularities)))
        for name, initial in INITIAL.items()
    }
    activation = Activation.of(tree, specs)
    assume(isinstance(activation.expression, Apply))
    if not as_drawn:
        return activation
    return Activation(expression=tree, parameters=tuple(specs[name] for name in parameter_names(tree)))


@st.composite
def trials(draw: st.DrawFn, *, as_drawn: bool = False, **fixed: bool) -> Case:
    """Activations with tensors of any rank, size and layout that they can be applied to; see `Kinds` for `fixed`."""
    groups = draw(st.sampled_from((0, 1, 2, 3)))
    kinds = Kinds(groups=groups, **{"is_gated": draw(st.booleans()), **fixed})
    activation = draw(activations(kinds, as_drawn=as_drawn))
    rank = draw(st.sampled_from((2, 3, 4)))
    shape = [draw(st.sampled_from(SIZES)) for _ in range(rank)]
    channel_dim = draw(st.sampled_from((1, -1, *([rank // 2] if rank > 2 else []))))
    shape[channel_dim] = max(groups, 1) * draw(st.sampled_from((1, 2, 3, 5)))
    if draw(st.integers(0, 3)) == 0:
        # Longer than a tile, or than a row of vectors.
        other = next(index for index in (rank - 1, 0) if index != channel_dim % rank)
        shape[other] = draw(st.sampled_from((67, 131, 260)))
    layouts = ("contiguous", "reversed", "sliced", *(["channels_last"] if rank == 4 else []))
    return Case(
        name=activation.text, activation=activation, shape=tuple(shape), channel_dim=channel_dim,
        layout=draw(st.sampled_from(layouts)), second=bool(fixed.get("is_smooth")),
    )  # fmt: skip


class _Moved(torch.autograd.Function):
    """A value times `forward`, its gradient times `backward`: terms of a gradient cancel as those of a value do."""

    @staticmethod
    def forward(ctx, exact, forward, backward):
        ctx.save_for_backward(backward)
        return exact * forward

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None, None


def noisy(activation: Activation, seed: int, size: float) -> Eager:
    """The reference with each operation wrong by about `size` of its result, its derivatives accordingly."""
    eager, generator = Eager(activation), torch.Generator().manual_seed(seed)
    prepared, evaluator = eager._training

    def moved(exact):
        forward, backward = 1 + size * torch.randn((2, *exact.shape), generator=generator, dtype=exact.dtype)
        return _Moved.apply(exact, forward, backward)

    def variance(statistic, reductions, u):
        # Around a mean that is rounded, which is what makes a variance of equal numbers more than 0.
        mean = Apply(statistic.operator.replace("var", "mean"), statistic.arguments)
        return reductions.reduce(mean, (u - moved(reductions.reduce(mean, u))) ** 2)

    def disturbed(function):
        statistic = function.args[0] if getattr(function, "func", None) is _reduce else None
        if statistic is not None and statistic.operator.startswith("var"):
            function = functools.partial(variance, statistic)
        return lambda *arguments: moved(function(*arguments))

    tape = evaluator.args[0]
    steps = tuple((disturbed(function), arguments, out) for function, arguments, out in tape.steps)
    changed = _Tape(tape.slots, tape.names, steps, tape.result)
    eager.__dict__["_training"] = prepared, functools.partial(evaluator.func, changed)
    return eager


@dataclass(frozen=True, slots=True)
class Expected:
    """What float64 computes for a case, and how far noise of that size moves each of it."""

    values: list[torch.Tensor]
    spreads: list[float]


def expected(case: Case, size: float = ROUNDING) -> Expected:
    """The results of a case by the reference in float64; a case that float32 cannot tell anything of is left out."""
    inputs, upstream, parameters = (sample(case)[index] for index in range(3))
    wide = [tensor.double() for tensor in (*inputs, *parameters)]

    def run(function, tensors):
        given = tensors[: len(inputs)], upstream.double(), tensors[len(inputs) :]
        return outputs(function, *given, case.channel_dim, second=case.second)

    exact = run(Eager(case.activation), wide)
    assume(all(bool(value.isfinite().all()) and largest(value) < 1e12 for value in exact))
    spreads = [0.0] * len(exact)
    for seed in range(DRAWS):
        generator = torch.Generator().manual_seed(seed)
        moved = [t * (1 + size * torch.randn(t.shape, generator=generator, dtype=t.dtype)) for t in wide]
        disturbed = run(noisy(case.activation, seed, size), moved)
        spreads = [max(s, largest(d - e)) for s, d, e in zip(spreads, disturbed, exact, strict=True)]
    assume(all(spread <= UNSTABLE * largest(value) for spread, value in zip(spreads, exact, strict=True)))
    return Expected(exact, spreads)


def excesses(function, case: Case, wanted: Expected) -> list[float]:
    """How far each of a function's results in float32 is from float64, over what is allowed."""
    inputs, upstream, parameters = sample(case)
    found = outputs(function, inputs, upstream, parameters, case.channel_dim, second=case.second)
    result = []
    for a, b, spread in itertools.zip_longest(found, wanted.values, wanted.spreads):
        assert a.shape == b.shape
        # What is subnormal in float32 may be 0, and a sum of such things with the upstream gradient is hardly more.
        allowed = TOLERANCES[torch.float32] * b.abs() + ALLOWED * spread + 1e-35
        excess = (a.double() - b).abs() / allowed
        result.append(largest(excess.nan_to_num(torch.inf)))
    return result


def largest(tensor: torch.Tensor) -> float:
    """The largest size of an entry, 0 where there is none."""
    return float(tensor.abs().max()) if tensor.numel() else 0.0
