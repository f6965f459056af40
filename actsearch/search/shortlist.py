"""The shortlist: the best of a search on more seeds, so that luck with its few does not choose who goes further.

The best of thousands of scores over two seeds is one that two seeds flatter, the more so the better a strategy climbs
them. What a shortlist is worth was played on the table of `actbench`: benchmarks/shortlist.py, docs/fairness.md.
"""

from __future__ import annotations

from dataclasses import dataclass

_LEAST_RATIO = 8
"""Scored candidates for each place: of fewer than that, the scores of the search say who is good well enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortlistSettings:
    """Settings of the rung between a search and its finals, or the real task of `--then`."""

    length: int = 40
    """How many of the best are trained on it, at most one in eight of those scored; 0 leaves it out."""
    seeds: int = 6
    """Fresh seeds, which neither the search nor the finals use."""

    def places(self, scored: int, further: int) -> int:
        """How many of `scored` candidates are on it; none if it would choose nobody, as `further` go on anyway."""
        places = min(self.length, scored // _LEAST_RATIO)
        return places if places > further else 0
