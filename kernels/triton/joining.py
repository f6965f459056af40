"""Joins the partial results of programs, in an order that depends on how many there are and on nothing else."""

from __future__ import annotations

import functools
import string
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
import triton
from torch import Tensor

from actsearch import __version__
from actsearch.compile.artifact import install
from actsearch.compile.nest import Nest, Placement
from actsearch.compile.statistics.cells import Operation

_OPERATIONS = {"sum": 0, "max": 1, "deviations": 2}
_TILE, _MOST_AT_ONCE = 1024, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """The kernel's module, and the size of the tiles that programs have seen, of which the last may be smaller."""

    module: ModuleType
    walked: Nest
    rows: int
    columns: int

    def __call__(
        self, partial: Tensor, owner: Placement, operation: Operation = "sum", sums: Tensor | None = None
    ) -> Tensor:
        """A sum, largest value or sum of squared deviations for each value of `owner`, 1-D, of those of programs.

        `partial` is as `rows.room` gives it. Squared deviations are from the mean of what a program has seen, which
        follows from its `sums`; joined they are from that of all (Chan, Golub and LeVeque, 1979, Updating formulae and
        a pairwise algorithm for computing sample variances).
        """
        if owner.along == "one":
            return (partial.amax(0) if operation == "max" else partial.sum(0)).reshape(1)
        outer, cells, inner = owner.across
        passes = partial.numel() // (outer * cells * inner)
        if passes * outer * inner == 1:
            return partial.reshape(-1)
        size, last_size = self._seen(owner, passes)
        found = torch.empty(cells, dtype=partial.dtype, device=partial.device)
        at_once = min(triton.next_power_of_2(passes * outer * inner), _MOST_AT_ONCE)
        # However few cells there are: the order of a sum could depend on the tile's shape.
        across = _TILE // at_once
        with torch.cuda.device_of(partial):
            self.module._joined[(triton.cdiv(cells, across),)](  # noqa: SLF001 - generated
                partial, partial if sums is None else sums, found, passes, outer, cells, inner, size, last_size,
                OPERATION=_OPERATIONS[operation], AT_ONCE=at_once, CELLS=across,
            )  # fmt: skip
        return found

    def _seen(self, owner: Placement, passes: int) -> tuple[int, int]:
        """How many elements of a row, or of a column, a program has seen, and the last of them."""
        if owner.along == "rows":
            return self.columns, self.walked.columns - (passes - 1) * self.columns
        if self.walked.kinds > 1:
            return 1, 1
        return self.rows, self.walked.rows - (passes - 1) * self.rows


def install_joining(cache: Path | None) -> ModuleType:
    """The kernel's module; see `install`."""
    return install(_text(), cache)


@functools.cache
def _text() -> str:
    skeleton = Path(__file__).with_name("joining.py.in").read_text("utf-8")
    return string.Template(skeleton).substitute(version=__version__)
