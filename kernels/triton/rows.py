"""One pass of a sweep with statistics: its kernel over rows of columns, and what launches it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
import triton
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.nest import Nest, Placement, nest
from actsearch.compile.sweep import Sweep

JOINING = sibling(__file__, "joining")
KERNEL = sibling(__file__, "kernel")
LAYOUT = sibling(__file__, "layout")
_Kernel: Any = KERNEL.Kernel
BY = {"one": 0, "rows": 1, "columns": 2}
"""What says how a value is had."""
_NARROW = 64
"""Columns of a tile whose columns have sums: more rows of it are put together before anything is stored."""


class Kernel(_Kernel):  # type: ignore[misc]
    """A pass as a kernel; whether a value is had by rows or by columns is said where it is launched."""

    @property
    def layout(self) -> Any:
        """Rows of columns."""
        return LAYOUT.ROWS

    def by(self, name: str) -> str:
        """The compile-time argument that says how a parameter or a sum is had."""
        return f"{(self.names.parameters | self.names.sums)[name].upper()}_BY"

    def _arguments(self) -> list[str]:
        pointers = self.names.pointers
        sums = [name for name, _, _ in self.sweep.sums]
        tensors = [pointers[name] for name in (*self.elements, *self.names.outputs, *sums, *self.parameters)]
        compile_time = [*self.layout.tile, *(self.by(name) for name in (*sums, *self.parameters)), KERNEL.PRINTER.PTX]
        return [*tensors, *self.constants, *self.layout.sizes, *(f"{name}: tl.constexpr" for name in compile_time)]

    def _loads(self) -> list[str]:
        pointers = self.names.pointers
        lines = [
            f"{name} = _wide(tl.load({pointers[name]} + offsets, mask=mask), {KERNEL.PRINTER.PTX})"
            for name in self.elements
        ]
        for name in self.parameters:
            where = f"{pointers[name]}, row, column, rows, columns, kinds, {self.by(name)}"
            lines.append(f"{self.names.parameters[name]} = _value_at({where})")
        return lines

    def _store_partials(self) -> list[str]:
        place = "mask, row, column, rows, columns, slot, block"
        pointers, beside = self.names.pointers, {of: name for name, of in self.sweep.deviations}
        lines = []
        for name, _, _ in self.sweep.sums:
            values, by = self.names.sums[name], self.by(name)
            if name in beside:
                both = f"{pointers[name]}, {pointers[beside[name]]}"
                lines.append(f"_store_moments({both}, {values}, {place}, {by})")
            elif name not in beside.values():
                lines.append(f"_store_partial({pointers[name]}, {values}, {place}, {by}, {name in self.sweep.maxima})")
        return lines


@dataclass(frozen=True, slots=True)
class Runner:
    """See `actsearch.compile.autograd.Runner`; `constants` are the values of the pass's.

    `module` is the generated one, `joining` the one with the kernel that joins what programs have found.
    """

    kernel: Kernel
    module: ModuleType
    joining: ModuleType
    constants: tuple[float, ...]

    @property
    def sweep(self) -> Sweep:
        """The pass."""
        return self.kernel.sweep  # type: ignore[no-any-return]

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """Outputs, sums; elements are contiguous and not empty."""
        x, kernel, granularities = elements[0], self.kernel, self.sweep.granularities
        walked = nest(x.shape, channel_dim, granularities.values())
        owners = {name: walked.placement(granularities[of]) for name, of, _ in self.sweep.sums}
        read = {name: walked.placement(granularity) for name, granularity in self.sweep.parameters}
        given = dict(zip(self.sweep.elements, elements, strict=True))
        values = dict(zip((name for name, _ in self.sweep.parameters), parameters, strict=True))
        fixed = self.sweep.fixed
        outputs = [
            torch.empty_like(x, dtype=torch.float32 if name in fixed else x.dtype) for name, _ in self.sweep.outputs
        ]
        tile, slots, across = _tile_of(walked, list(owners.values()), list(read.values()))
        partials = {name: room(owner, walked, slots, across, x) for name, owner in owners.items()}
        tensors = [
            *(given[name].contiguous() for name in kernel.elements), *outputs, *partials.values(),
            *(read[name].spread(values[name]).contiguous() for name in kernel.parameters),
        ]  # fmt: skip
        constants = dict(
            zip((kernel.names.constants[name] for name in self.sweep.constants), self.constants, strict=True)
        )
        by = {kernel.by(name): BY[placement.along] for name, placement in (*owners.items(), *read.items())
              if name in owners or name in kernel.parameters}  # fmt: skip
        sizes = (walked.rows, walked.columns, walked.kinds)
        launch = getattr(self.module, f"_{kernel.name}")
        with torch.cuda.device_of(x):
            launch[(slots * across,)](
                *tensors, *(constants[name] for name in kernel.constants), *sizes, LONG=x.numel() >= 1 << 31, **tile,
                **by, PTX=self.module._PTX, **self.module._OPTIONS,  # noqa: SLF001 - generated beside the kernel
            )  # fmt: skip
        joined = JOINING.Joining(module=self.joining, walked=walked, rows=tile["ROWS"], columns=tile["COLUMNS"])
        sums, beside = [], dict(self.sweep.deviations)
        for name, of, _ in self.sweep.sums:
            own = partials.get(beside.get(name, ""))
            total = joined(partials[name], owners[name], self.sweep.operation(name), own)
            sums.append(total.to(values[of].dtype).reshape(values[of].shape) if of in values else total)
        return (*outputs, *sums)


def _tile_of(walked: Nest, owners: Sequence[Placement], read: Sequence[Placement]) -> tuple[dict[str, int], int, int]:
    """The tile's shape, slots of rows, and blocks of columns, for where sums and values that are read lie."""
    is_narrow = walked.kinds == 1 and walked.rows > 1 and any(owner.along == "columns" for owner in owners)
    columns = min(triton.next_power_of_2(walked.columns), _NARROW if is_narrow else LAYOUT.BLOCK, LAYOUT.BLOCK)
    rows = min(triton.next_power_of_2(walked.rows), LAYOUT.BLOCK // columns)
    if walked.kinds > 1 and any(placement.along == "columns" for placement in (*owners, *read)):
        # Rows of several kinds have no sums over columns together.
        rows = 1
    whole = walked.rows % rows == 0 and walked.columns % columns == 0
    tile = {"WHOLE": whole, "ROWS": rows, "COLUMNS": columns}
    return tile, math.ceil(walked.rows / rows), math.ceil(walked.columns / columns)


def room(owner: Placement, walked: Nest, slots: int, across: int, x: Tensor) -> Tensor:
    """Where partial results go, the ones to be joined along the first dimension."""
    shape = {"one": (slots * across,), "rows": (across, walked.rows), "columns": (slots, walked.columns)}[owner.along]
    return torch.empty(shape, dtype=torch.float32, device=x.device)
