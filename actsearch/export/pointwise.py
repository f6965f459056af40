"""The file of a function of x with numbers for parameters: one readable module, with Triton's kernels in it."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Mapping
from typing import Any

from actsearch.compile import backend as backends
from actsearch.compile.module import attribute
from actsearch.compile.printing import identifiers
from actsearch.compile.stages import gain_as_argument
from actsearch.compile.symbolic import share, sympy_gradients
from actsearch.export.layout import derivatives, docstring_lines, facts, fill, first_line
from actsearch.grammar.activation import Activation

# What the skeleton calls its own things; `nn.Module`'s are seen to by `attribute`.
_RESERVED = frozenset(
    "x y torch nn triton tl warnings ctx upstream inside half found needed tensors sample channel_dim float key "  # noqa: SIM905
    "tolerance function got wanted expected scale error reason".split()
)


def takes(activation: Activation) -> bool:
    """Whether it is a function of x alone whose parameters are numbers per layer or channel."""
    return "gate" not in activation.inputs and activation.unsupported_by_pointwise(("layer", "channel")) is None


def page(activation: Activation, *, gain: float, class_name: str, lineage: Mapping[str, Any], version: str) -> str:
    """The file of an activation that this form `takes`."""
    parts = _Page(activation, gain)
    holes = {
        "class_name": class_name,
        "title": first_line(f"{class_name}: y = {activation.text}"),
        "claim": first_line(f"y = gain * ({activation.text})", "    "),
        "facts": parts.facts(lineage, version),
        **parts.interface(),
        **parts.calls(),
        **parts.channel_parts(),
        **parts.embedded(),
    }
    return fill("pointwise.py.in", holes)


_EACH = {"layer": "shape (1,)", "channel": "one per channel"}


class _Page:
    """What goes into the skeleton's holes."""

    def __init__(self, activation: Activation, gain: float) -> None:
        self.activation = activation
        self.specs = activation.parameters
        self.gain_value = float(gain)
        lifted = gain_as_argument(activation, gain)
        (constant, _), = lifted.constants  # fmt: skip
        names = identifiers([*(spec.name for spec in self.specs), constant], _RESERVED)
        self.gain = names[constant]
        self.names = [names[spec.name] for spec in self.specs]
        self.attributes = [attribute(spec.name) for spec in self.specs]
        self.per_channel = [
            (own, spec.scalar)
            for own, spec in zip(self.attributes, self.specs, strict=True)
            if spec.granularity == "channel"
        ]
        self.rest = [self.gain, *(["channel_dim"] if self.per_channel else [])]

    def facts(self, lineage: Mapping[str, Any], version: str) -> str:
        return facts(
            expression=self.activation.text,
            parameters=self.specs,
            gain=self.gain_value,
            identity=self.activation.hash,
            lineage=lineage,
            version=version,
        )

    def interface(self) -> dict[str, str]:
        """The constructor and what is said of its arguments."""
        channels = ["channels: int | None = None"] if self.per_channel else []
        dimension = ["channel_dim: int = 1"] if self.per_channel else []
        gain = f"gain: float = {self.gain_value!r}"
        arguments = ["self", *channels, *dimension, gain, "inplace: bool = False"]
        if not self.per_channel:
            # First, because `nn.ReLU(True)` says it without a name.
            arguments = ["self", "inplace: bool = False", gain]
        about = [
            f"{own}: learnable, {_EACH[spec.granularity]}, {spec.scalar!r} at first"
            for own, spec in zip(self.attributes, self.specs, strict=True)
        ]
        if self.per_channel:
            about += ["channels: size of the dimension channel_dim of x; None takes it from the first input"]
        about += ["gain: constant factor of the output", "inplace: taken and ignored"]
        return {
            "shape_note": " with channels along channel_dim" if self.per_channel else "",
            "argument_facts": docstring_lines(about),
            "derivatives": self._derivatives(),
            "init_arguments": ", ".join(arguments),
            "init_body": "\n".join(self._init_lines()),
        }

    def calls(self) -> dict[str, str]:
        """Argument lists: the parameters, then the gain, then the channel dimension if there is any."""
        own = [f"self.{name}" for name in self.attributes]
        own_and_rest = ", ".join([*own, "self.gain", *(["self.channel_dim"] if self.per_channel else [])])
        rest = f"({', '.join(self.rest)},)" if len(self.rest) == 1 else f"{', '.join(self.rest)}"
        tensors = ["x", *self.names]
        return {
            "own": own_and_rest,
            "can_fuse": (_FIT_AND_FUSE if self.per_channel else _FUSE).format(own=own_and_rest),
            "names": ", ".join([*self.names, *self.rest]),
            "typed": ", ".join(
                [*(f"{name}: torch.Tensor" for name in self.names), f"{self.gain}: float"]
                + (["channel_dim: int"] if self.per_channel else [])
            ),
            "reference_arguments": ", ".join([*self.names, self.gain]),
            "rest": rest,
            "tensors": ", ".join(tensors),
            "unpacked": ", ".join(tensors) if self.names else "(x,)",
            "nones": ", ".join("None" for _ in self.rest) + ("," if not self.rest else ""),
            "sample_tensors": ", ".join(["sample", *self.names]) + ("," if not self.names else ""),
            "sample_rest": ", ".join([self.gain, *(["1"] if self.per_channel else [])]),
            "sample_channels": "x.shape[channel_dim]" if self.per_channel else "3",
            "aligned": "\n".join(self._aligned()),
        }

    def channel_parts(self) -> dict[str, str]:
        """What only a module with per-channel parameters has."""
        if not self.per_channel:
            return dict.fromkeys(("lazy_import", "channel_methods", "along"), "")
        table = "{" + ", ".join(f'"{own}": {initial!r}' for own, initial in self.per_channel) + "}"
        methods = string.Template(_CHANNEL_METHODS).substitute(table=table)
        return {
            "lazy_import": "from torch.nn.parameter import UninitializedParameter",
            "channel_methods": textwrap.indent(methods, "    ").rstrip(),
            "along": _ALONG.rstrip(),
        }

    def embedded(self) -> dict[str, str]:
        """The mathematics, as the backends print it."""
        kernels = backends.load_backend("triton").embedded(self.activation, gain=self.gain_value)
        reference = backends.load_backend(backends.REFERENCE).embedded(self.activation, gain=self.gain_value)
        # Inside an `if` one empty line stands between definitions, not two.
        inner = textwrap.indent(kernels.replace("\n\n\n", "\n\n"), "    ")
        return {"kernels": inner.rstrip(), "reference": reference.rstrip()}

    def _init_lines(self) -> list[str]:
        lines = ["self.channel_dim = channel_dim"] if self.per_channel else []
        for own, spec in zip(self.attributes, self.specs, strict=True):
            if spec.granularity == "layer":
                lines.append(f"self.{own} = nn.Parameter(torch.full((1,), {spec.scalar!r}))")
            else:
                given = f"nn.Parameter(torch.full((channels,), {spec.scalar!r}))"
                lines.append(f"self.{own} = UninitializedParameter() if channels is None else {given}")
        return [f"        {line}" for line in lines]

    def _aligned(self) -> list[str]:
        return [
            f"    {name} = _along({name}, x, channel_dim)"
            if spec.granularity == "channel"
            else f"    {name} = {name}.reshape(())"
            for name, spec in zip(self.names, self.specs, strict=True)
        ]

    def _derivatives(self) -> str:
        _, by_x, by_parameter = sympy_gradients(self.activation.expression)
        return derivatives(dict(zip(["x", *by_parameter], share([by_x, *by_parameter.values()]), strict=True)))


_FUSE = """
        if not torch.jit.is_scripting():  # alone on its line, else TorchScript compiles what follows
            if _can_fuse(x):
                return _fused(x, {own})""".lstrip("\n")
_FIT_AND_FUSE = """
        if not torch.jit.is_scripting():
            self._fit_channels(x)
            if _can_fuse(x):
                return _fused(x, {own})""".lstrip("\n")

_CHANNEL_METHODS = '''
def _fit_channels(self, x):
    """Give parameters without a shape that of the input's channels, and check the others'."""
    if not -x.dim() <= self.channel_dim < x.dim():
        raise ValueError(f"channel_dim is {self.channel_dim}, but the input has only {x.dim()} dimension(s)")
    channels = x.shape[self.channel_dim]
    for name, initial in $table.items():
        parameter = getattr(self, name)
        if isinstance(parameter, UninitializedParameter):
            parameter.materialize((channels,), device=x.device)
            nn.init.constant_(parameter, initial)
        if parameter.numel() != channels:
            raise ValueError(f"{name} has {parameter.numel()} channels, but the input has {channels}")

def _save_to_state_dict(self, destination, prefix, keep_vars):
    for name, parameter in self.named_parameters(recurse=False):
        as_it_is = keep_vars or isinstance(parameter, UninitializedParameter)
        destination[prefix + name] = parameter if as_it_is else parameter.detach()

def _load_from_state_dict(self, state_dict, prefix, *others):
    for name in $table:
        parameter, saved = getattr(self, name), state_dict.get(prefix + name)
        waits = isinstance(parameter, UninitializedParameter)
        if waits and saved is not None and not isinstance(saved, UninitializedParameter):
            parameter.materialize(saved.shape)
    super()._load_from_state_dict(state_dict, prefix, *others)
'''

_ALONG = """

def _along(parameter: torch.Tensor, x: torch.Tensor, channel_dim: int) -> torch.Tensor:
    shape = [1] * x.dim()
    shape[channel_dim] = -1
    return parameter.reshape(shape)
"""
