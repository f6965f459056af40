"""The compiled kernels of one activation: forward and backward together, later derivatives as they are asked for."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from actsearch.compile.backend import sibling
from actsearch.compile.sweep import Sweep, vjp

LOADER = sibling(__file__, "loader")
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
    def key(self) -> str:
        """A text that is the same for units whose code is."""
        orders = [sweep.order for sweep in self.sweeps]
        origin = self.sweeps[0].origin or self.sweeps[0]
        return f"{origin.structure} {orders} {self.variant.element.name} {self.variant.by_column}"

    @property
    def name(self) -> str:
        """A name that other units do not have, so that many can stand in one module."""
        return f"kernel_{hashlib.sha256(self.key.encode()).hexdigest()[:24]}"

    def text(self, name: str) -> str:
        """LLVM assembly for this machine, of a function called `name` and its order for each sweep."""
        machine, element = MACHINE.machine(), self.variant.element
        lanes = machine.lanes(element)
        vectorised = machine.vectorised if element.computed == "double" and lanes == 4 else frozenset()
        text: str = SOURCE.generate(
            self.sweeps, element, by_column=self.variant.by_column, lanes=lanes, vectorised=vectorised, name=name
        )
        return text


@dataclass(slots=True)
class Kernels:
    """Kernels of a forward and its derivatives; `cache` is the folder where object files are kept."""

    cache: Path
    _loaded: dict[tuple[int, Variant, bool], tuple[int, Any]] = field(default_factory=dict)
    _ahead: dict[Variant, tuple[Unit, Future[Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kernel(self, sweep: Sweep, variant: Variant, *, with_derivative: bool, thorough: bool) -> tuple[int, Any]:
        """Where the kernel of a sweep is, and what is to live as long as it is called.

        That of a forward is compiled with the first derivative's if that is wanted. What is compiled thoroughly takes
        longer for that and less for what it computes, which is the same.
        """
        with self._lock:
            if variant in self._ahead:
                unit, found = self._ahead.pop(variant)
                self._keep(unit, found.result(), thorough=False)
            if (sweep.order, variant, thorough) not in self._loaded:
                unit = unit_of(sweep, variant, with_derivative=with_derivative)
                self._keep(unit, LOADER.loader().library(self._code(unit), thorough=thorough), thorough=thorough)
            return self._loaded[sweep.order, variant, thorough]

    def prepare(self, sweep: Sweep, variant: Variant, worker: Executor) -> Future[Any]:
        """Have `worker` compile the kernels of a forward and its derivative; their text is written here and now."""
        unit = unit_of(sweep, variant, with_derivative=True)
        code = self._code(unit)
        if not LOADER.loader().is_known(code):
            text = code.text()
            code = replace(code, text=lambda: text)
        found: Future[Any] = LOADER.loader().ahead(code, worker)
        self._ahead[variant] = unit, found
        return found

    def _code(self, unit: Unit) -> Any:
        name = unit.name
        names = tuple(f"{name}_{sweep.order}" for sweep in unit.sweeps)
        return LOADER.Code(names=names, key=unit.key, text=lambda: unit.text(name), cache=self.cache)

    def _keep(self, unit: Unit, library: Any, *, thorough: bool) -> None:
        name = unit.name
        for sweep in unit.sweeps:
            self._loaded[sweep.order, unit.variant, thorough] = library[f"{name}_{sweep.order}"], library


def unit_of(sweep: Sweep, variant: Variant, *, with_derivative: bool) -> Unit:
    """What to compile where a sweep's kernel is wanted."""
    both = with_derivative and sweep.order == 0
    return Unit(sweeps=(sweep, vjp(sweep)) if both else (sweep,), variant=variant)
