"""Whether a function is even or odd."""

from __future__ import annotations

from typing import Literal

import numpy as np

from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.properties.enclosed import Enclosed
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Expression, X, substitute

Parity = Literal["even", "odd", "none"]


def parity(enclosed: Enclosed) -> tuple[Parity, bool]:
    """The parity, and whether it is proven: by the normal form of f(-x), or by a point where f(-x) is another value.

    Of the function 0 it says even.
    """
    expression = enclosed.function.activation.expression
    known = _by_form(expression)
    if known is not None:
        return known, True
    found = _sampled(enclosed.function)
    return found, found == "none" and _is_refuted(enclosed)


def _by_form(expression: Expression) -> Parity | None:
    normal = canonical(expression)
    mirrored = canonical(substitute(normal, {X: -X}))
    if mirrored == normal:
        return "even"
    return "odd" if mirrored == canonical(-normal) else None


def _sampled(function: Pointwise) -> Parity:
    x = np.arange(8001) / 400
    values, mirrored = function.values(x), function.values(-x)
    size = max(float(np.abs(np.nan_to_num(values, posinf=0.0, neginf=0.0)).max()), 1e-300)
    with np.errstate(all="ignore"):
        if np.abs(values - mirrored).max() <= 1e-9 * size:
            return "even"
        return "odd" if np.abs(values + mirrored).max() <= 1e-9 * size else "none"


def _is_refuted(enclosed: Enclosed) -> bool:
    """Whether enclosures at some points and their mirror images show that the function is neither."""
    x = np.array([0.25, 0.5, 1.0, 1.75, 2.5, 4.0, 7.0])
    if not enclosed.is_known:
        return False
    values, mirrored = enclosed.over(0, x, x), enclosed.over(0, -x, -x)
    with np.errstate(all="ignore"):
        may_be_even, may_be_odd = (values - mirrored).contains(0.0), (values + mirrored).contains(0.0)
    return not may_be_even.all() and not may_be_odd.all()
