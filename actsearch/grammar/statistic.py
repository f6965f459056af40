"""A statistic: the reduction of an expression over named axes, such as `mean[group:32](x)`.

In the tree it is an applied operator whose name carries the axis, so whatever walks or folds trees needs to know
nothing of it. The normal form has `mean`, `var` (biased), `sum`, `max` and `quantile`; the others are said by these.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from actsearch.errors import ParseError, unknown_name
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, call, fold, substitute
from actsearch.grammar.operators import OPERATORS

Kind = Literal["mean", "std", "rms", "var", "sum", "max", "min", "quantile"]
Axis = Literal["batch", "instance", "layer", "group", "last"]
KINDS: tuple[Kind, ...] = get_args(Kind)
AXES: tuple[Axis, ...] = get_args(Axis)
MOST_GROUPS = 1024
DEEPEST_NESTING = 2
EPSILON = 1e-5
"""What stands inside the root of `std` and `rms`."""
_NAME = re.compile(r"(\w+)\[(\w+)(?::([1-9][0-9]{0,3}))?\]")
_LITERALS: Mapping[str, frozenset[int]] = {"power": frozenset({1}), "quantile": frozenset({1})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """What is reduced how, and over what; `groups` is the number of groups of channels, 0 for every other axis.

    Raises `ParseError` for a number of groups that cannot be, and for a `quantile` over anything but `last`.
    """

    kind: Kind
    axis: Axis
    groups: int = 0

    def __post_init__(self) -> None:
        if self.axis == "group" and not 1 <= self.groups <= MOST_GROUPS:
            raise ParseError(f"the number of groups of {self.kind} is an integer from 1 to {MOST_GROUPS}.")
        if self.axis != "group" and self.groups:
            raise ParseError(f"the axis {self.axis} takes no number, only group does, as in {self.kind}[group:32](x).")
        if self.kind == "quantile" and self.axis != "last":
            raise ParseError(f"a quantile is taken over last only, as in quantile[last](x, 0.9), not over {self.axis}.")

    @property
    def name(self) -> str:
        """The operator's name, which `statistic_of` reads back: `rms[group:32]`."""
        return f"{self.kind}[{self.axis}:{self.groups}]" if self.groups else f"{self.kind}[{self.axis}]"

    @property
    def arity(self) -> int:
        """Number of arguments: a quantile takes its level too."""
        return 2 if self.kind == "quantile" else 1

    def __call__(self, *arguments: Expression) -> Apply:
        """The statistic of an expression."""
        return Apply(self.name, arguments)

    def of_kind(self, kind: Kind) -> Statistic:
        """Another statistic over the same axis."""
        return Statistic(kind=kind, axis=self.axis, groups=self.groups)


@functools.cache
def statistic_of(operator: str) -> Statistic | None:
    """The statistic whose `name` is `operator`; None for an operator that works point by point."""
    match = _NAME.fullmatch(operator)
    if not match or match[1] not in KINDS or match[2] not in AXES:
        return None
    try:
        return Statistic(kind=cast("Kind", match[1]), axis=cast("Axis", match[2]), groups=int(match[3] or 0))
    except ParseError:
        return None


def named(kind: str, axis: str, groups: int | None = None) -> Statistic:
    """The statistic called by its parts; raises `ParseError` that names what is unknown, missing or too much."""
    if kind not in KINDS:
        raise ParseError(str(unknown_name("statistic", kind, KINDS)))
    if axis not in AXES:
        raise ParseError(str(unknown_name(f"axis of {kind}", axis, AXES)))
    if axis == "group" and groups is None:
        raise ParseError(f"group takes the number of groups, as in {kind}[group:32](x).")
    return Statistic(kind=kind, axis=axis, groups=groups or 0)


def statistics(expression: Expression) -> tuple[Apply, ...]:
    """The statistics in `expression`, those inside others before them, each once."""
    found: list[Apply] = []
    seen: set[Expression] = set()

    def visit(node: Expression) -> None:
        if isinstance(node, Apply) and node not in seen:
            seen.add(node)
            for argument in node.arguments:
                visit(argument)
            if statistic_of(node.operator):
                found.append(node)

    visit(expression)
    return tuple(found)


def between_statistics(
    expression: Expression, rewrite: Callable[[Expression], Expression]
) -> tuple[Expression, Mapping[Apply, Apply]]:
    """`expression` with what stands between its statistics rewritten, piece by piece; what each statistic became.

    A statistic's value is to `rewrite` a parameter, so that no rule reaches through it.
    """
    names: dict[Expression, Expression] = {}
    values: dict[Expression, Expression] = {}
    became: dict[Apply, Apply] = {}
    for index, node in enumerate(statistics(expression)):
        argument, *level = node.arguments
        inside = substitute(rewrite(substitute(argument, names)), values)
        names[node] = Parameter(f"_statistic{index}")
        values[names[node]] = became[node] = Apply(node.operator, (inside, *level))
    return substitute(rewrite(substitute(expression, names)), values), became


def said_by_others(statistic: Statistic, argument: Expression) -> Expression | None:
    """`std`, `rms` and `min` by the statistics of the normal form; None for one of these."""
    if statistic.kind == "std":
        return call.sqrt(statistic.of_kind("var")(argument) + EPSILON)
    if statistic.kind == "rms":
        return call.sqrt(statistic.of_kind("mean")(argument**2) + EPSILON)
    return -statistic.of_kind("max")(-argument) if statistic.kind == "min" else None


def with_primitives(expression: Expression) -> Expression:
    """`expression` without `std`, `rms` and `min`, otherwise as it stands."""

    def apply(operator: str, arguments: list[Expression]) -> Expression:
        statistic = statistic_of(operator)
        said = said_by_others(statistic, arguments[0]) if statistic else None
        return said or Apply(operator, tuple(arguments))

    return fold(expression, lambda leaf: leaf, apply)  # type: ignore[no-any-return]


def check_nesting(expression: Expression) -> None:
    """Raise `ParseError` if statistics stand more than two deep in each other."""

    def apply(operator: str, depths: list[int]) -> int:
        return max(depths) + (statistic_of(operator) is not None)

    if len(statistics(expression)) > DEEPEST_NESTING and fold(expression, lambda _: 0, apply) > DEEPEST_NESTING:
        raise ParseError(f"statistics stand at most {DEEPEST_NESTING} deep in each other: simplify the expression.")


def literal_arguments(operator: str) -> frozenset[int]:
    """Positions of the arguments that are literal numbers and must stay so: an exponent, an order, a quantile's level.

    Whoever replaces constants by run-time arguments leaves these where they are.
    """
    statistic = statistic_of(operator)
    known = _LITERALS.get(statistic.kind if statistic else operator)
    return known if known is not None else frozenset(OPERATORS[operator].orders if operator in OPERATORS else ())


def level_of(quantile: Apply) -> float:
    """The level of an applied quantile."""
    level = quantile.arguments[1]
    if not isinstance(level, Constant):
        raise TypeError("the level of a quantile is a literal number")
    return level.value
