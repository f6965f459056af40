"""A crowd: functions that are known, to tell who would be nearly one of them.

In a large space there is no end of functions that differ from the best one by next to nothing. A model expects of them
what it expects of the best one, so that a search would spend its budget among them, on which of them its seeds flatter.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from actsearch.search.strategies.surrogate.look import Array, Look

LIKE = 0.999
"""Correlation of outputs under N(0, 1) above which two are nearly one, as finalists that are not apart."""


class Crowd:
    """Looks, and who is like one of them: at every site by a correlation of outputs of more than `LIKE` in size.

    Outputs of different sizes are those of functions of different kinds, which are not alike.
    """

    def __init__(self, looks: Iterable[Look] = ()) -> None:
        self._rows: dict[tuple[int, ...], list[tuple[Array, ...]]] = {}
        self._stacks: dict[tuple[int, ...], tuple[int, list[Array]]] = {}
        for seen in looks:
            self.add(seen)

    def add(self, seen: Look) -> None:
        """Let what is like `seen` have a like from now on."""
        self._rows.setdefault(_sizes(seen), []).append(seen.outputs)

    def has_like(self, seen: Look) -> bool:
        """Whether somebody in the crowd is nearly `seen`."""
        sizes = _sizes(seen)
        rows = self._rows.get(sizes, [])
        if not rows:
            return False
        # Most of a crowd is there from the start: it is stacked once, and what came since is looked at one by one.
        count, stacks = self._stacks.get(sizes, (0, []))
        if len(rows) - count > count:
            count, stacks = len(rows), [np.stack(site) for site in zip(*rows, strict=True)]
            self._stacks[sizes] = count, stacks
        alike = np.ones(count, dtype=bool)
        for site, own in zip(stacks, seen.outputs, strict=True):
            alike &= np.abs(site @ own) > LIKE
        return bool(alike.any()) or any(
            all(abs(float(own @ other)) > LIKE for own, other in zip(seen.outputs, row, strict=True))
            for row in rows[count:]
        )


def _sizes(seen: Look) -> tuple[int, ...]:
    return tuple(len(own) for own in seen.outputs)
