"""The facts of a function's shape: range, zeros, ends, pieces, slopes, smoothness, parity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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
    ends = {side: end_of_function(enclosed, side) for side in (-1, 1)}
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


def _anywhere(compute: Callable[[bool], Bounds]) -> tuple[Bounds, Where]:
    """Bounds for the whole line where they are proven there, else those for [-20, 20]."""
    whole = compute(False)  # noqa: FBT003 - whether on the core alone
    if whole.proven:
        return whole, "everywhere"
    core = compute(True)  # noqa: FBT003
    return core, _CORE


def _range(enclosed: Enclosed, ends: _Ends, smooth: Smoothness) -> Fact:
    found, where = _anywhere(lambda core: bounds(enclosed, 0, core=core))
    lower, upper = found.lower, found.upper
    limits = [end.limit for end, proven in ends.values() if end is not None and proven]
    if where == "everywhere":
        # What grows for ever is bounded as far as float64 reaches, and unbounded in truth.
        lower = -math.inf if lower < -ENORMOUS or -math.inf in limits else lower
        upper = math.inf if upper > ENORMOUS or math.inf in limits else upper
    texts: list[str] = []
    is_open: list[bool] = []
    for name, bound, place in (("least", lower, found.lower_at), ("greatest", upper, found.upper_at)):
        is_limit = any(abs(bound - limit) <= _SAME for limit in limits)
        is_open.append(
            math.isinf(bound) or (is_limit and smooth.order is None and _is_only_approached(enclosed, bound))
        )
        if math.isfinite(bound) and abs(place) < EDGE and not is_limit:
            texts.append(f", {name} at x = {shown(_rounded(place))}")
    text = interval_text(lower, upper, open_below=is_open[0], open_above=is_open[1]) + "".join(texts)
    return Fact(value=[lower, upper], text=text, proven=found.proven, on=where)


def _is_only_approached(enclosed: Enclosed, bound: float) -> bool:
    """Whether an analytic function nowhere has the value `bound`, which is its limit at an end.

    Towards the end it is monotone, so having the value there it would keep it, and be constant; and where it turns it
    has other values.
    """
    found = pieces(enclosed, 1)
    if not all(piece.proven for piece in found) or any(piece.sign == 0 for piece in found):
        return False
    turns = np.array([piece.end for piece in found[:-1]])
    values = enclosed.over(0, turns, turns)
    return bool(((values.lower > bound + _SAME) | (values.upper < bound - _SAME)).all()) and enclosed.is_defined


def _rounded(x: float) -> float:
    """A place without the digits that the search does not find."""
    return round(x, 7)


def _slopes(enclosed: Enclosed, smooth: Smoothness) -> dict[str, Fact]:
    found, where = _anywhere(lambda core: bounds(enclosed, 1, core=core))
    lower, upper = (math.copysign(math.inf, s) if abs(s) > ENORMOUS else s for s in (found.lower, found.upper))
    constant = max(abs(lower), abs(upper))
    if smooth.order == -1 and not found.proven:
        constant, lower, upper = math.inf, found.lower, found.upper
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
    """What is affine belongs to the convex or concave piece beside it, being both."""
    merged: list[Piece] = []
    for piece in found:
        if merged and (piece.sign in {0, merged[-1].sign} or merged[-1].sign == 0):
            last = merged.pop()
            merged.append(
                Piece(
                    start=last.start, end=piece.end, sign=piece.sign or last.sign, proven=last.proven and piece.proven
                )
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
