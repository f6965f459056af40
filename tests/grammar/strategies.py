"""Random expressions over the whole operator table, and how far rounding may move their values."""

from __future__ import annotations

import functools

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from actsearch.compile.eager import Evaluator, compile_eager, evaluate
from actsearch.compile.statistics.reductions import Reductions
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, X
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import AXES, Statistic

CONSTANTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, -0.25, 0.1, 7.25, 1e-7, 1 / 3, -1234.5, 3.141592653589793)
EXPONENTS = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)
NAMES = sorted(name for name, operator in OPERATORS.items() if name != "power" and not operator.orders)
# Continuous and not steep, so that values of two forms differ by rounding only.
TAME = ("sin", "cos", "tanh", "sigmoid", "relu", "abs", "softplus", "add", "subtract", "multiply", "maximum", "detach")
# No two of these are equal, and no small sums of them are: functions may differ at isolated points.
POINTS = torch.linspace(-4.93, 5.21, 61, dtype=torch.float64)
PARAMETERS = {"a": 0.7310585, "b": -1.3132617, "c": 2.1269280}
NOISE = 1e-13


def quick(examples: int) -> settings:
    """The same examples in every run, few enough to be quick."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def _applied(arguments: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    powers = st.builds(lambda base, n: base**n, arguments, st.sampled_from(EXPONENTS))
    calls = st.sampled_from(NAMES).flatmap(
        lambda name: st.lists(
            arguments,
            min_size=OPERATORS[name].arity or 2,
            max_size=OPERATORS[name].arity or 4,
        ).map(lambda found: Apply(name, tuple(found)))
    )
    sums = st.sampled_from(("add", "subtract", "multiply", "divide", "negative")).flatmap(
        lambda name: st.lists(arguments, min_size=OPERATORS[name].arity or 2, max_size=OPERATORS[name].arity or 3).map(
            lambda found: Apply(name, tuple(found))
        )
    )
    return calls | sums | powers


def expressions(parameters: tuple[str, ...] = tuple(PARAMETERS), max_leaves: int = 8) -> st.SearchStrategy[Expression]:
    """Expressions of x and the parameters, in any form."""
    leaves = [st.just(X), st.just(X), st.sampled_from(CONSTANTS).map(Constant)]
    if parameters:
        leaves.append(st.sampled_from(parameters).map(Parameter))
    return st.recursive(st.one_of(leaves), _applied, max_leaves=max_leaves)


def expressions_with_statistics() -> st.SearchStrategy[Expression]:
    """Expressions of tame operators, x, the parameters, and statistics up to two deep, in any form."""

    def applied(arguments: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        return st.sampled_from(TAME).flatmap(
            lambda name: st.lists(
                arguments, min_size=OPERATORS[name].arity or 2, max_size=OPERATORS[name].arity or 3
            ).map(lambda found: Apply(name, tuple(found)))
        )

    constants = st.sampled_from((0.0, 1.0, -1.0, 2.0, -0.5, 3.0)).map(Constant)
    plain = st.one_of(st.just(X), st.just(X), st.sampled_from(sorted(PARAMETERS)).map(Parameter), constants)
    inner = _reduced(st.recursive(plain, applied, max_leaves=3))
    outer = _reduced(st.recursive(st.one_of(plain, inner), applied, max_leaves=3))
    return st.recursive(st.one_of(plain, inner, outer), applied, max_leaves=4)


def _reduced(arguments: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    kinds = st.sampled_from(("mean", "std", "rms", "var", "sum", "max", "min"))
    plain = st.builds(
        lambda kind, axis, u: Statistic(kind=kind, axis=axis, groups=2 * (axis == "group"))(u),
        kinds, st.sampled_from(AXES), arguments,
    )  # fmt: skip
    levels = st.sampled_from((0.0, 0.3, 0.9, 1.0)).map(Constant)
    quantiles = st.builds(Statistic(kind="quantile", axis="last"), arguments, levels)
    return st.one_of(plain, plain, quantiles)


def assert_same_reduced_values(changed: Expression, original: Expression) -> None:
    """Equal up to rounding over a tensor of samples, channels and places, in training."""
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    given = {"x": x, **_settings()}
    found, expected = (evaluate(tree, given, Reductions(x.shape)) for tree in (changed, original))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


def values(expression: Expression) -> torch.Tensor:
    """Values at the points, parameters at theirs."""
    found = evaluate(expression, {"x": POINTS, **_settings()})
    return found.expand_as(POINTS)


def noisy_values(expression: Expression, seed: int) -> torch.Tensor:
    """Values when each operation is wrong by about 1e-13 of its result, a thousand roundings."""
    generator = torch.Generator().manual_seed(seed)
    given = {"x": POINTS, **_settings()}

    def visit(node: Expression) -> torch.Tensor | Constant:
        if not isinstance(node, Apply):
            return node if isinstance(node, Constant) else given[node.name]
        arguments = [visit(argument) for argument in node.arguments]
        stand_ins = [a if isinstance(a, Constant) else Parameter(f"v{i}") for i, a in enumerate(arguments)]
        known = {f"v{i}": a for i, a in enumerate(arguments) if not isinstance(a, Constant)}
        exact = _evaluator(Apply(node.operator, tuple(stand_ins)))({"x": POINTS, **known}).expand_as(POINTS)
        return exact * (1 + NOISE * torch.randn(POINTS.shape, generator=generator, dtype=POINTS.dtype))

    result = visit(expression)
    return torch.full_like(POINTS, result.value) if isinstance(result, Constant) else result.expand_as(POINTS)


def assert_same_values(changed: Expression, original: Expression) -> None:
    """Equal where the original is finite, up to what rounding can do to it or to the other: cancellation, jumps."""
    expected, found = values(original), values(changed)
    noisy = torch.stack([noisy_values(original, seed) for seed in range(4)])
    moved = torch.stack([noisy_values(changed, seed) for seed in range(4)])
    stable = expected.isfinite() & noisy.isfinite().all(dim=0) & (moved.isfinite().all(dim=0) | ~found.isfinite())
    spread = (noisy - expected).abs().amax(dim=0) + (moved - found).abs().amax(dim=0).nan_to_num(0, 0, 0)
    tolerance = 10 * spread + 1e-11 * expected.abs() + 1e-290
    wrong = stable & ~((found - expected).abs() <= tolerance)
    assert not wrong.any(), (
        f"at {POINTS[wrong][:3].tolist()}: {expected[wrong][:3].tolist()} became {found[wrong][:3].tolist()}"
    )


@functools.cache
def _evaluator(expression: Expression) -> Evaluator:
    return compile_eager(expression)


def _settings() -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in PARAMETERS.items()}
