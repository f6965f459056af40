"""One sweep's kernel: the holes of the upper half of `sweep.py.in`, and the function of what it computes."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.printing import print_program
from actsearch.compile.program import Operand, Program
from actsearch.compile.stages import shared
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Expression, Input, Parameter, walk
from actsearch.grammar.text import write

HARDWARE = sibling(__file__, "hardware")
LAYOUT = sibling(__file__, "layout")
LINES = sibling(__file__, "lines")
NAMES = sibling(__file__, "names")
PRINTER = sibling(__file__, "printer")
_INDENT = " " * 4
# A formula of more operators and operands is harder to read than the lines below it.
_LARGEST_FORMULA = 150


def direction(order: int) -> str:
    """What the kernel of a sweep of this order is called: `forward`, `backward`, `backward2`, ..."""
    return "forward" if order == 0 else f"backward{order if order > 1 else ''}"


@dataclass(kw_only=True)
class Kernel:
    """A sweep, and what of it the kernel reads: what a derivative does not depend on is not read from memory."""

    sweep: Sweep

    @cached_property
    def names(self) -> Any:
        """Identifiers of all that the sweep reads and writes."""
        return NAMES.names_of(self.sweep)

    @cached_property
    def layout(self) -> Any:
        """How it goes over the elements."""
        return LAYOUT.layout_of(self.sweep)

    @property
    def name(self) -> str:
        """What the kernel and its launcher are called."""
        return direction(self.sweep.order)

    @property
    def elements(self) -> list[str]:
        """The elements that are read."""
        return [name for name in self.sweep.elements if Input(name) in self._read]

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that are read, and their granularity."""
        return {name: granularity for name, granularity in self.sweep.parameters if Parameter(name) in self._read}

    @property
    def constants(self) -> list[str]:
        """Identifiers of the constants that are read."""
        return [self.names.constants[name] for name in self.sweep.constants if Parameter(name) in self._read]

    def mathematics(self) -> str:
        """The function from an element's values to its outputs and its terms of the sums."""
        lines, results = print_program(self._program, PRINTER.TRITON, self.names.values)
        # A value is written as it was given, derivatives as they were simplified.
        formulas = (self.sweep if self.sweep.order == 0 else self._shared).results
        comments = [line for name, value in formulas.items() for line in LINES.comment(_formula(name, value))]
        head = f"def {self._function}("
        body = [*comments, *lines, f"return {LINES.values(results, _INDENT, len('return '))}"]
        text = "\n".join(f"{_INDENT}{line}" for line in body)
        arguments = [*self._values, *([f"{PRINTER.PTX}: tl.constexpr"] if self._is_special else [])]
        return f"@triton.jit\n{head}{LINES.signature(arguments, len(head) + 2)}):\n{text}"

    def holes(self) -> Mapping[str, str]:
        """What goes into the kernel's holes."""
        results = [*self.names.outputs, *self.names.sums.values()]
        pointers = self.names.pointers
        return {
            "name": self.name,
            "kernel_arguments": LINES.signature(self._arguments(), len(f"def _{self.name}():")),
            "place": ", ".join(self._place()),
            "tile": LINES.call("_tile", [*self.layout.tile_sizes, *self.layout.tile], _INDENT),
            "loads": LINES.indented(self._loads()),
            "results": LINES.values(results, _INDENT, len(f" = {self._function}()")),
            "values": LINES.call(
                self._function, [*self._values, *([PRINTER.PTX] if self._is_special else [])], _INDENT
            ),
            "stores": LINES.indented(
                f"tl.store({pointers[name]} + offsets, {name}, mask=mask)" for name in self.names.outputs
            ),
            "store_partials": LINES.indented(self._store_partials()),
        }

    @cached_property
    def _shared(self) -> Sweep:
        return shared(self.sweep)

    @cached_property
    def _program(self) -> Program:
        program: Program = HARDWARE.for_hardware(self._shared.program())
        return program

    @cached_property
    def _read(self) -> frozenset[Operand]:
        return self._program.operands

    @property
    def _function(self) -> str:
        return "_value" if self.sweep.order == 0 else f"_gradients{self.sweep.order if self.sweep.order > 1 else ''}"

    @property
    def _values(self) -> list[str]:
        return [*self.elements, *(self.names.parameters[name] for name in self.parameters), *self.constants]

    @property
    def _is_special(self) -> bool:
        """Whether what is computed of an element takes helpers that depend on the GPU."""
        return any(instruction.operator in PRINTER.HELPERS for instruction in self._program.instructions)

    def _arguments(self) -> list[str]:
        pointers = self.names.pointers
        tensors = [pointers[name] for name in (*self.elements, *self.names.outputs)]
        tensors += ["partials_pointer"] if self.sweep.sums else []
        tensors += [pointers[name] for name in self.parameters]
        tile = [f"{name}: tl.constexpr" for name in self.layout.tile]
        return [*tensors, *self.constants, *self.layout.sizes, *tile, f"{PRINTER.PTX}: tl.constexpr"]

    def _loads(self) -> list[str]:
        pointers = self.names.pointers
        lines = [
            f"{name} = _wide(tl.load({pointers[name]} + offsets, mask=mask), {PRINTER.PTX})" for name in self.elements
        ]
        for name, granularity in self.parameters.items():
            load = string.Template(self.layout.loads[granularity]).substitute(pointer=pointers[name])
            lines.append(f"{self.names.parameters[name]} = {load}")
        return lines

    def _store_partials(self) -> list[str]:
        if not self.sweep.sums:
            return []
        count = len(self.sweep.sums)
        rows = ["slot"] if count == 1 else [f"slot * {count} + {index}" for index in range(count)]
        template = string.Template(self.layout.partial)
        stores = [template.substitute(sum=s, row=row) for s, row in zip(self.names.sums.values(), rows, strict=True)]
        return ["# Chosen, not multiplied: beyond the edge of the tensor a gradient may be NaN.", *stores]

    def _place(self) -> list[str]:
        """What `_tile` gives, an underscore for what the kernel has no use for."""
        words = set(re.findall(r"\w+", " ".join([*self._loads(), *self._store_partials(), "offsets mask"])))
        return [name if name in words else "_" for name in self.layout.place]


def _formula(name: str, value: Expression) -> str:
    nodes = sum(1 for _ in itertools.islice(walk(value), _LARGEST_FORMULA + 1))
    return f"{name} = {write(value)}" if nodes <= _LARGEST_FORMULA else f"{name}: see below"
