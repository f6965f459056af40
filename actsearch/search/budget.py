"""The budget of a search: wall-clock time, or a count of candidates."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, Self

from actsearch.errors import ConfigError

_FORM = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([smhc])\s*$")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`amount` seconds, finals included, from the first evaluation; or candidates past the static rungs."""

    kind: Literal["seconds", "candidates"]
    amount: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """The budget that e.g. `90s`, `10m`, `2h` or `500c` says; raises `ConfigError`."""
        match = _FORM.match(text)
        amount = float(match[1]) * _SECONDS.get(match[2], 1.0) if match else 0.0
        if match is None or not 0 < amount < math.inf or (match[2] == "c" and not amount.is_integer()):
            raise ConfigError(f"the budget {text[:40]!r} is no budget: write e.g. 90s, 10m, 2h or 500c (candidates).")
        return cls(kind="candidates" if match[2] == "c" else "seconds", amount=amount)

    def candidates_left(self, evaluated: int) -> int | None:
        """How many more candidates may be evaluated; None if time is what counts."""
        return max(int(self.amount) - evaluated, 0) if self.kind == "candidates" else None

    def is_spent(self, *, evaluated: int, seconds: float, reserve_seconds: float) -> bool:
        """Whether nothing more may be evaluated; `reserve_seconds` is what the finals will need."""
        if self.kind == "candidates":
            return evaluated >= self.amount
        return seconds + reserve_seconds >= self.amount
