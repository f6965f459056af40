"""Runs the kernels of a sweep without statistics on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.nest import Nest, nest
from actsearch.compile.sweep import Sweep

GEOMETRY = sibling(__file__, "geometry")
KERNELS = sibling(__file__, "kernels")
MACHINE = sibling(__file__, "machine")
PLAN = sibling(__file__, "plan")
TYPES = sibling(__file__, "types")
_MOST_PLANS = 256
_MUCH = 1 << 24
"""Elements after which a kernel is compiled again, thoroughly: by then it has worked about twice as long as that takes
(1.15 times 10 ms against 6 ms, forward and backward on two cores)."""


@dataclass(slots=True)
class Launcher:
    """A sweep on this machine's processor; compiled for each dtype and layout when it first meets one.

    `constants` are the values of the sweep's; `kernels` are those of all derivatives of the activation.
    """

    sweep: Sweep
    constants: tuple[float, ...]
    kernels: Any
    with_derivatives: bool = True
    """Whether a forward is compiled together with its derivative where gradients are wanted."""
    plans: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    worked: int = 0
    """Elements so far, until there have been many."""
    owners: list[int | None] = field(init=False)
    """For each sum the parameter it is like; None for a total."""
    is_by_element: bool = field(init=False)

    def __post_init__(self) -> None:
        names = [name for name, _ in self.sweep.parameters]
        self.owners = [names.index(of) if of in names else None for _, of, _ in self.sweep.sums]
        self.is_by_element = "element" in self.sweep.granularities.values()

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The sweep's outputs, of the first element's shape, strides and dtype, then its sums, like the parameters."""
        x = elements[0]
        dense = self._dense(x)
        outputs = self.room(dense)
        sums = self.into(outputs, elements if dense is x else (dense, *elements[1:]), parameters, channel_dim)
        if dense is not x and _is_channels_last(x):
            outputs = [torch.empty_like(x).copy_(output) for output in outputs]
        return (*outputs, *sums)

    def into(
        self, outputs: Sequence[Tensor], elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> list[Tensor]:
        """Write the outputs into tensors like the first element, which fills memory without gaps; the sums."""
        x = elements[0]
        shape, strides, dtype = x.shape, x.stride(), x.dtype
        plan = self.plans.get((shape, strides, dtype, channel_dim))
        if plan is not None and self.is_to_be_better(x.numel()):
            self.plans.clear()
            plan = None
        if plan is None:
            if not x.numel():
                return [torch.zeros_like(parameters[owner]) for owner in self.owners if owner is not None]
            plan = self._planned(elements, parameters, channel_dim)
        inputs: Sequence[Tensor] = elements
        if self.sweep.fixed or any(tensor.dtype != dtype or tensor.stride() != strides for tensor in elements):
            inputs = [
                _like(x, tensor, plan.computed if name in self.sweep.fixed else dtype)
                for name, tensor in zip(self.sweep.elements, elements, strict=True)
            ]
        sums = plan.run(inputs, outputs, [plan.spread(index, values) for index, values in enumerate(parameters)])
        return [
            total if owner is None else total.to(parameters[owner].dtype).reshape(parameters[owner].shape)
            for total, owner in zip(sums, self.owners, strict=True)
        ]

    def room(self, x: Tensor) -> list[Tensor]:
        """Tensors like `x` for the outputs."""
        if not self.sweep.fixed:
            return [torch.empty_like(x) for _ in self.sweep.outputs]
        fixed, inside = self.sweep.fixed, TYPES.COMPUTED[TYPES.ELEMENTS[x.dtype].computed]
        return [torch.empty_like(x, dtype=inside if name in fixed else x.dtype) for name, _ in self.sweep.outputs]

    def _planned(self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int) -> Any:
        """The plan for tensors like the first element, made anew."""
        x = elements[0]
        if len(self.plans) >= _MOST_PLANS:
            self.plans.clear()
        # In the forward of an autograd function, too, tensors tell whether they require gradients.
        wants_gradients = any(tensor.requires_grad for tensor in (*elements, *parameters))
        plan = self._plan(x, channel_dim, with_derivative=wants_gradients)
        self.plans[x.shape, x.stride(), x.dtype, channel_dim] = plan
        return plan

    def is_to_be_better(self, elements: int) -> bool:
        """Count elements; whether there now have been so many that plans are to be made anew, which is so once."""
        if self.worked >= _MUCH:
            return False
        self.worked += elements
        return self.worked >= _MUCH

    def prepare(self, x: Tensor, channel_dim: int, worker: Executor) -> Future[None]:
        """Have `worker` compile this forward and its derivative for tensors like `x`."""
        x = self._dense(x)
        found: Future[None] = self.kernels.prepare(self.sweep, self.variant(x, self.nest(x, channel_dim)), worker)
        return found

    def _dense(self, x: Tensor) -> Tensor:
        """`x`, or a copy, whose elements fill memory without gaps in an order that `nest` knows."""
        # The values of a parameter per element lie like those of a contiguous sample.
        return x if x.is_contiguous() or (_is_channels_last(x) and not self.is_by_element) else x.contiguous()

    def _plan(self, x: Tensor, channel_dim: int, *, with_derivative: bool) -> Any:
        """How a tensor like `x` is walked, and the kernel for it."""
        walked, granularities = self.nest(x, channel_dim), self.sweep.granularities
        has_column_sums = any(walked.along(granularities[of]) == "columns" for _, of, _ in self.sweep.sums)
        per_chunk = GEOMETRY.tiles_a_chunk(walked, has_column_sums=has_column_sums)
        geometry = GEOMETRY.Geometry(walked, per_chunk)
        return self.plan_of(x, geometry, with_derivative=with_derivative and self.with_derivatives)

    def plan_of(self, x: Tensor, geometry: Any, *, with_derivative: bool = False) -> Any:
        """The plan for tensors like `x` that are walked in that way."""
        element = TYPES.ELEMENTS[x.dtype]
        kernel, code = self.kernels.kernel(
            self.sweep,
            self.variant(x, geometry.nest),
            with_derivative=with_derivative,
            thorough=self.worked >= _MUCH,
        )
        lanes = MACHINE.machine().lanes(element)
        plan = PLAN.Plan(self.sweep, geometry, element, kernel=kernel, constants=self.constants, lanes=lanes)
        plan.code = code
        return plan

    def nest(self, x: Tensor, channel_dim: int) -> Nest:
        """How a tensor like `x`, which fills memory without gaps, is walked."""
        granularities = set(self.sweep.granularities.values())
        viewed, dimension = x, channel_dim
        if not x.is_contiguous() and granularities - {"layer"}:
            # `channels_last`: the same memory as a contiguous tensor whose last dimension has the channels.
            viewed, dimension = x.permute(0, 2, 3, 1), (0, 3, 1, 2)[channel_dim]
        return nest(viewed.shape, dimension, granularities)

    def variant(self, x: Tensor, walked: Nest) -> Any:
        """What the kernel for such a tensor is specialised for."""
        by_column = tuple(walked.along(granularity) == "columns" for granularity in self.sweep.granularities.values())
        return KERNELS.Variant(dtype=x.dtype, by_column=by_column)


def _is_channels_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)


def _like(x: Tensor, other: Tensor, dtype: torch.dtype) -> Tensor:
    """`other` with the strides of `x` and that dtype."""
    if other.dtype == dtype and other.stride() == x.stride():
        return other
    return torch.empty_like(x, dtype=dtype).copy_(other.detach())
