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

KERNEL = sibling(__file__, "kernel")
LAYOUT = sibling(__file__, "layout")
_Kernel: Any = KERNEL.Kernel
BY = {"one": 0, "rows": 1, "columns": 2}
"""What says how a value is had."""


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
        return [
            f"_store_partial({self.names.pointers[name]}, {self.names.sums[name]}, {place}, {self.by(name)}, "
            f"{name in self.sweep.maxima})"
            for name, _, _ in self.sweep.sums
        ]


@dataclass(frozen=True, slots=True)
class Runner:
    """See `actsearch.compile.autograd.Runner`; `module` is the generated one, `constants` the values of the pass's."""

    kernel: Kernel
    module: ModuleType
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
        tile, slots, across = _tile_of(walked, [*owners.values(), *read.values()])
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
        sums = []
        for name, of, _ in self.sweep.sums:
            operation: Any = "max" if name in self.sweep.maxima else "sum"
            total = joined(partials[name], owners[name], walked, operation)
            sums.append(total.to(values[of].dtype).reshape(values[of].shape) if of in values else total)
        return (*outputs, *sums)


def joined(partial: Tensor, owner: Placement, walked: Nest, operation: Any) -> Tensor:
    """A sum, or largest value, of the partial results of programs."""
    if owner.along == "columns":
        partial = partial.view(-1, walked.kinds * walked.columns)
    total = partial.amax(0) if operation == "max" else _added(partial) if owner.along == "rows" else partial.sum(0)
    return total.reshape(1) if owner.along == "one" else owner.gather(total, operation)


def _added(partial: Tensor) -> Tensor:
    """The sum along the first dimension, in an order that its size alone decides.

    The order of torch's `sum` depends on the other dimension, too: a row's statistics would depend on how many rows
    there are.
    """
    while len(partial) > 1:
        half = len(partial) // 2
        rest = partial[2 * half :]
        partial = torch.cat([partial[:half] + partial[half : 2 * half], rest])
    return partial[0]


def _tile_of(walked: Nest, placements: Sequence[Placement]) -> tuple[dict[str, int], int, int]:
    """The tile's shape, slots of rows, and blocks of columns."""
    columns = min(triton.next_power_of_2(walked.columns), LAYOUT.BLOCK)
    rows = min(triton.next_power_of_2(walked.rows), LAYOUT.BLOCK // columns)
    if walked.kinds > 1 and any(placement.along == "columns" for placement in placements):
        # Rows of several kinds have no sums over columns together.
        rows = 1
    whole = walked.rows % rows == 0 and walked.columns % columns == 0
    tile = {"WHOLE": whole, "ROWS": rows, "COLUMNS": columns}
    return tile, math.ceil(walked.rows / rows), math.ceil(walked.columns / columns)


def room(owner: Placement, walked: Nest, slots: int, across: int, x: Tensor) -> Tensor:
    """Where partial results go, the ones to be joined along the first dimension."""
    shape = {"one": (slots * across,), "rows": (across, walked.rows), "columns": (slots, walked.columns)}[owner.along]
    return torch.empty(shape, dtype=torch.float32, device=x.device)
