"""What the native driver runs: plans one after the other, and between them the values of cells; see README.md."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch

from actsearch.compile.backend import sibling

DRIVER = sibling(__file__, "driver")
_FEW = 1 << 14
"""Elements below which handing out work costs more than it brings."""
Fold = tuple[int, int, int]
"""Where a cell's value goes, rows of a cell, and the elements that a mean is over (1 where none is taken)."""


def run(element: Any, chunks: int, stages: Sequence[tuple[Any, Sequence[Fold]]], elements: int) -> None:
    """Run stages, each a filled table and what is made of its tile sums, chunk by chunk, on torch's threads.

    `elements` is the number of them that are walked, which decides whether more than one thread pays.
    """
    table, kept = [chunks, len(stages)], []
    for filled, own in stages:
        fold = _array([number for fold in own for number in fold]) if own else None
        kept.append(fold)
        table += [ctypes.addressof(filled.table), len(own), ctypes.addressof(fold) if fold is not None else 0]
    threads = 1 if elements < _FEW else min(torch.get_num_threads(), chunks)
    DRIVER.driver(element.computed).run(_array(table), threads)


def _array(numbers: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * len(numbers))(*numbers)
