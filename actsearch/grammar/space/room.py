"""Room: what may still stand below a node of a derivation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Room:
    """Bounds on symbols: along one way down from here, and in all that is still to be drawn."""

    depth: Counts
    """How often each bounded symbol may still stand between here and a leaf."""
    most: Counts
    """How many more nodes of each limited symbol there may be."""
    _entered: dict[str, Room] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What is left below each symbol that was asked for: every derivation of a space comes by the same rooms."""

    def enter(self, symbol: str) -> Room:
        """What is left below a `symbol` that stands here."""
        if symbol not in self.depth and symbol not in self.most:
            return self
        inside = self._entered.get(symbol)
        if inside is None:
            inside = self._entered[symbol] = Room(_less(self.depth, symbol), _less(self.most, symbol))
        return inside

    def holds(self, symbol: str) -> bool:
        """Whether a `symbol` may stand here at all."""
        return self.depth.get(symbol, 1) > 0 and self.most.get(symbol, 1) > 0

    def spared(self, used: Counts) -> Room:
        """What is left once other nodes have taken `used` of the limited symbols."""
        return Room(self.depth, {symbol: left - used.get(symbol, 0) for symbol, left in self.most.items()})

    @functools.cached_property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The bounds as a key for memos, in order of the symbols' names."""
        return (
            tuple(self.depth[symbol] for symbol in sorted(self.depth)),
            tuple(self.most[symbol] for symbol in sorted(self.most)),
        )


def _less(counts: Counts, symbol: str) -> Counts:
    return {**counts, symbol: counts[symbol] - 1} if symbol in counts else counts
