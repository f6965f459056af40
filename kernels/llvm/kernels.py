"""The compiled kernels of one activation: forward and backward together, later derivatives as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from actsearch.compile.backend import sibling
from actsearch.compile.sweep import Sweep, vjp

MACHINE = sibling(__file__, "machine")
SOURCE = sibling(__file__, "source")
TYPES = sibling(__file__, "types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What kernels are specialised for.

    `by_column` says for each parameter of the forward whether it has a value for each column of a row, or one for all.
    """

    dtype: torch.dtype
    by_column: tuple[bool, ...]

    @property
    def element(self) -> Any:
        """The elements' type."""
        return TYPES.ELEMENTS[self.dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is compiled in one go: some orders of derivatives, for one variant."""

    sweeps: tuple[Sweep, ...]
    variant: Variant

    @property
    def names(self) -> tuple[str, ...]:
        """The functions' names."""
        return tuple(f"sweep_{sweep.order}" for sweep in self.sweeps)

    @property
    def key(self) -> str:
        """A text that is the same for units whose code is."""
        orders = [sweep.order for sweep in self.sweeps]
        origin = self.sweeps[0].origin or self.sweeps[0]
        return f"{origin.structure} {orders} {self.variant.element.name} {self.variant.by_column}"

    def text(self) -> str:
        """LLVM assembly for this machine."""
        machine, element = MACHINE.machine(), self.variant.element
        lanes = machine.lanes(element)
        vectorised = machine.vectorised if element.computed == "double" and lanes == 4 else frozenset()
        text: str = SOURCE.generate(
            self.sweeps, element, by_column=self.variant.by_column, lanes=lanes, vectorised=vectorised
        )
        return text


@dataclass(slots=True)
class Kernels:
    """Kernels of a forward and its derivatives; `cache` is the folder where object files are kept."""

    cache: Path
    _loaded: dict[tuple[int, Variant], Mapping[str, int]] = field(default_factory=dict)

    def address(self, sweep: Sweep, variant: Variant, *, with_derivative: bool) -> int:
        """Where the kernel of a sweep is; that of a forward is compiled with the first derivative's if that is wanted.

        The kernel stays there as long as this object lives.
        """
        if (sweep.order, variant) not in self._loaded:
            unit = unit_of(sweep, variant, with_derivative=with_derivative)
            self._load(unit, unit.text)
        return self._loaded[sweep.order, variant][f"sweep_{sweep.order}"]

    def prepare(self, sweep: Sweep, variant: Variant, worker: Executor) -> Future[None]:
        """Have `worker` compile the kernels of a forward and its derivative; their text is written here and now."""
        unit = unit_of(sweep, variant, with_derivative=True)
        if MACHINE.machine().is_known(unit.key, self.cache):
            return worker.submit(self._load, unit, unit.text)
        text = unit.text()
        return worker.submit(self._load, unit, lambda: text)

    def _load(self, unit: Unit, text: Callable[[], str]) -> None:
        code = MACHINE.machine().functions(unit.names, unit.key, text, self.cache)
        for sweep in unit.sweeps:
            self._loaded[sweep.order, unit.variant] = code


def unit_of(sweep: Sweep, variant: Variant, *, with_derivative: bool) -> Unit:
    """What to compile where a sweep's kernel is wanted."""
    both = with_derivative and sweep.order == 0
    return Unit(sweeps=(sweep, vjp(sweep)) if both else (sweep,), variant=variant)
