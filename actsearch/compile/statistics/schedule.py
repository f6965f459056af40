"""A sweep with statistics as passes over the elements: each computes what the next ones need to know."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from actsearch.compile.statistics import cells
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.canonical import split_coefficient
from actsearch.grammar.expression import Apply, Expression, Input, Parameter, call, distinct, substitute
from actsearch.grammar.statistic import Statistic, statistic_of
from actsearch.grammar.text import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """A statistic that a pass computes, and the parameter that later passes know its value by.

    A mean is a sum over the number of elements, a variance the mean square around a mean from the pass before, or from
    the same one where it `is_merged`: a pass sums squared deviations then. A quantile is taken of the pass's output of
    that name. Where it is asked which elements have the maximum, the pass writes them as the output `written`: computed
    again by another kernel they might be rounded otherwise.
    """

    node: Apply
    name: str
    statistic: Statistic
    written: str | None = None
    is_merged: bool = False

    @property
    def granularity(self) -> str:
        """That of its values; see `cells`."""
        return cells.granularity_of(self.statistic)

    @property
    def operation(self) -> Literal["sum", "max", "quantile"]:
        """What is done with the terms."""
        kind = self.statistic.kind
        return kind if kind in ("max", "quantile") else "sum"

    @property
    def mean(self) -> Apply | None:
        """The mean that a variance is taken around."""
        return next(iter(_before(self.node)), None)

    @property
    def is_mean(self) -> bool:
        """Whether the sum is divided by the number of elements."""
        return self.statistic.kind in ("mean", "var")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A sweep without statistics whose sums, in order, are those of `reduced`, but for quantiles."""

    sweep: Sweep
    reduced: tuple[Reduced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The elements, what is known before the first pass, the passes, and the sweep that computes the results."""

    elements: tuple[str, ...]
    known: tuple[Reduced, ...]
    passes: tuple[Pass, ...]
    last: Sweep

    @property
    def reduced(self) -> tuple[Reduced, ...]:
        """All statistics that are computed."""
        return tuple(reduced for one in self.passes for reduced in one.reduced)

    @property
    def kept(self) -> tuple[Reduced, ...]:
        """Those of `reduced` that a derivative may read: none where a derivative was given the forward's.

        One that autograd is to differentiate is given none and keeps all that it computes.
        """
        return () if self.last.order and self.known else self.reduced

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """Those of the passes, and the last."""
        return (*(one.sweep for one in self.passes), self.last)

    @property
    def is_local(self) -> bool:
        """Whether there are passes, none of which needs another sample or an order of values."""
        kinds = ((one.statistic.axis, one.operation) for one in self.reduced)
        return bool(self.passes) and all(axis != "batch" and operation != "quantile" for axis, operation in kinds)


@functools.lru_cache(maxsize=512)
def schedule(sweep: Sweep, known: frozenset[Apply] = frozenset(), *, merging: bool = False) -> Schedule:
    """The passes of a sweep, each as early as it can be; `known` has statistics whose values are given.

    With `merging` a pass computes a variance beside its mean, which takes one that can merge squared deviations; else
    a pass later. Names of statistics are the same.
    """
    levels: dict[Apply, int] = {}
    ties = _ties(sweep)
    known -= ties.keys()
    merged: set[Apply] = set()
    for node in statistics_of(sweep.results.values(), known):
        if merging and node not in known and not known.issuperset(_before(node)):
            merged.add(node)
        inside = statistics_of((*node.arguments, *(() if node in merged else _before(node))), known)
        levels[node] = 0 if node in known else 1 + max((levels[other] for other in inside), default=0)
    found = {
        node: _reduced(node, index, is_tied=node in ties, is_merged=node in merged) for index, node in enumerate(levels)
    }
    names: dict[Expression, Expression] = {node: Parameter(reduced.name) for node, reduced in found.items()}
    for node, tie in ties.items():
        names[tie] = call.equal(Input(found[node].written or ""), names[node])
    written = tuple(reduced.written for reduced in found.values() if reduced.written is not None)
    elements = (*sweep.elements, *written)
    quantiles = (reduced.name for reduced in found.values() if reduced.operation == "quantile")
    fixed = sweep.fixed.union(written, quantiles)
    passes = []
    for level in range(1, max(levels.values(), default=0) + 1):
        own = tuple(found[node] for node, at in levels.items() if at == level)
        terms = {reduced.name: substitute(_term(reduced), names) for reduced in own}
        outputs = tuple((reduced.name, terms[reduced.name]) for reduced in own if reduced.operation == "quantile")
        outputs += tuple((reduced.written, terms[reduced.name]) for reduced in own if reduced.written is not None)
        sums = tuple((r.name, r.name, terms[r.name]) for r in own if r.operation != "quantile")
        maxima = frozenset(reduced.name for reduced in own if reduced.operation == "max")
        deviations = tuple((r.name, found[r.mean].name) for r in own if r.is_merged and r.mean is not None)
        one = replace(
            sweep, elements=elements, outputs=outputs, sums=sums, maxima=maxima, deviations=deviations, fixed=fixed,
            is_part=True, order=0, origin=None,
        )  # fmt: skip
        passes.append(Pass(sweep=_reading_what_it_needs(one, found.values()), reduced=own))
    last = replace(
        sweep,
        elements=elements,
        fixed=fixed,
        outputs=tuple((name, substitute(value, names)) for name, value in sweep.outputs),
        sums=tuple((name, of, substitute(value, names)) for name, of, value in sweep.sums),
        is_part=True,
        origin=None,
    )
    given = tuple(found[node] for node, level in levels.items() if level == 0)
    return Schedule(
        elements=sweep.elements, known=given, passes=tuple(passes), last=_reading_what_it_needs(last, found.values())
    )


def plans(sweep: Sweep, *, merging: bool = False) -> dict[str, Schedule]:
    """The schedules of a forward and of its derivative, which knows what the forward has found."""
    forward = schedule(sweep, merging=merging)
    backward = schedule(vjp(sweep), frozenset(reduced.node for reduced in forward.reduced), merging=merging)
    return {"forward": forward, "backward": backward}


def parts(sweep: Sweep, *, merging: bool = False) -> dict[str, Sweep]:
    """The sweeps of a forward and its derivative that have no statistics, by a name that says where each belongs."""
    found = {}
    for name, plan in plans(sweep, merging=merging).items():
        for index, one in enumerate(plan.passes):
            found[f"{name}, pass {index + 1}: {', '.join(write(reduced.node) for reduced in one.reduced)}"] = one.sweep
        found[f"{name}, results"] = plan.last
    return found


def statistics_of(expressions: Iterable[Expression], known: Collection[Apply] = ()) -> list[Apply]:
    """The statistics in expressions, each once, and the means that variances need, those inside others before them.

    What stands in a known one is left out.
    """
    found: dict[Apply, None] = {}
    seen: set[Expression] = set()

    def visit(node: Expression) -> None:
        if not isinstance(node, Apply) or node in seen:
            return
        seen.add(node)
        if node not in known:
            for argument in (*node.arguments, *_before(node)):
                visit(argument)
        if node in known or statistic_of(node.operator):
            found[node] = None

    for expression in expressions:
        visit(expression)
    return list(found)


def _before(node: Apply) -> tuple[Apply, ...]:
    """The mean that a variance is taken around."""
    statistic = statistic_of(node.operator)
    return (statistic.of_kind("mean")(node.arguments[0]),) if statistic and statistic.kind == "var" else ()


def _ties(sweep: Sweep) -> dict[Apply, Expression]:
    """The maxima of which it is asked which elements have them, and how that is asked.

    Left out are those of what needs no computing, which is the same in every kernel.
    """
    found: dict[Apply, Expression] = {}
    for node in distinct(sweep.results.values()):
        if isinstance(node, Apply) and node.operator == "equal":
            term, largest = node.arguments
            if not isinstance(largest, Apply) or not statistic_of(largest.operator) or largest.arguments[0] != term:
                continue
            rest = split_coefficient(term)[1] if abs(split_coefficient(term)[0]) == 1 else term
            if isinstance(rest, Apply):
                found[largest] = node
    return found


def _reduced(node: Apply, index: int, *, is_tied: bool, is_merged: bool) -> Reduced:
    statistic = statistic_of(node.operator)
    if statistic is None:
        raise TypeError(f"{node.operator} is no statistic")
    written = f"_u{index}" if is_tied else None
    return Reduced(node=node, name=f"_s{index}", statistic=statistic, written=written, is_merged=is_merged)


def _term(reduced: Reduced) -> Expression:
    """What is summed, or what the squared deviations are of."""
    u = reduced.node.arguments[0]
    return u if reduced.is_merged or reduced.mean is None else (u - reduced.mean) ** 2


def _reading_what_it_needs(sweep: Sweep, reduced: Iterable[Reduced]) -> Sweep:
    """A sweep that reads the values of those statistics that its results have, and of the rest what they have, too."""
    read = set(distinct(sweep.results.values()))
    owners = {of for _, of, _ in sweep.sums}
    values = [(one.name, one.granularity) for one in reduced]
    return replace(
        sweep,
        # The first element gives the shape.
        elements=tuple(e for i, e in enumerate(sweep.elements) if i == 0 or Input(e) in read),
        parameters=(
            *(given for given in sweep.parameters if Parameter(given[0]) in read or given[0] in owners),
            *(given for given in values if Parameter(given[0]) in read),
        ),
        totals=tuple(given for given in values if given[0] in owners),
    )
