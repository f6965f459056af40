"""Statistics, draws and splines as calls of functions that go along with the printed source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping

from actsearch.compile.backend import sibling
from actsearch.compile.printing import ATOM, FACTOR, Rule, Text
from actsearch.compile.program import Operand, lower, temporary
from actsearch.grammar.expression import Apply, Expression, Input, Parameter, distinct, fold, substitute
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import Statistic, statistic_of, statistics

FUNCTIONS = sibling(__file__, "functions")
EXPANDED, FILLED = "expanded", "filled"
"""A value that many elements share, with the shape of x: as a view, and in memory of its own."""
_DRAWN = "drawn "
"""Stands before the name of an operator that is drawn in training, which no rule is to take for its expectation."""
SPLINES: Mapping[str, str] = {
    "bspline0": "1 on [-1/2, 1/2), else 0.",
    "bspline1": "The linear B-spline on the knots -1, 0, 1.",
    "bspline2": "The quadratic B-spline on the knots -3/2, -1/2, 1/2, 3/2.",
    "bspline3": "The cubic B-spline on the knots -2, -1, 0, 1, 2.",
}
PIECEWISE: Mapping[str, str] = {"pwlinear": "_bspline1", "pwquadratic": "_bspline2", "pwpoly": "_bspline3"}
_KEPT = frozenset({*SPLINES, *(name for name, operator in OPERATORS.items() if operator.torch is not None)})
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
        **(
            {name: _sum_of_splines(spline, tensor) for name, spline in PIECEWISE.items()}
            if _has_arrays(expression)
            else {}
        ),
        EXPANDED: lambda u: Text(tensor(u) if u.is_number else f"{u.within(ATOM)}.expand_as(x)"),
        FILLED: lambda u: Text(tensor(u) if u.is_number else f"{u.within(FACTOR)} * torch.ones_like(x)", FACTOR),
        **{name: _draw(name.removeprefix(_DRAWN), tensor) for name in found if name.startswith(_DRAWN)},
        **reduced,
    }


def functions(source: str, written: Callable[[str], str]) -> list[str]:
    """The texts of the functions that `source` calls and those that these call, in order of appearance.

    `written` writes that of an operator by its name.
    """
    texts: dict[str, str] = {}
    waiting = _CALLED.findall(source)
    while waiting:
        name = waiting.pop(0)
        if name in texts:
            continue
        if name.removeprefix("_") in OPERATORS:
            texts[name] = written(name.removeprefix("_"))
        elif hasattr(FUNCTIONS, name):
            texts[name] = inspect.getsource(getattr(FUNCTIONS, name))
        else:
            continue
        waiting += _CALLED.findall(texts[name])
    return [text.rstrip() for text in texts.values()]


def _with_draws(expression: Expression) -> Expression:
    def apply(operator: str, arguments: list[Expression]) -> Expression:
        is_drawn = operator in OPERATORS and OPERATORS[operator].drawn is not None
        return Apply(f"{_DRAWN}{operator}" if is_drawn else operator, tuple(arguments))

    return fold(expression, lambda leaf: leaf, apply)  # type: ignore[no-any-return]


def _reads_elements(expression: Expression) -> bool:
    """Whether what is computed has the shape of x, once everything that makes no difference is left out."""
    program = lower({"": expression}, kept=_KEPT)
    full: dict[Operand, bool] = {}

    def is_full(operand: Operand) -> bool:
        return isinstance(operand, Input) or full.get(operand, False)

    for index, instruction in enumerate(program.instructions):
        is_reduced = statistic_of(instruction.operator) is not None
        full[temporary(index)] = not is_reduced and any(map(is_full, instruction.operands))
        full[temporary(index)] |= instruction.operator == EXPANDED
    ((_, result),) = program.outputs
    return is_full(result)


def _has_arrays(expression: Expression) -> bool:
    return any(isinstance(node, Parameter) and node.index is not None for node in distinct([expression]))


def _call(name: str, tensor: Callable[[Text], str]) -> Rule:
    return lambda *operands: Text(f"{name}({', '.join(map(tensor, operands))})")


def _draw(name: str, tensor: Callable[[Text], str]) -> Rule:
    return lambda *operands: Text(f"_{name}({', '.join(['x', *map(tensor, operands), 'training'])})")


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


def _sum_of_splines(spline: str, tensor: Callable[[Text], str]) -> Rule:
    def write(u: Text, *coefficients: Text) -> Text:
        return Text(f"_piecewise({tensor(u)}, {_listed([text.source for text in coefficients])}, {spline})")

    return write


def _listed(sources: list[str]) -> str:
    """A list of values; the first entries of an array as they are."""
    name, _, _ = sources[0].partition("[")
    if sources == [f"{name}[{index}]" for index in range(len(sources))]:
        return f"{name}[:{len(sources)}]"
    return f"[{', '.join(sources)}]"
