"""Sweeps under autograd: derivatives of every order from the same compiler, for every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from actsearch.compile.parameters import entries
from actsearch.compile.reference import Eager, Estimates, evaluate_sweep
from actsearch.compile.stages import stage
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.activation import Activation


class Runner(Protocol):
    """A compiled sweep."""

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The sweep's outputs, of the shape and dtype of the first element; its sums, of those of the parameters."""


Compiler = Callable[[Sweep, tuple[float, ...]], Runner | None]
"""What a backend makes of a sweep and the values of its constants; None if it leaves it to eager torch."""


@dataclass(kw_only=True)
class FusedSweep:
    """A sweep of compiled kernels, with eager torch for what they cannot: other dtypes, and sweeps left to it.

    `constants` are the values of the sweep's constants by name. A derivative is compiled when it is first asked for.
    """

    sweep: Sweep
    constants: tuple[tuple[str, float], ...]
    compiler: Compiler
    dtypes: tuple[torch.dtype, ...]

    @cached_property
    def runner(self) -> Runner | None:
        """The compiled sweep."""
        return self.compiler(self.sweep, tuple(value for _, value in self.constants))

    @cached_property
    def derivative(self) -> FusedSweep:
        """The vector-Jacobian product."""
        return FusedSweep(sweep=vjp(self.sweep), constants=self.constants, compiler=self.compiler, dtypes=self.dtypes)

    def run(self, tensors: Sequence[Tensor], channel_dim: int) -> tuple[Tensor, ...]:
        """Outputs and sums for the elements and then the parameters in `tensors`; autograd sees nothing of it."""
        count = len(self.sweep.elements)
        elements, parameters = tensors[:count], tensors[count:]
        if self.runner is None or elements[0].dtype not in self.dtypes:
            return self.run_eagerly(tensors, channel_dim)
        return self.runner(elements, parameters, channel_dim)

    def run_eagerly(self, tensors: Sequence[Tensor], channel_dim: int) -> tuple[Tensor, ...]:
        """The same by torch's own operations, which autograd and `torch.func` can look into."""
        return evaluate_sweep(self.sweep, dict(self.constants), tensors, channel_dim)

    def differentiable(self, tensors: Sequence[Tensor], channel_dim: int) -> tuple[Tensor, ...]:
        """Outputs and sums, which autograd can differentiate as often as wanted."""
        function = _Transformed if _is_transformed() else _Apply
        found = function.apply(self, channel_dim, *tensors)  # type: ignore[no-untyped-call]
        return cast("tuple[Tensor, ...]", found)


@dataclass(frozen=True, slots=True)
class Fused:
    """A fused activation as a backend's function; see `actsearch.compile.backend.Function`."""

    activation: Activation
    forward: FusedSweep
    eager: Eager

    @classmethod
    def of(
        cls, activation: Activation, compiler: Compiler, dtypes: tuple[torch.dtype, ...], *, gain: float = 1.0
    ) -> Fused:
        """`gain` times the activation, its sweeps compiled by `compiler` for tensors of `dtypes`."""
        staged = stage(activation, gain=gain)
        forward = FusedSweep(sweep=staged.sweep, constants=staged.constants, compiler=compiler, dtypes=dtypes)
        return cls(activation, forward, Eager.of(activation, gain))

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`."""
        x = inputs[0]
        if x.dtype not in self.forward.dtypes:
            return self.eager(inputs, parameters, channel_dim, estimates)
        tensors = (*inputs, *swept_tensors(self.activation, parameters, x, channel_dim))
        if _is_transformed() or (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return self.forward.differentiable(tensors, channel_dim)[0]
        return self.forward.run(tensors, channel_dim)[0]

    def prepare(self, x: Tensor, channel_dim: int, worker: Executor) -> Future[None] | None:
        """Have `worker` compile forward and backward for inputs like `x`; None where the backend cannot ahead."""
        ahead = getattr(self.forward.runner, "prepare", None)
        return ahead(x, channel_dim, worker) if ahead is not None and x.dtype in self.forward.dtypes else None


def swept_tensors(
    activation: Activation, parameters: Sequence[Tensor], x: Tensor, channel_dim: int
) -> Iterator[Tensor]:
    """What the activation's sweep reads of its parameters."""
    for parameter, spec in zip(parameters, activation.parameters, strict=True):
        yield from entries(parameter, spec, x, channel_dim)


class _Apply(torch.autograd.Function):
    """The quick form: torch inspects the signatures of functions in the other one at every call."""

    @staticmethod
    def forward(ctx: Any, fused: FusedSweep, channel_dim: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        _keep(ctx, fused, channel_dim, tensors)
        return fused.run(tensors, channel_dim)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        fused: FusedSweep = ctx.fused
        tensors = with_upstream(fused.sweep, ctx.saved_tensors, upstream)
        run = fused.derivative.differentiable if torch.is_grad_enabled() else fused.derivative.run
        return (None, None, *run(tensors, ctx.channel_dim))

    @staticmethod
    def jvp(ctx: Any, _fused: None, _channel_dim: None, *tangents: Tensor | None) -> tuple[Tensor, ...]:
        """Forward-mode derivatives, which are rare, are left to torch's own operations."""
        tensors = ctx.saved_tensors
        directions = [
            torch.zeros_like(tensor) if tangent is None else tangent
            for tensor, tangent in zip(tensors, tangents, strict=True)
        ]

        def run(*own: Tensor) -> tuple[Tensor, ...]:
            return cast("FusedSweep", ctx.fused).run_eagerly(own, ctx.channel_dim)

        return cast("tuple[Tensor, ...]", torch.func.jvp(run, tuple(tensors), tuple(directions))[1])


class _Transformed(torch.autograd.Function):
    """The form that `torch.func`'s transforms take."""

    @staticmethod
    def forward(fused: FusedSweep, channel_dim: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return fused.run(tensors, channel_dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:  # noqa: ARG004
        fused, channel_dim, *tensors = inputs
        _keep(ctx, fused, channel_dim, tensors)

    backward = _Apply.backward
    jvp = _Apply.jvp

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], fused: FusedSweep, channel_dim: int, *tensors: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Sums differ by sample and channels move, so what is batched is left to torch's own operations."""

        def each(*own: Tensor) -> tuple[Tensor, ...]:
            return fused.run_eagerly(own, channel_dim)

        mapped = torch.vmap(each, in_dims=in_dims[2:], randomness=info.randomness)
        found = mapped(*tensors)
        return found, (0,) * len(found)


def _keep(ctx: Any, fused: FusedSweep, channel_dim: int, tensors: Sequence[Tensor]) -> None:
    ctx.fused, ctx.channel_dim = fused, channel_dim
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def _is_transformed() -> bool:
    """Whether `torch.func` is at work: tensors are wrappers then, which only an autograd function unwraps."""
    return torch._C._functorch.maybe_current_level() is not None  # noqa: SLF001 - torch has no public question


def with_upstream(sweep: Sweep, tensors: Sequence[Tensor], upstream: Sequence[Tensor]) -> list[Tensor]:
    """What the derivative of `sweep` reads, in its order."""
    elements, outputs = len(sweep.elements), len(sweep.outputs)
    return [*tensors[:elements], *upstream[:outputs], *tensors[elements:], *upstream[outputs:]]
