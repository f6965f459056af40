"""All passes of a sweep with statistics in one kernel: a program keeps whole rows from the first to the results."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import torch
import triton
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.nest import Nest, nest
from actsearch.compile.statistics import cells
from actsearch.compile.statistics.schedule import Reduced, Schedule
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Input, Parameter

KERNEL = sibling(__file__, "kernel")
LAYOUT = sibling(__file__, "layout")
LINES = sibling(__file__, "lines")
NAMES = sibling(__file__, "names")
ROWS = sibling(__file__, "rows")
_INDENT = " " * 4
_MOST_ELEMENTS = 8
"""Of a thread, while there are warps left to take more."""
_BESIDE = 60
"""Registers of a thread beside those that hold elements: addresses, and what is computed of a few of them at a time."""


class _Part(ROWS.Kernel):  # type: ignore[misc, name-defined]
    """The mathematics of one sweep of the schedule."""

    def __init__(self, sweep: Sweep, function: str) -> None:
        super().__init__(sweep=sweep)
        self.function = function

    @property
    def _function(self) -> str:
        return self.function

    def call(self, names: Mapping[str, str]) -> list[str]:
        """Its arguments by what the kernel calls them."""
        given = [names[name] for name in (*self.elements, *self.parameters)]
        constants = [names[name] for name in self.sweep.constants if Parameter(name) in self._read]
        return [*given, *constants, *([KERNEL.PRINTER.PTX] if self._is_special else [])]


@dataclass(kw_only=True)
class Whole:
    """The kernel of a schedule for rows of which a program holds one or more."""

    schedule: Schedule

    @property
    def name(self) -> str:
        """What the kernel is called."""
        found: str = KERNEL.direction(self.schedule.last.order)
        return found

    @cached_property
    def parts(self) -> list[_Part]:
        """Those of the passes, and the last."""
        results = "_value" if self.schedule.last.order == 0 else "_gradients"
        functions = [*(f"_pass{index + 1}" for index in range(len(self.schedule.passes))), results]
        return [_Part(sweep, function) for sweep, function in zip(self.schedule.sweeps, functions, strict=True)]

    @cached_property
    def everything(self) -> Sweep:
        """What all sweeps read, and what the last one makes of it."""
        known = dict(itertools.chain.from_iterable(sweep.parameters for sweep in self.schedule.sweeps))
        known |= {one.name: one.granularity for one in self.found}
        elements = dict.fromkeys(itertools.chain.from_iterable(sweep.elements for sweep in self.schedule.sweeps))
        return replace(self.schedule.last, parameters=tuple(known.items()), elements=tuple(elements))

    @property
    def found(self) -> tuple[Reduced, ...]:
        """The statistics that the passes compute."""
        return tuple(one for pass_ in self.schedule.passes for one in pass_.reduced)

    @cached_property
    def names(self) -> Any:
        """Identifiers."""
        return NAMES.names_of(self.everything)

    @cached_property
    def elements(self) -> list[str]:
        """The elements that are read from memory."""
        written = {one.written for one in self.found}
        read = frozenset().union(*(part._read for part in self.parts))  # noqa: SLF001 - of the same family
        return [name for name in self.everything.elements if Input(name) in read and name not in written]

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Parameters and statistics that are read from memory, and their granularity."""
        read = frozenset().union(*(part._read for part in self.parts))  # noqa: SLF001 - of the same family
        own = {one.name for one in self.found}
        return {name: of for name, of in self.everything.parameters if Parameter(name) in read and name not in own}

    @property
    def live(self) -> int:
        """How many values of an element a thread keeps, by estimate: what it reads, and the terms of a pass."""
        return max(len(self.elements), 1) + max(len(one.reduced) for one in self.schedule.passes) - 1

    @property
    def sums(self) -> list[str]:
        """The sums of the last sweep."""
        return [name for name, _, _ in self.schedule.last.sums]

    def by(self, name: str) -> str:
        """The compile-time argument that says how a parameter or a sum is had."""
        return f"{(self.names.parameters | self.names.sums)[name].upper()}_BY"

    @property
    def arguments(self) -> list[str]:
        """All of the kernel's, in order."""
        pointers, last = self.names.pointers, self.schedule.last
        read = [*self.elements, *(name for name, _ in last.outputs), *self.sums]
        tensors = [pointers[name] for name in (*read, *(one.name for one in self.schedule.kept), *self.parameters)]
        constants = [self.names.constants[name] for name in last.constants]
        constexprs = [*LAYOUT.ROWS.tile, *map(self.by, (*self.sums, *self.parameters)), KERNEL.PRINTER.PTX]
        return [*tensors, *constants, *LAYOUT.ROWS.sizes, *(f"{name}: tl.constexpr" for name in constexprs)]

    def text(self) -> str:
        """The functions of the mathematics, and the kernel."""
        head = f"def _{self.name}("
        tile = LINES.call("_tile", [*LAYOUT.ROWS.tile_sizes, *LAYOUT.ROWS.tile], _INDENT)
        lines = [f"{', '.join(LAYOUT.ROWS.place)} = {tile}", *self._loads()]
        for part, one in zip(self.parts, (*self.schedule.passes, None), strict=True):
            lines += self._results(part) if one is None else self._pass(part, one.reduced)
        kernel = f"@triton.jit\n{head}{LINES.signature(self.arguments, len(head) + 2)}):\n{LINES.indented(lines)}"
        return "\n\n\n".join([*(part.mathematics() for part in self.parts), kernel])

    def _loads(self) -> list[str]:
        pointers, ptx = self.names.pointers, KERNEL.PRINTER.PTX
        lines = [f"{name} = _wide(tl.load({pointers[name]} + offsets, mask=mask), {ptx})" for name in self.elements]
        for name in self.parameters:
            where = f"{pointers[name]}, row, column, rows, columns, kinds, {self.by(name)}"
            lines.append(f"{self.names.parameters[name]} = _value_at({where})")
        return lines

    def _called(self, part: _Part) -> str:
        names = {**{name: name for name in self.everything.elements}, **self.names.values}
        return str(LINES.call(part.function, part.call(names), _INDENT))

    def _pass(self, part: _Part, reduced: Sequence[Reduced]) -> list[str]:
        names = self.names.parameters
        terms = [name if name not in names else f"{names[name]}_of" for name in part.sweep.results]
        lines = [f"{', '.join(terms)} = {self._called(part)}"]
        for one in reduced:
            own = names[one.name]
            about = f"{one.operation == 'max'}, {one.is_mean}"
            lines.append(f"{own} = _row_value({own}_of, mask, columns, {about})")
            if one in self.schedule.kept:
                place = f"{self.names.pointers[one.name]} + row[:, None]"
                lines.append(f"tl.store({place}, {own}, mask=(row < rows)[:, None])")
        return lines

    def _results(self, part: _Part) -> list[str]:
        pointers, last = self.names.pointers, self.schedule.last
        outputs = [name for name, _ in last.outputs]
        made = [*outputs, *(self.names.sums[name] for name in self.sums)]
        lines = [f"{', '.join(made)} = {self._called(part)}"] if made else []
        lines += [f"tl.store({pointers[name]} + offsets, {name}, mask=mask)" for name in outputs]
        place = "mask, row, column, rows, columns, slot, block"
        lines += [
            f"_store_partial({pointers[name]}, {self.names.sums[name]}, {place}, {self.by(name)}, False)"
            for name in self.sums
        ]
        return lines


def shape_of(whole: Whole, columns: int, *, is_nvidia: bool) -> tuple[int, int, int] | None:
    """Rows and columns of a program's tile, and its warps, for rows of `columns`; None where they do not fit.

    They fit if a thread's elements, in float32, leave registers for what is computed of them, which is estimated.
    """
    across = triton.next_power_of_2(max(columns, 1))
    down = max(1, LAYOUT.BLOCK // across)
    fitting = [
        warps
        for warps in LAYOUT.programs(is_nvidia=is_nvidia)
        if whole.live * _held(across * down, warps, is_nvidia=is_nvidia) + _BESIDE
        <= LAYOUT.registers(warps, is_nvidia=is_nvidia)
    ]
    if not fitting:
        return None
    few = [warps for warps in fitting if _held(across * down, warps, is_nvidia=is_nvidia) <= _MOST_ELEMENTS]
    return down, across, few[0] if few else fitting[-1]


def _held(elements: int, warps: int, *, is_nvidia: bool) -> int:
    """Elements of a thread."""
    return -(-elements // (warps * (32 if is_nvidia else 64)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """See `actsearch.compile.statistics.scheduled.Together`; for the modules see `rows.Runner`."""

    whole: Whole
    module: ModuleType
    joining: ModuleType
    constants: Mapping[str, float]

    def __call__(
        self, elements: Sequence[Tensor], values: Mapping[str, Tensor], channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]] | None:
        """The results and the kept statistics' values by name; None where rows do not fit into a program."""
        x, whole, plan = elements[0], self.whole, self.whole.schedule
        granularities = {g for sweep in plan.sweeps for g in sweep.granularities.values()}
        walked = nest(x.shape, channel_dim, granularities)
        if walked.cannot_place or any(walked.placement(r.granularity).across[2] != 1 for r in plan.reduced):
            return None
        shape = shape_of(whole, walked.columns, is_nvidia=torch.version.hip is None)
        return None if shape is None else self._launched(elements, values, walked, shape, channel_dim)

    def _launched(
        self,
        elements: Sequence[Tensor],
        values: Mapping[str, Tensor],
        walked: Nest,
        shape: tuple[int, int, int],
        channel_dim: int,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        whole, last, x = self.whole, self.whole.schedule.last, elements[0]
        owners = {name: walked.placement(last.granularities[of]) for name, of, _ in last.sums}
        read = {name: walked.placement(granularity) for name, granularity in whole.parameters.items()}
        rows, across, warps = shape
        if walked.kinds > 1 and any(one.along == "columns" for one in (*owners.values(), *read.values())):
            # Rows of several kinds have no sums over columns together.
            rows = 1
        slots = triton.cdiv(walked.rows, rows)
        given = dict(zip(whole.schedule.elements, elements, strict=False))
        outputs = [torch.empty_like(x) for _ in last.outputs]
        partials = {name: ROWS.room(owner, walked, slots, 1, x) for name, owner in owners.items()}
        found = {
            one.name: torch.empty(walked.rows, dtype=torch.float32, device=x.device) for one in whole.schedule.kept
        }
        known = {one.name: cells.count_of(one.granularity, x.shape, channel_dim) for one in whole.schedule.known}
        tensors = [
            *(given[name] for name in whole.elements), *outputs, *partials.values(), *found.values(),
            *(
                where.spread(cells.once(values[name], known[name]) if name in known else values[name]).contiguous()
                for name, where in read.items()
            ),
        ]  # fmt: skip
        by = {whole.by(name): ROWS.BY[one.along] for name, one in (*owners.items(), *read.items())}
        tile = {
            "LONG": x.numel() >= 1 << 31, "WHOLE": walked.rows % rows == 0 and walked.columns == across,
            "ROWS": rows, "COLUMNS": across,
        }  # fmt: skip
        sizes = (walked.rows, walked.columns, walked.kinds)
        options = LAYOUT.options(warps, is_nvidia=torch.version.hip is None)
        with torch.cuda.device_of(x):
            getattr(self.module, f"_{whole.name}")[(slots,)](
                *tensors, *(self.constants[name] for name in last.constants), *sizes, **tile, **by,
                PTX=self.module._PTX, **options,  # noqa: SLF001 - generated beside the kernel
            )  # fmt: skip
        joined = ROWS.JOINING.Joining(module=self.joining, walked=walked, rows=rows, columns=across)
        sums = []
        for name, of, _ in last.sums:
            total = joined(partials[name], owners[name])
            sums.append(total.to(values[of].dtype).reshape(values[of].shape))
        return (*outputs, *sums), found
