"""Sweeps under autograd: derivatives of every order from the same compiler, for every backend."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from actsearch.compile.noise import noise
from actsearch.compile.reference import evaluate_sweep
from actsearch.compile.statistics.schedule import Schedule
from actsearch.compile.statistics.scheduled import Scheduled, Together
from actsearch.compile.sweep import Sweep, vjp
from actsearch.grammar.expression import Apply


class Runner(Protocol):
    """A compiled sweep without statistics."""

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The sweep's outputs, of the shape and dtype of the first element; its sums, of those of the parameters.

        Sums for totals are 1-D, in the dtype that is computed in.
        """


class Compiler(Protocol):
    """What a backend makes of sweeps.

    It may also have `together(schedule, constants)`, a `scheduled.Together`, and `merging`, see `schedule`.
    """

    def __call__(self, sweep: Sweep, constants: tuple[float, ...]) -> Runner | None:
        """The runner of a sweep without statistics with those values of its constants; None to leave it to torch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a call of a sweep is told besides its tensors.

    With a `seed` the sweep's noise is drawn from it, else it stands among the tensors. `known` are the values of
    statistics that an earlier call has found.
    """

    channel_dim: int
    seed: int | None = None
    known: Mapping[Apply, Tensor] = field(default_factory=dict)


@functools.cache
def plain_call(channel_dim: int) -> Call:
    """A call of which nothing else is to be told."""
    return Call(channel_dim=channel_dim)


_NOTHING: Mapping[Apply, Tensor] = {}
Observer = Callable[[Mapping[Apply, Tensor]], None]
"""Is told the values of a forward's statistics."""


@dataclass(kw_only=True)
class FusedSweep:
    """A sweep of compiled kernels, with eager torch for what they cannot: other dtypes, and sweeps left to it.

    `constants` are the values of the sweep's constants by name, `noise` the elements that are drawn. A derivative is
    compiled when it is first asked for.
    """

    sweep: Sweep
    constants: tuple[tuple[str, float], ...]
    compiler: Compiler
    dtypes: tuple[torch.dtype, ...]
    noise: tuple[str, ...] = ()

    @cached_property
    def runner(self) -> Runner | Scheduled | None:
        """The compiled sweep."""
        values = tuple(value for _, value in self.constants)
        if not self.sweep.has_statistics:
            return self.compiler(self.sweep, values)
        together: Callable[[Schedule, tuple[float, ...]], Together] | None = getattr(self.compiler, "together", None)
        scheduled = Scheduled(
            self.sweep,
            lambda sweep: self.compiler(sweep, values),
            None if together is None else lambda schedule: together(schedule, values),
            merging=getattr(self.compiler, "merging", False),
        )
        return scheduled if scheduled.is_compiled else None

    @cached_property
    def _plain(self) -> Runner | None:
        """The runner if nothing is drawn or found on the way: that of most calls, which are to cost little."""
        return None if self.noise or isinstance(self.runner, Scheduled) else self.runner

    @cached_property
    def derivative(self) -> FusedSweep:
        """The vector-Jacobian product."""
        return FusedSweep(
            sweep=vjp(self.sweep), constants=self.constants, compiler=self.compiler, dtypes=self.dtypes,
            noise=self.noise,
        )  # fmt: skip

    def run(self, tensors: Sequence[Tensor], call: Call) -> tuple[tuple[Tensor, ...], Mapping[Apply, Tensor]]:
        """Outputs and sums for the elements and then the parameters in `tensors`; autograd sees nothing of it.

        Also the values of the statistics that it found.
        """
        if self._plain is not None and tensors[0].dtype in self.dtypes:
            count = len(self.sweep.elements)
            return self._plain(tensors[:count], tensors[count:], call.channel_dim), _NOTHING
        elements, parameters = self.split(tensors, call)
        if self.runner is None or elements[0].dtype not in self.dtypes:
            return self._eagerly(tensors, call)
        if isinstance(self.runner, Scheduled):
            return self.runner.run(elements, parameters, call.channel_dim, call.known)
        return self.runner(elements, parameters, call.channel_dim), {}

    def run_eagerly(self, tensors: Sequence[Tensor], call: Call) -> tuple[Tensor, ...]:
        """Outputs and sums by torch's own operations, which autograd and `torch.func` can look into."""
        return self._eagerly(tensors, call)[0]

    def _eagerly(self, tensors: Sequence[Tensor], call: Call) -> tuple[tuple[Tensor, ...], Mapping[Apply, Tensor]]:
        elements, parameters = self.split(tensors, call)
        return evaluate_sweep(self.sweep, dict(self.constants), (*elements, *parameters), call.channel_dim)

    def differentiable(
        self, tensors: Sequence[Tensor], call: Call, observer: Observer | None = None
    ) -> tuple[Tensor, ...]:
        """Outputs and sums, which autograd can differentiate as often as wanted."""
        if is_transformed():
            found = _Transformed.apply(self, call, *tensors)  # type: ignore[no-untyped-call]
        else:
            found = _Apply.apply(self, call, observer, *tensors)  # type: ignore[no-untyped-call]
        return cast("tuple[Tensor, ...]", found)

    def given(self, call: Call) -> list[str]:
        """The elements that stand among the tensors of a call, in their order."""
        return [name for name in self.sweep.elements if call.seed is None or name not in self.noise]

    def split(self, tensors: Sequence[Tensor], call: Call) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """All elements, and the parameters."""
        if call.seed is None or not self.noise:
            count = len(self.sweep.elements)
            return tensors[:count], tensors[count:]
        given = self.given(call)
        known = dict(zip(given, tensors, strict=False))
        known |= {name: noise(call.seed, index, tensors[0]) for index, name in enumerate(self.noise)}
        return [known[name] for name in self.sweep.elements], tensors[len(given) :]

    def with_noise(
        self, tensors: Sequence[Tensor], dims: Sequence[int | None], batch: int, call: Call
    ) -> tuple[list[Tensor], list[int | None]]:
        """The tensors of a call for `batch` samples and the dimensions of these, the noise among them."""
        given = self.given(call)
        first = tensors[0] if dims[0] is None else tensors[0].movedim(dims[0], 0)
        shaped = first.expand(batch, *first.shape) if dims[0] is None else first
        known = dict(zip(given, zip(tensors, dims, strict=True), strict=False))
        for index, name in enumerate(self.noise):
            known[name] = (noise(cast("int", call.seed), index, shaped), 0)
        pairs = [*(known[name] for name in self.sweep.elements), *list(zip(tensors, dims, strict=True))[len(given) :]]
        return [tensor for tensor, _ in pairs], [dim for _, dim in pairs]

    def with_upstream(self, tensors: Sequence[Tensor], upstream: Sequence[Tensor], call: Call) -> list[Tensor]:
        """What the derivative reads, in its order, of what this one does and the gradients by what it writes."""
        drawn = 0 if call.seed is None else len(self.noise)
        elements, outputs = len(self.sweep.elements) - drawn, len(self.sweep.outputs)
        return [*tensors[:elements], *upstream[:outputs], *tensors[elements:], *upstream[outputs:]]

    def gradients(self, found: Sequence[Tensor], call: Call) -> tuple[Tensor | None, ...]:
        """For each of the tensors of a call its gradient of those that the derivative `found`; None for fixed ones."""
        if not self.sweep.fixed:
            return tuple(found)
        names = (*self.given(call), *(name for name, _ in self.sweep.parameters))
        left = iter(found)
        return tuple(None if name in self.sweep.fixed else next(left) for name in names)


class _Apply(torch.autograd.Function):
    """The quick form: torch inspects the signatures of functions in the other one at every call."""

    @staticmethod
    def forward(
        ctx: Any, fused: FusedSweep, call: Call, observer: Observer | None, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        results, statistics = fused.run(tensors, call)
        ctx.fused, ctx.call, ctx.nodes = fused, call, tuple(statistics)
        ctx.save_for_backward(*tensors, *statistics.values())
        ctx.save_for_forward(*tensors)
        if observer is not None:
            observer(statistics)
        return results

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        fused: FusedSweep = ctx.fused
        # Once: checkpoints make tensors anew for each time that they are asked for, and refuse a second.
        saved = ctx.saved_tensors
        count = len(saved) - len(ctx.nodes)
        tensors = fused.with_upstream(saved[:count], upstream, ctx.call)
        if torch.is_grad_enabled():
            # Statistics depend on the elements, which a derivative of this one has to know.
            found = fused.derivative.differentiable(tensors, replace(ctx.call, known={}))
        else:
            call = ctx.call
            if ctx.nodes:
                call = replace(call, known=dict(zip(ctx.nodes, saved[count:], strict=True)))
            found, _ = fused.derivative.run(tensors, call)
        return (None, None, None, *fused.gradients(found, ctx.call))

    @staticmethod
    def jvp(ctx: Any, _fused: None, _call: None, _observer: None, *tangents: Tensor | None) -> tuple[Tensor, ...]:
        return _forward_mode(ctx, tangents)


class _Transformed(torch.autograd.Function):
    """The form that `torch.func`'s transforms take."""

    @staticmethod
    def forward(fused: FusedSweep, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        return fused.run(tensors, call)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:  # noqa: ARG004
        ctx.fused, ctx.call, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        fused: FusedSweep = ctx.fused
        tensors = fused.with_upstream(ctx.saved_tensors, upstream, ctx.call)
        if torch.is_grad_enabled():
            found = fused.derivative.differentiable(tensors, ctx.call)
        else:
            found, _ = fused.derivative.run(tensors, ctx.call)
        return (None, None, *fused.gradients(found, ctx.call))

    @staticmethod
    def jvp(ctx: Any, _fused: None, _call: None, *tangents: Tensor | None) -> tuple[Tensor, ...]:
        return _forward_mode(ctx, tangents)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], fused: FusedSweep, call: Call, *tensors: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Sums differ by sample and channels move, so what is batched is left to torch's own operations."""
        given, dims = list(tensors), list(in_dims[2:])
        if call.seed is not None and fused.noise:
            given, dims = fused.with_noise(given, dims, info.batch_size, call)
            call = replace(call, seed=None)

        def each(*own: Tensor) -> tuple[Tensor, ...]:
            # Views: an input may not come back as an output.
            return fused.run_eagerly([tensor.view_as(tensor) for tensor in own], call)

        found = torch.vmap(each, in_dims=tuple(dims))(*given)
        return found, (0,) * len(found)


def _forward_mode(ctx: Any, tangents: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """Forward-mode derivatives, which are rare, are left to torch's own operations."""
    tensors = ctx.saved_tensors[: len(tangents)]
    directions = [
        torch.zeros_like(tensor) if tangent is None else tangent
        for tensor, tangent in zip(tensors, tangents, strict=True)
    ]

    def run(*own: Tensor) -> tuple[Tensor, ...]:
        return cast("FusedSweep", ctx.fused).run_eagerly(own, ctx.call)

    return cast("tuple[Tensor, ...]", torch.func.jvp(run, tuple(tensors), tuple(directions))[1])


def is_transformed() -> bool:
    """Whether `torch.func` is at work: tensors are wrappers then, which only an autograd function unwraps."""
    return torch._C._functorch.maybe_current_level() is not None  # noqa: SLF001 - torch has no public question
