"""Primitives as Triton writes them: mathematics, no layout."""

from __future__ import annotations

import math

from actsearch.compile.printing import COMPARISON, INFIX, TERM, Language, Rule, Text, literal

PTX = "PTX"
"""The compile-time argument that says whether there are instructions of PTX."""
HELPERS = ("exp2", "reciprocal", "rsqrt")
"""Primitives, beside those of operators, that `hardware` makes."""
_SMALLEST, _LARGEST = 2.0**-126, 3.4028234663852886e38


def _number(value: float) -> str:
    # Triton makes a double of a literal beyond float32's normal range, and the whole kernel follows.
    if math.isfinite(value) and abs(value) > _LARGEST:
        value = math.copysign(math.inf, value)
    return literal(0.0 if abs(value) < _SMALLEST else value)


def _call(name: str) -> Rule:
    return lambda *operands: Text(f"tl.{name}({', '.join(operand.source for operand in operands)})")


def _helper(name: str) -> Rule:
    # A function of `hardware.py.in`.
    return lambda u: Text(f"_{name}({u.source}, {PTX})")


def _extremum(name: str) -> Rule:
    # Like torch, and unlike Triton by default: NaN wins.
    return lambda a, b: Text(f"tl.{name}({a.source}, {b.source}, propagate_nan=tl.PropagateNan.ALL)")


def _comparison(sign: str) -> Rule:
    return lambda a, b: Text(f"{a.within(TERM)} {sign} {b.within(TERM)}", COMPARISON)


_CONDITIONS = {"greater": _comparison(">"), "equal": _comparison("==")}

TRITON = Language(
    name="triton",
    rules={
        **INFIX,
        "abs": _call("abs"),
        "floor": _call("floor"),
        "maximum": _extremum("maximum"),
        "minimum": _extremum("minimum"),
        "greater": lambda a, b: Text(f"tl.where({_CONDITIONS['greater'](a, b).source}, 1.0, 0.0)"),
        "equal": lambda a, b: Text(f"tl.where({_CONDITIONS['equal'](a, b).source}, 1.0, 0.0)"),
        "where": _call("where"),
        "sqrt": _call("sqrt"),
        **{name: _helper(name) for name in HELPERS},
        "log": _call("log"),
    },
    conditions=_CONDITIONS,
    number=_number,
)
