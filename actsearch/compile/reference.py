"""The reference that kernels are held against, and their stand-in: expressions by torch's own operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.noise import new_seed, noise
from actsearch.compile.parameters import along, entries, swept
from actsearch.compile.stages import Prepared, inputs_of, prepare
from actsearch.compile.statistics.reductions import Reductions, write_once
from actsearch.compile.sweep import Sweep
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.expression import Apply, Expression

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a call needs to know for batch statistics: whether it is training, and the running estimates by text."""

    training: bool
    running: Mapping[str, Tensor]


@dataclass(frozen=True)
class Eager:
    """The reference: `gain` times an activation with torch's own operations, differentiated by autograd.

    float16 and bfloat16 are computed in float32 and rounded once, as kernels do.
    """

    activation: Activation
    gain: float = 1.0

    def __post_init__(self) -> None:
        # Now, and not in the first call, into which torch.compile may be looking.
        self._training, self._evaluation  # noqa: B018

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`; see `actsearch.compile.backend.Function`."""
        x = inputs[0]
        inside = computed_in(x.dtype)
        known = estimates or Estimates(training=True, running={})
        prepared, evaluator = self._training if known.training else self._evaluation
        values = {name: tensor.to(inside) for name, tensor in zip(inputs_of(self.activation), inputs, strict=True)}
        for spec, parameter in zip(self.activation.parameters, parameters, strict=True):
            values[spec.name] = _placed(parameter.to(inside), spec, x, channel_dim)
        if prepared.noise:
            seed = new_seed()
            values |= {name: noise(seed, index, x).to(inside) for index, name in enumerate(prepared.noise)}
        reductions = None
        if self.activation.statistics:
            running = {write_once(node): known.running[text] for text, node in prepared.batch if text in known.running}
            reductions = Reductions(x.shape, channel_dim=channel_dim, training=known.training, running=running)
        return evaluator(values, reductions).to(x.dtype)

    @cached_property
    def _training(self) -> tuple[Prepared, Evaluator]:
        return self._prepared(training=True)

    @cached_property
    def _evaluation(self) -> tuple[Prepared, Evaluator]:
        return self._prepared(training=False) if self.activation.is_stochastic else self._training

    def _prepared(self, *, training: bool) -> tuple[Prepared, Evaluator]:
        prepared = prepare(self.activation, gain=self.gain, training=training)
        return prepared, compile_eager(prepared.expression)


def evaluate_sweep(
    sweep: Sweep, constants: Mapping[str, float], tensors: Sequence[Tensor], channel_dim: int
) -> tuple[tuple[Tensor, ...], dict[Apply, Tensor]]:
    """The outputs and sums of a sweep for its elements and then its parameters in `tensors`.

    Also the values of its statistics over the batch, of shape (channels,).
    """
    count = len(sweep.elements)
    x, inside = tensors[0], computed_in(tensors[0].dtype)
    granularities = dict(sweep.parameters)
    own = dict(zip(granularities, tensors[count:], strict=True))
    values = {name: tensor.to(inside) for name, tensor in zip(sweep.elements, tensors[:count], strict=True)}
    values |= {
        name: along(parameter.to(inside), granularities[name], x, channel_dim) for name, parameter in own.items()
    }
    values |= {name: x.new_tensor(value, dtype=inside) for name, value in constants.items()}
    reductions = Reductions(x.shape, channel_dim=channel_dim) if sweep.has_statistics else None

    def element(expression: Expression) -> Tensor:
        found = compile_eager(expression)(values, reductions)
        # An expression that reads another element than the first, or none, has no reason to have its shape.
        return found.expand(x.shape) if found.shape != x.shape else found

    outputs = [element(value).to(x.dtype) for _, value in sweep.outputs]
    sums = [_summed(element(value), own[of], granularities[of], channel_dim) for _, of, value in sweep.sums]
    return (*outputs, *sums), reductions.over_batch if reductions is not None else {}


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """The dtype that tensors of `dtype` are computed in."""
    return torch.float32 if dtype in _HALF else dtype


def _placed(parameter: Tensor, spec: ParameterSpec, x: Tensor, channel_dim: int) -> Tensor:
    """A parameter so that it broadcasts against `x`, the entries of an array along a dimension in front."""
    granularity = swept(spec.granularity)
    found = [along(entry, granularity, x, channel_dim) for entry in entries(parameter, spec, x, channel_dim)]
    return found[0] if spec.length is None else torch.stack(found)


def _summed(values: Tensor, parameter: Tensor, granularity: str, channel_dim: int) -> Tensor:
    """`values` summed over the elements that share a value of `parameter`, like `parameter`."""
    if granularity == "layer" or values.dim() == 0:
        return values.sum().to(parameter.dtype).reshape(parameter.shape)
    kept = range(1, values.dim()) if granularity == "element" else (channel_dim % values.dim(),)
    others = [dimension for dimension in range(values.dim()) if dimension not in kept]
    total = values.sum(others) if others else values
    return total.to(parameter.dtype).reshape(parameter.shape)
