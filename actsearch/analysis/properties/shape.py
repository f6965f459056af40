"""The facts of a function's shape: range, zeros, ends, pieces, slopes, smoothness, parity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from actsearch.analysis.asymptotics import End, end_of
from actsearch.analysis.properties.bounds import ENORMOUS, Bounds, bounds
from actsearch.analysis.properties.enclosed import EDGE, Enclosed
from actsearch.analysis.properties.fact import Fact, Where, interval_text, shown
from actsearch.analysis.properties.parity import parity
from actsearch.analysis.properties.signs import Piece, pieces
from actsearch.analysis.properties.smoothness import Smoothness, smoothness
from actsearch.analysis.properties.zeros import zeros

_Ends = Mapping[int, tuple[End | None, bool]]
"""By the side, the behaviour there and whether it is proven."""
_SAME = 1e-9
_CORE: Where = "[-20, 20]"
_MOST_SHOWN = 6
_MONOTONE: Mapping[int, str] = {1: "rising", -1: "falling", 0: "constant"}
_CURVED: Mapping[int, str] = {1: "convex", -1: "concave", 0: "affine"}


def shape_facts(enclosed: Enclosed) -> dict[str, Fact]:
    """All of them by name, in the order in which they are read.

    What cannot be proven everywhere is said of [-20, 20], and proven there if possible.
    """
    ends = {-1: end_of_function(enclosed, -1), 1: end_of_function(enclosed, 1)}
    smooth = smoothness(enclosed)
    kind, kind_proven = parity(enclosed)
    return {
        "defined": _defined(enclosed),
        "range": _range(enclosed, ends, smooth),
        "zeros": _zeros(enclosed),
        "limits": _limits(ends),
        "asymptotes": _asymptotes(ends),
        "parity": Fact(value=kind, text="neither even nor odd" if kind == "none" else kind, proven=kind_proven),
        "monotone": _pieces(enclosed, 1, _MONOTONE),
        "convex": _pieces(enclosed, 2, _CURVED),
        "smoothness": _smoothness(smooth),
        **_slopes(enclosed, smooth),
    }


def end_of_function(enclosed: Enclosed, side: Literal[-1, 1]) -> tuple[End | None, bool]:
    """The behaviour at one end, and whether it is proven; sampled where no rule says it."""
    function = enclosed.function
    proven = end_of(function.activation.expression, function.parameters, side=side)
    if proven is not None:
        return proven, True
    x = side * np.array([1e3, 1e4, 1e6, 1e8])
    values = function.values(x)
    if not np.isfinite(values).all() or abs(values[-1] - values[-2]) > 1e-3 * abs(values[0] - values[1]) + 1e-9:
        return None, False
    limit = float(values[-1])
    return End(limit=limit, slope=0.0, offset=limit), False


def _defined(enclosed: Enclosed) -> Fact:
    if enclosed.is_defined:
        return Fact(value=True, text="everywhere", proven=True)
    x = np.linspace(-EDGE, EDGE, 16001)
    finite = np.isfinite(enclosed.function.values(x))
    if finite.all():
        return Fact(value=True, text="everywhere", proven=False, on=_CORE)
    share = f"{100 * (1 - finite.mean()):.3g}" if finite.mean() < 0.9999 else "under 0.01"
    return Fact(value=False, text=f"not everywhere: no value on {share} percent of [-20, 20]", proven=False, on=_CORE)


def _anywhere(enclosed: Enclosed, order: int) -> tuple[Bounds, Where]:
    """Bounds for the whole line where they are proven there, else those for [-20, 20]."""
    core, whole = bounds(enclosed, order, core=True), bounds(enclosed, order)
    if not whole.proven:
        return core, _CORE
    return replace(
        whole, lower=-_unless_enormous(-whole.lower, -core.lower), upper=_unless_enormous(whole.upper, core.upper)
    ), "everywhere"


def _unless_enormous(bound: float, near: float) -> float:
    """An upper bound; infinite for what grows to the end of float64, `near` being its bound on [-20, 20]."""
    return math.inf if bound > ENORMOUS and bound > ENORMOUS * abs(near) else bound


def _range(enclosed: Enclosed, ends: _Ends, smooth: Smoothness) -> Fact:
    found, where = _anywhere(enclosed, 0)
    lower, upper = found.lower, found.upper
    limits = [end.limit for end, proven in ends.values() if end is not None and proven]
    if where == "everywhere":
        # What grows slowly is bounded as far as float64 reaches, and unbounded in truth.
        lower, upper = -math.inf if -math.inf in limits else lower, math.inf if math.inf in limits else upper
    texts: list[str] = []
    is_open: list[bool] = []
    for name, bound, place in (("least", lower, found.lower_at), ("greatest", upper, found.upper_at)):
        is_limit = any(abs(bound - limit) <= _SAME for limit in limits)
        is_open.append(is_limit and smooth.analytic_beyond and _is_only_approached(enclosed, ends, bound))
        if math.isfinite(bound) and abs(place) < EDGE and not is_limit:
            texts.append(f", {name} at x = {shown(_rounded(place))}")
    text = interval_text(lower, upper, open_below=is_open[0], open_above=is_open[1]) + "".join(texts)
    return Fact(value=[lower, upper], text=text, proven=found.proven, on=where)


def _is_only_approached(enclosed: Enclosed, ends: _Ends, bound: float) -> bool:
    """Whether a function that is analytic beyond +-20 nowhere has the value `bound`, which is its limit at an end.

    Where it is monotone up to the end, having the value there it would keep it, and being analytic be constant from 20
    on, which its slope there refutes; where it turns it has other values.
    """
    found = pieces(enclosed, 1)
    if not enclosed.is_defined or not all(piece.proven for piece in found):
        return False
    turns = np.array([piece.end for piece in found[:-1]])
    values, slopes = enclosed.over(0, turns, turns), enclosed.over(1, *2 * (np.array([-EDGE, EDGE]),))
    elsewhere = (values.lower > bound + _SAME) | (values.upper < bound - _SAME)
    moving = ~slopes.contains(0.0)
    reaching = [end is not None and abs(end.limit - bound) <= _SAME for end, _ in (ends[-1], ends[1])]
    return bool(elsewhere.all()) and all(moves for moves, near in zip(moving, reaching, strict=True) if near)


def _rounded(x: float) -> float:
    """A place without the digits that the search does not find."""
    return round(x, 7)


def _slopes(enclosed: Enclosed, smooth: Smoothness) -> dict[str, Fact]:
    found, where = _anywhere(enclosed, 1)
    lower, upper = found.lower, found.upper
    constant = math.inf if smooth.order == -1 else max(abs(lower), abs(upper))
    text = "none" if math.isinf(constant) else shown(constant)
    return {
        "slope": Fact(value=[lower, upper], text=interval_text(lower, upper), proven=found.proven, on=where),
        "lipschitz": Fact(value=constant, text=text, proven=found.proven, on=where),
    }


def _zeros(enclosed: Enclosed) -> Fact:
    found = zeros(enclosed)
    values = [zero.start if zero.is_point else [zero.start, zero.end] for zero in found.found]
    texts = [shown(zero.start) if zero.is_point else interval_text(zero.start, zero.end) for zero in found.found]
    return Fact(value=values, text=_list(texts) or "none", proven=found.proven, on=_CORE)


def _limits(ends: _Ends) -> Fact:
    value = {name: end.limit if end else None for name, (end, _) in _named(ends).items()}
    texts = [
        f"{'none found' if limit is None else shown(limit)} at {name.replace('_infinity', ' infinity')}"
        for name, limit in value.items()
    ]
    return Fact(value=value, text=", ".join(texts), proven=all(proven for _, proven in ends.values()))


def _asymptotes(ends: _Ends) -> Fact:
    value: dict[str, dict[str, float] | None] = {}
    texts: list[str] = []
    for name, (end, _) in _named(ends).items():
        if end is None or end.slope is None or end.offset is None:
            value[name] = None
            texts.append(f"none at {name.replace('_infinity', ' infinity')}")
            continue
        value[name] = {"slope": end.slope, "offset": end.offset}
        texts.append(f"{_line(end.slope, end.offset)} at {name.replace('_infinity', ' infinity')}")
    return Fact(value=value, text=", ".join(texts), proven=all(proven for _, proven in ends.values()))


def _named(ends: _Ends) -> dict[str, tuple[End | None, bool]]:
    return {"minus_infinity": ends[-1], "plus_infinity": ends[1]}


def _line(slope: float, offset: float) -> str:
    if slope == 0:
        return f"y = {shown(offset)}"
    steep = "x" if slope == 1 else "-x" if slope == -1 else f"{shown(slope)} x"
    sign = "+" if offset > 0 else "-"
    return f"y = {steep} {sign} {shown(abs(offset))}" if offset else f"y = {steep}"


def _pieces(enclosed: Enclosed, order: int, names: Mapping[int, str]) -> Fact:
    found, where = pieces(enclosed, order), "everywhere"
    if not all(piece.proven for piece in found):
        found, where = pieces(enclosed, order, core=True), _CORE
    if order == 2:
        found = _without_affine(found)
    value = [
        {"from": piece.start, "to": piece.end, "kind": names[piece.sign], "proven": piece.proven} for piece in found
    ]
    texts = [names[piece.sign] if len(found) == 1 else f"{names[piece.sign]} on {_span(piece)}" for piece in found]
    return Fact(
        value=value, text=_list(texts), proven=all(piece.proven for piece in found),
        on="everywhere" if where == "everywhere" else _CORE,
    )  # fmt: skip


def _span(piece: Piece) -> str:
    return interval_text(_rounded(piece.start), _rounded(piece.end))


def _without_affine(found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """What is affine belongs to the convex or concave piece beside it, being both, if they are glued."""
    merged: list[Piece] = []
    for piece in found:
        is_one = merged and piece.glued and (piece.sign == merged[-1].sign or 0 in {piece.sign, merged[-1].sign})
        if is_one:
            last = merged.pop()
            merged.append(
                replace(last, end=piece.end, sign=piece.sign or last.sign, proven=last.proven and piece.proven)
            )
        else:
            merged.append(piece)
    return tuple(merged)


def _smoothness(smooth: Smoothness) -> Fact:
    text = smooth.text
    if smooth.breaks:
        what = {-1: "f jumps", 0: "f' jumps"}.get(smooth.order or 0, f"derivative {(smooth.order or 0) + 1} jumps")
        text += f": {what} at x = {_list([shown(point) for point in smooth.breaks])}"
    value = {"class": smooth.text, "order": smooth.order, "breaks": list(smooth.breaks)}
    return Fact(value=value, text=text, proven=smooth.proven, on=_CORE if smooth.breaks else "everywhere")


def _list(texts: list[str]) -> str:
    more = len(texts) - _MOST_SHOWN
    return ", ".join(texts[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
