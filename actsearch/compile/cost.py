"""What a kernel costs, counted from its program: no clock, so the same everywhere and on every run."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.compile.program import Program
from actsearch.compile.stages import stage
from actsearch.compile.statistics.schedule import schedule
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.activation import Activation

SPECIAL = frozenset({"divide", "sqrt", "exp", "log"})
"""Primitives that a GPU's special function units compute."""
WEIGHT = 8
"""What one of them counts: on compute capability 9.0 a multiprocessor does 16 a clock, of additions and products 128.

Source: CUDA C++ Programming Guide, Throughput of Native Arithmetic Instructions.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Primitives that one element needs, over all passes of a kernel."""

    operations: int
    """Special ones included."""
    special: int

    @property
    def weighted(self) -> int:
        """Operations, special ones counted WEIGHT times."""
        return self.operations + (WEIGHT - 1) * self.special


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCost:
    """The count of the forward, and of the backward with the gradients of all parameters."""

    forward: Count
    backward: Count

    @property
    def weighted(self) -> int:
        """Weighted operations of a training step."""
        return self.forward.weighted + self.backward.weighted


def kernel_cost(activation: Activation) -> KernelCost:
    """The cost of an activation in training, without its output gain.

    Sums over elements, loads and stores are not counted: they are the same for all functions of the same parameters.
    """
    forward = stage(activation).sweep
    return KernelCost(forward=_count(forward), backward=_count(vjp(forward)))


def _count(sweep: Sweep) -> Count:
    programs: list[Program] = [one.program() for one in schedule(sweep).sweeps]
    operators = [instruction.operator for program in programs for instruction in program.instructions]
    return Count(operations=len(operators), special=sum(operator in SPECIAL for operator in operators))
