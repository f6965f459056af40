"""An activation as one readable Python file with one public `nn.Module`."""

from __future__ import annotations

import re
import string
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actsearch import __version__
from actsearch.compile import backend as backends
from actsearch.compile.artifact import write_whole
from actsearch.compile.module import attribute
from actsearch.compile.printing import identifiers
from actsearch.compile.stages import gain_as_argument, refuse_beyond_one_input
from actsearch.compile.symbolic import share, sympy_gradients
from actsearch.errors import ConfigError
from actsearch.grammar import text as texts
from actsearch.grammar.activation import Activation

_SKELETON = Path(__file__).with_name("module.py.in")
_LONGEST_LINE = 116
# What the skeleton calls its own things; `nn.Module`'s are seen to by `attribute`.
_RESERVED = frozenset(
    "x y torch nn triton tl warnings ctx upstream inside half found needed tensors sample channel_dim float key "  # noqa: SIM905
    "tolerance function got wanted expected scale error reason".split()
)


def export_module(
    activation: Activation,
    *,
    gain: float = 1.0,
    class_name: str | None = None,
    lineage: Mapping[str, Any] | None = None,
    version: str = __version__,
) -> str:
    """Source of a module that computes `gain` times `activation` and needs torch alone.

    `lineage` is printed into the header as it is given, a line an entry. Raises `UnsupportedError` for an activation
    of two inputs or with statistics, arrays or groups, `ConfigError` for a class name that is none.
    """
    refuse_beyond_one_input(activation)
    name = class_name or "Activation"
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_]*", name):
        raise ConfigError(f"{name!r} is no class name: begin with a capital letter, go on with letters and digits.")
    page = _Page(activation, gain)
    holes = {
        "class_name": name,
        "formula": activation.text,
        "facts": page.facts(lineage or {}, version),
        **page.interface(),
        **page.calls(),
        **page.channel_parts(),
        **page.embedded(),
    }
    empty = {f"${hole}" for hole, filling in holes.items() if not filling}
    lines = [line for line in _SKELETON.read_text("utf-8").splitlines() if line not in empty]
    return string.Template("\n".join(lines)).substitute(holes) + "\n"


def write(path: Path, source: str) -> None:
    """Write the `source` of a module to the file `path`, whole or not at all. Raises `StoreError`."""
    write_whole(path, source)


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
        parameters = [f"{spec.name} = {spec.scalar!r} per {spec.granularity}" for spec in self.specs]
        facts: dict[str, Any] = {
            "expression": self.activation.text,
            **({"parameters": ", ".join(parameters)} if parameters else {}),
            "gain": repr(self.gain_value),
            "hash": self.activation.hash,
            **lineage,
            "made by": f"actsearch {version}",
        }
        return "\n".join(_docstring_line(f"{key}: {value}") for key, value in facts.items())

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
            "argument_facts": "\n".join(_docstring_line(line) for line in about),
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
        names = ["x", *by_parameter]
        found = share([by_x, *by_parameter.values()])
        lines = [f"dy/d{name} = gain * ({texts.write(value)})" for name, value in zip(names, found, strict=True)]
        wrapped = (
            textwrap.wrap(line, _LONGEST_LINE, initial_indent="    # ", subsequent_indent="    #     ")
            for line in lines
        )
        return "\n".join(part for parts in wrapped for part in parts)


def _docstring_line(text: str) -> str:
    """`text` as a wrapped line of a docstring, which it cannot end."""
    safe = text.replace("\\", "/").replace('"""', "'''")
    wrapped = textwrap.wrap(safe, _LONGEST_LINE, initial_indent="    ", subsequent_indent="        ")
    return "\n".join(wrapped)


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
