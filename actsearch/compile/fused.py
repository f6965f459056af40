"""A fused activation as a backend's function: its sweep in training, its sweep in evaluation, and the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from actsearch.compile.autograd import Call, Compiler, FusedSweep, is_transformed, plain_call
from actsearch.compile.noise import new_seed
from actsearch.compile.parameters import entries, groups_of
from actsearch.compile.reference import Eager, Estimates
from actsearch.compile.stages import Staged, stage
from actsearch.compile.statistics.cells import channel_of
from actsearch.compile.statistics.reductions import check_running, needed, update
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Apply
from actsearch.grammar.statistic import statistic_of


@dataclass(frozen=True)
class Fused:
    """`gain` times an activation, its sweeps compiled by `compiler`; see `actsearch.compile.backend.Function`."""

    activation: Activation
    compiler: Compiler
    dtypes: tuple[torch.dtype, ...]
    gain: float = 1.0

    @cached_property
    def eager(self) -> Eager:
        """The reference."""
        return Eager(self.activation, self.gain)

    @cached_property
    def forward(self) -> FusedSweep:
        """The sweep of a training."""
        return self._fused(self.training)

    @cached_property
    def training(self) -> Staged:
        """What the sweep of a training is made from."""
        return stage(self.activation, gain=self.gain)

    @cached_property
    def evaluation(self) -> Staged:
        """What the sweep of an evaluation is made from."""
        return stage(self.activation, gain=self.gain, training=False)

    @cached_property
    def evaluated(self) -> FusedSweep:
        """The sweep of an evaluation, which may be that of a training."""
        return self._fused(self.evaluation) if self._has_modes else self.forward

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`."""
        x = inputs[0]
        if x.dtype not in self.dtypes:
            return self.eager(inputs, parameters, channel_dim, estimates)
        if self._has_modes:
            return self._in_mode(inputs, parameters, channel_dim, estimates)
        if self._groups and x.dim():
            # Groups as channels: a view of x has a dimension for them, and no parameter is repeated.
            dim = channel_dim % x.dim()
            apart = [tensor.unflatten(dim, (self._groups, x.shape[dim] // self._groups)) for tensor in inputs]
            tensors = (*apart, *swept_tensors(self.activation, parameters, apart[0], dim))
            return self._of(tensors, dim).flatten(dim, dim + 1)
        tensors = (*inputs, *parameters)
        if not self._is_swept_as_it_is:
            tensors = (*inputs, *swept_tensors(self.activation, parameters, x, channel_dim))
        return self._of(tensors, channel_dim)

    def _of(self, tensors: tuple[Tensor, ...], channel_dim: int) -> Tensor:
        """The activation of what its sweep reads."""
        if _is_learnt(tensors):
            return self.forward.differentiable(tensors, plain_call(channel_dim))[0]
        return self.forward.run(tensors, plain_call(channel_dim))[0][0]

    def _in_mode(
        self, inputs: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int, estimates: Estimates | None
    ) -> Tensor:
        """The activation, where training differs from evaluation."""
        x = inputs[0]
        is_training = estimates is None or estimates.training
        running = estimates.running if estimates is not None else {}
        tensors = [*inputs, *swept_tensors(self.activation, parameters, x, channel_dim)]
        if self.training.batch:
            self._check(running, x, channel_dim)
        if not is_training:
            tensors += running_tensors(self.evaluation, running)
        fused = self.forward if is_training else self.evaluated
        call = Call(channel_dim=channel_dim, seed=new_seed() if fused.noise else None)
        if _is_learnt(tensors):
            observer = (lambda found: self._observe(found, running)) if is_training and running else None
            return fused.differentiable(tensors, call, observer)[0]
        results, statistics = fused.run(tensors, call)
        if is_training:
            self._observe(statistics, running)
        return results[0]

    @cached_property
    def _has_modes(self) -> bool:
        """Whether training differs from evaluation."""
        return bool(self.training.batch or self.training.noise)

    @cached_property
    def _groups(self) -> int | None:
        """The number of groups, if the parameters that are not per layer all have as many, and that is all."""
        specs = [spec for spec in self.activation.parameters if spec.granularity != "layer"]
        groups = {groups_of(spec) for spec in specs}
        return groups.pop() if len(groups) == 1 and not self.forward.sweep.has_statistics else None

    @cached_property
    def _is_swept_as_it_is(self) -> bool:
        """Whether the sweep reads every parameter as it is."""
        specs = self.activation.parameters
        return all(spec.length is None and not spec.granularity.startswith("group") for spec in specs)

    def prepare(self, x: Tensor, channel_dim: int, worker: Executor) -> Future[None] | None:
        """Have `worker` compile forward and backward for inputs like `x`; None where the backend cannot ahead."""
        ahead = getattr(self.forward.runner, "prepare", None)
        return ahead(x, channel_dim, worker) if ahead is not None and x.dtype in self.dtypes else None

    def _fused(self, staged: Staged) -> FusedSweep:
        return FusedSweep(
            sweep=staged.sweep, constants=staged.constants, compiler=self.compiler, dtypes=self.dtypes,
            noise=staged.noise,
        )  # fmt: skip

    def _check(self, running: Mapping[str, Tensor], x: Tensor, channel_dim: int) -> None:
        """Raise `ConfigError` for running estimates of other channels."""
        for text, node in self.training.batch:
            statistic = statistic_of(node.operator) if isinstance(node, Apply) else None
            if statistic is not None and text in running:
                channel = channel_of(statistic, x.shape, channel_dim)
                check_running(text, running[text], x.shape[channel], channel)

    def _observe(self, found: Mapping[Apply, Tensor], running: Mapping[str, Tensor]) -> None:
        """Move the running estimates towards the statistics that a training step found."""
        for text, node in self.training.batch:
            if text in running and isinstance(node, Apply) and node in found:
                update(running[text], found[node].to(running[text].dtype))


def _is_learnt(tensors: Sequence[Tensor]) -> bool:
    """Whether derivatives may be asked for."""
    return (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)) or is_transformed()


def swept_tensors(
    activation: Activation, parameters: Sequence[Tensor], x: Tensor, channel_dim: int
) -> Iterator[Tensor]:
    """What the activation's sweep reads of its parameters."""
    for parameter, spec in zip(parameters, activation.parameters, strict=True):
        yield from entries(parameter, spec, x, channel_dim)


def running_tensors(staged: Staged, running: Mapping[str, Tensor]) -> list[Tensor]:
    """The running estimates that the sweep of an evaluation reads; raises `UnsupportedError` if one is missing."""
    read = {name for name, _ in staged.sweep.parameters}
    return [needed(text, running.get(text)) for text, node in staged.batch if getattr(node, "name", None) in read]
