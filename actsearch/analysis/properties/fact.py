"""A fact about a function: what it is, whether it is proven, and for which x."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Where = Literal["everywhere", "[-20, 20]", "N(0, 1)"]
"""All x, as far as `REACH`; or those between; or what is an expectation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One property: `value` for programs, `text` for people.

    What is not proven was found by sampling, or by a quadrature where it is an expectation.
    """

    value: Any
    text: str
    proven: bool
    on: Where = "everywhere"

    def to_json(self) -> dict[str, Any]:
        """`{"value", "proven", "on", "text"}`; infinities are the texts inf and -inf."""
        return {"value": plain(self.value), "proven": self.proven, "on": self.on, "text": self.text}


def plain(value: Any) -> Any:
    """`value` with infinities as text and tuples as lists, as JSON can say it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def shown(value: float) -> str:
    """A number to six digits, as people read it."""
    return f"{value + 0.0:.6g}"


def interval_text(lower: float, upper: float, *, open_below: bool = False, open_above: bool = False) -> str:
    """An interval, open where it is infinite."""
    opening = "(" if open_below or math.isinf(lower) else "["
    closing = ")" if open_above or math.isinf(upper) else "]"
    return f"{opening}{shown(lower)}, {shown(upper)}{closing}"
