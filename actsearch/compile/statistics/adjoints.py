"""What the derivative by a statistic hands on to what the statistic is taken of.

An adjoint stands at every element that uses the statistic's one value, so it is summed over the elements that share
that value: again a statistic over the same axis. A backward therefore has the same form as a forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actsearch.grammar.expression import Apply, Expression, call
from actsearch.grammar.statistic import Kind, Statistic, statistic_of


def statistic_adjoint(node: Apply, adjoint: Expression) -> Expression | None:
    """The adjoint of the first argument of the statistic `node`, whose own is `adjoint`; None where it is 0.

    `node` is a statistic that the others are said by (`mean`, `var`, `sum`, `max`, `quantile`).
    """
    statistic = statistic_of(node.operator)
    rule = _RULES.get(statistic.kind) if statistic else None
    if statistic is None or rule is None:
        raise TypeError(f"{node.operator} has no derivative of its own: it is said by other statistics")
    return rule(statistic, node, adjoint)


def _mean(statistic: Statistic, _node: Apply, adjoint: Expression) -> Expression:
    return statistic.of_kind("mean")(adjoint)


def _sum(statistic: Statistic, _node: Apply, adjoint: Expression) -> Expression:
    return statistic.of_kind("sum")(adjoint)


def _variance(statistic: Statistic, node: Apply, adjoint: Expression) -> Expression:
    (u,) = node.arguments
    mean = statistic.of_kind("mean")
    return 2 * mean(adjoint) * (u - mean(u))


def _largest(statistic: Statistic, node: Apply, adjoint: Expression) -> Expression:
    # All elements that tie share it, as in torch's amax.
    ties = call.equal(node.arguments[0], node)
    total = statistic.of_kind("sum")
    return ties * (total(adjoint) / total(ties))


_RULES: Mapping[Kind, Callable[[Statistic, Apply, Expression], Expression | None]] = {
    "mean": _mean,
    "var": _variance,
    "sum": _sum,
    "max": _largest,
    # A threshold: whoever wants a gradient through a quantile says it by `detach`.
    "quantile": lambda _statistic, _node, _adjoint: None,
}
