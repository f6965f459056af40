"""Several plans one after the other, and the values of cells between them, as the native driver runs them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

Fold = tuple[int, int, int]
"""Where a cell's value goes, rows of a cell, and the elements that a mean is over (1 where none is taken)."""


def run(plans: Sequence[Any], filled: Sequence[Any], folds: Sequence[Sequence[Fold]]) -> None:
    """Run plans, whose tables are `filled`, chunk by chunk, with what is made of each one's tile sums after it."""
    arrays = [_array([number for fold in own for number in fold]) for own in folds]
    table = [plans[0].geometry.chunks, len(plans)]
    for one, own, array in zip(filled, folds, arrays, strict=True):
        table += [one.place, len(own), ctypes.addressof(array)]
    program = _array(table)
    plans[0].drive(ctypes.addressof(program))


def _array(numbers: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * len(numbers))(*numbers)
