"""Statistics, draws and splines as calls of functions that go along with the printed source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping

from actsearch.compile.backend import sibling
from actsearch.compile.printing import ATOM, FACTOR, Rule, Text
from actsearch.grammar.expression import Apply, Expression, Input, Parameter, distinct, fold, substitute
from actsearch.grammar.statistic import Statistic, statistic_of, statistics

FUNCTIONS = sibling(__file__, "functions")
EXPANDED, FILLED = "expanded", "filled"
"""A value that many elements share, with the shape of x: as a view, and in memory of its own."""
DRAWN = "drawn"
"""`stochastic`, which no rule is to take for its expectation."""
SPLINES: Mapping[str, str] = {
    "bspline0": "1 on [-1/2, 1/2), else 0.",
    "bspline1": "The linear B-spline on the knots -1, 0, 1.",
    "bspline2": "The quadratic B-spline on the knots -3/2, -1/2, 1/2, 3/2.",
    "bspline3": "The cubic B-spline on the knots -2, -1, 0, 1, 2.",
}
PIECEWISE: Mapping[str, str] = {"pwlinear": "_bspline1", "pwquadratic": "_bspline2", "pwpoly": "_bspline3"}
_REDUCTIONS = {"mean": "torch.mean", "sum": "torch.sum", "max": "torch.amax", "var": "_variance"}
# No parameter's name begins so.
_CALLED = re.compile(r"(?<![\w.])_[a-z]\w*")


def as_calls(expression: Expression, running: Mapping[Apply, Parameter]) -> Expression:
    """`expression` with draws, and statistics of what has the shape of x, as operators that `rules` knows.

    Statistics are those of the normal form; one over the batch takes its estimate in `running`, too.
    """
    known: dict[Expression, Expression] = {}
    for node in statistics(expression):
        argument, *level = node.arguments
        inside = _with_draws(substitute(argument, known))
        inside = inside if _reads_elements(inside) else Apply(EXPANDED, (inside,))
        estimate = [running[node]] if node in running else []
        known[node] = Apply(node.operator, (inside, *level, *estimate))
    return _with_draws(substitute(expression, known))


def filled(expression: Expression) -> Expression:
    """`expression` in the shape of x, in memory of its own."""
    return expression if _reads_elements(expression) else Apply(FILLED, (expression,))


def rules(expression: Expression, tensor: Callable[[Text], str]) -> dict[str, Rule]:
    """How the statistics in `expression`, draws and splines are written; `tensor` writes what must be no number."""
    found = {node.operator for node in distinct([expression]) if isinstance(node, Apply)}
    reduced = {name: _reduction(statistic) for name in found if (statistic := statistic_of(name))}
    return {
        **{name: _call(f"_{name}", tensor) for name in SPLINES},
        **({name: _sum_of_splines(spline) for name, spline in PIECEWISE.items()} if _has_arrays(expression) else {}),
        EXPANDED: lambda u: Text(tensor(u) if u.is_number else f"{u.within(ATOM)}.expand_as(x)"),
        FILLED: lambda u: Text(tensor(u) if u.is_number else f"{u.within(FACTOR)} * torch.ones_like(x)", FACTOR),
        DRAWN: lambda p, f, g: Text(f"_drawn(x, {tensor(p)}, {tensor(f)}, {tensor(g)}, training)"),
        **reduced,
    }


def functions(source: str, spline: Callable[[str], str]) -> list[str]:
    """The texts of the functions that `source` calls and those that these call, in order of appearance.

    `spline` writes the function of a B-spline by the name of the operator.
    """
    texts: dict[str, str] = {}
    waiting = _CALLED.findall(source)
    while waiting:
        name = waiting.pop(0)
        if name in texts:
            continue
        if name.removeprefix("_") in SPLINES:
            texts[name] = spline(name.removeprefix("_"))
        elif hasattr(FUNCTIONS, name):
            texts[name] = inspect.getsource(getattr(FUNCTIONS, name))
        else:
            continue
        waiting += _CALLED.findall(texts[name])
    return [text.rstrip() for text in texts.values()]


def _with_draws(expression: Expression) -> Expression:
    def apply(operator: str, arguments: list[Expression]) -> Expression:
        return Apply(DRAWN if operator == "stochastic" else operator, tuple(arguments))

    return fold(expression, lambda leaf: leaf, apply)  # type: ignore[no-any-return]


def _reads_elements(expression: Expression) -> bool:
    def apply(operator: str, arguments: list[bool]) -> bool:
        return operator == EXPANDED or (statistic_of(operator) is None and any(arguments))

    return bool(fold(expression, lambda leaf: isinstance(leaf, Input), apply))


def _has_arrays(expression: Expression) -> bool:
    return any(isinstance(node, Parameter) and node.index is not None for node in distinct([expression]))


def _call(name: str, tensor: Callable[[Text], str]) -> Rule:
    return lambda *operands: Text(f"{name}({', '.join(map(tensor, operands))})")


def _reduction(statistic: Statistic) -> Rule:
    if statistic.kind == "quantile":
        return lambda u, level: Text(f"_quantile({u.source}, {level.source})")
    if statistic.axis == "last":
        if statistic.kind == "var":
            return lambda u: Text(f"torch.var({u.source}, -1, correction=0, keepdim=True)")
        return lambda u: Text(f"{_REDUCTIONS[statistic.kind]}({u.source}, -1, keepdim=True)")
    last = {
        "batch": ("channel_dim", "training"),
        "instance": ("channel_dim",),
        "group": (str(statistic.groups), "channel_dim"),
        "layer": (),
    }[statistic.axis]

    def write(u: Text, *running: Text) -> Text:
        arguments = (u.source, _REDUCTIONS[statistic.kind], *(text.source for text in running), *last)
        return Text(f"_over_{statistic.axis}({', '.join(arguments)})")

    return write


def _sum_of_splines(spline: str) -> Rule:
    def write(u: Text, *coefficients: Text) -> Text:
        return Text(f"_piecewise({u.source}, {_listed([text.source for text in coefficients])}, {spline})")

    return write


def _listed(sources: list[str]) -> str:
    """A list of values; the first entries of an array as they are."""
    name, _, _ = sources[0].partition("[")
    if sources == [f"{name}[{index}]" for index in range(len(sources))]:
        return f"{name}[:{len(sources)}]"
    return f"[{', '.join(sources)}]"
