"""The source of a kernel: a sweep's program printed into the skeleton beside this file."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.compile.backend import sibling
from actsearch.compile.contraction import contracted
from actsearch.compile.program import Operand
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Input, Parameter

MEMORY = sibling(__file__, "memory")
PRINTER = sibling(__file__, "printer")
TYPES = sibling(__file__, "types")
_SKELETON = string.Template(Path(__file__).with_name("sweep.ll.in").read_text("utf-8"))


def generate(
    sweeps: Sequence[Sweep],
    element: Any,
    *,
    by_column: tuple[bool, ...],
    lanes: int,
    vectorised: frozenset[str] = frozenset(),
    name: str = "sweep",
) -> str:
    """LLVM assembly of a kernel for each sweep, called `name` and its order, computing `lanes` elements at once.

    `element` is a `types.Element`. `by_column` says for each parameter and total of the first sweep whether it has a
    value for each column of a row, or one for all; a gradient that a later one reads is like its parameter. A kernel's
    operands are in this order: elements, outputs, parameters, constants (all in one), sums over rows.
    """
    vector = TYPES.Vector(element.computed, lanes)
    declarations: set[str] = set()
    texts = []
    for sweep in sweeps:
        like = dict(zip(sweeps[0].granularities, by_column, strict=True))
        page = _Page(sweep, vector, element, like, vectorised, declarations)
        page.write()
        holes = {"entry": page.entry, "loop": page.loop, "done": page.done}
        joined = {name: "\n".join(lines) for name, lines in holes.items()}
        texts.append(_SKELETON.substitute(joined, name=f"{name}_{sweep.order}"))
    return "\n".join([*sorted(declarations), "", *texts])


@dataclass(slots=True)
class _Page:
    """The lines that go into each hole of the skeleton."""

    sweep: Sweep
    vector: Any
    element: Any
    by_column: Mapping[str, bool]
    vectorised: frozenset[str]
    declarations: set[str]
    entry: list[str] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    _operands: int = 0

    def write(self) -> None:
        vector = self.vector
        given: dict[Operand, Any] = {}
        writer = PRINTER.Writer(vector=vector, given=given, vectorised=self.vectorised, declarations=self.declarations)
        computed = TYPES.of(vector)
        for name in self.sweep.elements:
            given[Input(name)] = self._read(computed if name in self.sweep.fixed else self.element)
        written = [computed if name in self.sweep.fixed else self.element for name, _ in self.sweep.outputs]
        outputs = [self._vector(element.memory) for element in written]
        for name, _ in self.sweep.parameters:
            given[Parameter(name)] = self._read(computed) if self.by_column[name] else self._uniform()
        if self.sweep.constants:
            place = self._pointer()
            for index, name in enumerate(self.sweep.constants):
                given[Parameter(name)] = self._splat(place, index)
        program = contracted(self.sweep.program(kept=PRINTER.kept(vector.bits), exact=vector.bits == 64))
        values = dict(zip((name for name, _ in program.outputs), writer.write(program), strict=True))
        self.entry += writer.entry
        self.loop += writer.loop
        for (name, _), element, at in zip(self.sweep.outputs, written, outputs, strict=True):
            self.loop += MEMORY.store(vector, element, values[name], at)
        self._sums(values)

    def _sums(self, values: Mapping[str, str]) -> None:
        in_tiles = 0
        for name, of, _ in self.sweep.sums:
            is_maximum = name in self.sweep.maxima
            if self.by_column[of]:
                at = self._vector(self.vector.scalar)
                lines, before = MEMORY.load(self.vector, TYPES.of(self.vector), at)
                joined, after = self._joined(at, before, values[name], is_maximum=is_maximum)
                self.loop += [*lines, *joined, *MEMORY.store(self.vector, TYPES.of(self.vector), after, at)]
            else:
                self._tile_sum(in_tiles, values[name], is_maximum=is_maximum)
                in_tiles += 1

    def _pointer(self) -> str:
        """The next operand's place."""
        index = self._operands
        self._operands += 1
        self.entry += [
            f"  %o{index}_at = getelementptr ptr, ptr %places, i64 {index}",
            f"  %o{index} = load ptr, ptr %o{index}_at",
        ]
        return f"%o{index}"

    def _vector(self, memory: str) -> str:
        """The next operand's place at the loop's index."""
        place = self._pointer()
        self.loop.append(f"  {place}_here = getelementptr [{self.vector.lanes} x {memory}], ptr {place}, i64 %index")
        return f"{place}_here"

    def _read(self, element: Any) -> Any:
        at = self._vector(element.memory)
        lines, value = MEMORY.load(self.vector, element, at)
        self.loop += lines
        return PRINTER.Value(value, in_loop=True)

    def _uniform(self) -> Any:
        return self._splat(self._pointer(), 0)

    def _splat(self, place: str, index: int) -> Any:
        """The number that stands `index` places behind `place`, in every lane."""
        vector = self.vector
        name, zeros = f"{place}_{index}", f"<{vector.lanes} x i32> zeroinitializer"
        self.entry += [
            f"  {name}_at = getelementptr {vector.scalar}, ptr {place}, i64 {index}",
            f"  {name}_one = load {vector.scalar}, ptr {name}_at",
            f"  {name}_first = insertelement {vector.text} poison, {vector.scalar} {name}_one, i32 0",
            f"  {name}_all = shufflevector {vector.text} {name}_first, {vector.text} poison, {zeros}",
        ]
        return PRINTER.Value(f"{name}_all", in_loop=False)

    def _tile_sum(self, index: int, value: str, *, is_maximum: bool) -> None:
        vector, start = self.vector, self.vector.number(-math.inf) if is_maximum else "zeroinitializer"
        lines, after = self._joined(f"%s{index}", f"%s{index}", value, is_maximum=is_maximum)
        self.loop.insert(0, f"  %s{index} = phi {vector.text} [ {start}, %entry ], [ {after}, %loop ]")
        self.loop += lines
        self.done += [
            f"  %s{index}_at = getelementptr [{vector.lanes} x {vector.scalar}], ptr %sums, i64 {index}",
            f"  store {vector.text} {after}, ptr %s{index}_at, align {vector.bits // 8}",
        ]

    def _joined(self, name: str, before: str, value: str, *, is_maximum: bool) -> tuple[list[str], str]:
        """Lines that add a value to what there was, or take the larger one, and what there is then."""
        vector = self.vector
        if not is_maximum:
            return [f"  {name}_next = fadd {vector.text} {before}, {value}"], f"{name}_next"
        return [
            f"  {name}_larger = fcmp ogt {vector.text} {value}, {before}",
            # Like torch: NaN wins.
            f"  {name}_nan = fcmp uno {vector.text} {value}, {value}",
            f"  {name}_taken = or {vector.mask} {name}_larger, {name}_nan",
            f"  {name}_next = select {vector.mask} {name}_taken, {vector.text} {value}, {vector.text} {before}",
        ], f"{name}_next"
