"""The functions of the table that a search can reach, by what can be said of them without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from fisher import eigenvalues, lesson_of
from numpy.typing import NDArray
from table_game import Board

from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.table import Function
from actsearch.evaluate.task import load_task
from actsearch.grammar.activation import Candidate
from actsearch.search.strategies.surrogate.look import Look, look

QUANTILES, CLIPPED = 64, 10.0
Array = NDArray[np.float64]


@dataclass(kw_only=True)
class Gallery:
    """The functions that the funnel lets through."""

    board: Board

    @cached_property
    def numbers(self) -> list[int]:
        """Those of the table, ascending; all that follows stands in this order."""
        return sorted(self.board.reachable)

    @cached_property
    def functions(self) -> list[Function]:
        """The functions."""
        return [self.board.table.functions[number] for number in self.numbers]

    @cached_property
    def looks(self) -> list[Look]:
        """What the surrogate sees of each."""
        return [look(Candidate.everywhere(function.activation)) for function in self.functions]

    @cached_property
    def symmetric(self) -> Array:
        """The features of these, (functions, columns)."""
        return np.array([seen.features for seen in self.looks], dtype=np.float64)

    @cached_property
    def correlations(self) -> Array:
        """Of the outputs of any two, in size."""
        outputs = np.array([seen.outputs[0] for seen in self.looks], dtype=np.float64)
        found: Array = np.abs(outputs @ outputs.T)
        return found

    @cached_property
    def values(self) -> Array:
        """(functions, `QUANTILES`)."""
        return np.array([_at_quantiles(function, slopes=False) for function in self.functions])

    @cached_property
    def slopes(self) -> Array:
        """(functions, `QUANTILES`)."""
        return np.array([_at_quantiles(function, slopes=True) for function in self.functions])

    def fisher(self, task: str) -> Array:
        """(functions, columns); what is not finite has the least value."""
        lesson = lesson_of(load_task(task))
        rows = np.array([eigenvalues(function.activation, function.gain, lesson) for function in self.functions])
        found: Array = np.where(np.isfinite(rows), rows, np.nanmin(rows))
        return found


def together(blocks: Sequence[Array]) -> Array:
    """Columns of mean 0 and deviation 1, those of each block weighted so that blocks count alike.

    A mean squared distance is what it is with as many columns of deviation 1, which the model's lengths are made for.
    """
    scaled = []
    for block in blocks:
        deviation = block.std(axis=0)
        varying = block[:, deviation > 1e-9]
        scaled.append((varying - varying.mean(axis=0)) / varying.std(axis=0))
    columns = sum(block.shape[1] for block in scaled)
    return np.concatenate([block * (columns / len(scaled) / block.shape[1]) ** 0.5 for block in scaled], axis=1)


def _at_quantiles(function: Function, *, slopes: bool) -> Array:
    probe: Any = probe_of(function.activation)
    at = np.searchsorted(np.cumsum(probe.grid[1]), (np.arange(QUANTILES) + 0.5) / QUANTILES)
    outputs = probe.gaussian_samples.slopes if slopes else probe.gaussian_values
    found: Array = np.clip(np.nan_to_num(outputs[at] * function.gain), -CLIPPED, CLIPPED)
    return found
