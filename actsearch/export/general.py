"""The file of any activation: one readable module of torch's own operations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from actsearch.compile import backend as backends
from actsearch.compile.derive import gradients
from actsearch.compile.module import attribute
from actsearch.compile.parameters import groups_of
from actsearch.compile.stages import inputs_of, told_to
from actsearch.compile.statistics.reductions import estimates
from actsearch.export import tensors
from actsearch.export.layout import LONGEST_LINE, derivatives, docstring_lines, facts, fill, first_line, head
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Constant, Expression, Input, Parameter
from actsearch.grammar.statistic import Axis, Statistic, statistic_of

_LONGEST_START = 60
_STATE = """\
    def _save_to_state_dict(self, destination, prefix, keep_vars):
        _save(self, destination, prefix, keep_vars=keep_vars)

    def _load_from_state_dict(self, state_dict, prefix, *others):
        _size_as(self, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *others)"""
_IMPORTS = {
    "torch.": "import torch",
    "nn.": "from torch import nn",
    "UninitializedParameter": "from torch.nn.parameter import UninitializedParameter",
}


def page(activation: Activation, *, gain: float, class_name: str, lineage: Mapping[str, Any], version: str) -> str:
    """The file of an activation."""
    layer = Layer(activation, float(gain), class_name)
    said = facts(
        expression=activation.text, parameters=activation.parameters, gain=float(gain), identity=activation.hash,
        lineage=lineage, version=version,
    )  # fmt: skip
    return assembled(class_name, f"y = {activation.text}", said, [layer.source], layer.functions)


def assembled(class_name: str, formula: str, said: str, classes: Sequence[str], functions: Sequence[str]) -> str:
    """The file of `classes`, the `functions` that they call and what both call of `tensors`, each once."""
    texts = [*classes, *functions]
    code = "\n\n\n".join(dict.fromkeys([*texts, *tensors.functions(texts)]))
    holes = {
        "class_name": class_name,
        "title": first_line(f"{class_name}: {formula}"),
        "facts": said,
        "imports": "\n".join(line for used, line in _IMPORTS.items() if used in code),
        "code": code,
    }
    return fill("general.py.in", holes)


@dataclass(frozen=True)
class Layer:
    """The class of a layer, and the function that it computes, called `function`."""

    activation: Activation
    gain: float
    class_name: str
    function: str = "_reference"

    @cached_property
    def source(self) -> str:
        """The class."""
        holes = {
            "class_name": self.class_name,
            "claim": first_line(f"y = gain * ({self.activation.text})", "    "),
            "about": docstring_lines(self._about()),
            "remarks": "".join(f"{part}\n\n" for part in ["\n".join(self._constants()), self._derivatives()] if part),
            "init": head("__init__", self._init_arguments()),
            "init_body": _indented(self._init()),
            "inputs": "x: torch.Tensor, gate: torch.Tensor | None = None" if self.is_gated else "x: torch.Tensor",
            "forward_body": _indented(self._forward()),
            "methods": "\n\n".join(self._methods()),
        }
        return fill("layer.py.in", holes).rstrip()

    @cached_property
    def functions(self) -> list[str]:
        """The function and those that it calls."""
        reference = cast("Any", backends.load_backend(backends.REFERENCE))
        text: str = reference.embedded(self.activation, gain=self.gain, name=self.function)
        return text.rstrip().split("\n\n\n")

    @cached_property
    def arguments(self) -> list[str]:
        """What the constructor takes beside the gain."""
        return [
            *(["channels: int | None = None"] if self.has_channels else []),
            *(["channel_dim: int = 1"] if self.is_along_channels or self.is_gated else []),
            *(["split: bool = False"] if self.is_gated else []),
            *(["shared: dict | None = None"] if any(spec.shared for spec in self.specs) else []),
        ]

    @property
    def specs(self) -> tuple[ParameterSpec, ...]:
        """The parameters."""
        return self.activation.parameters

    @cached_property
    def is_gated(self) -> bool:
        """Whether it reads a gate."""
        return "gate" in self.activation.inputs

    @cached_property
    def has_channels(self) -> bool:
        """Whether it holds something for each channel."""
        return bool(self._running) or any(spec.granularity == "channel" for spec in self.specs)

    @cached_property
    def is_along_channels(self) -> bool:
        """Whether every input has channels."""
        return self.has_channels or bool(self._groups) or "channel_dim" in told_to(self.activation)

    @cached_property
    def _statistics(self) -> list[Statistic]:
        return [found for node in self.activation.statistics if (found := statistic_of(node.operator))]

    @cached_property
    def _axes(self) -> set[Axis]:
        """What statistics are over, beside the last dimension."""
        return {found.axis for found in self._statistics} - {"last"}

    @cached_property
    def _groups(self) -> list[int]:
        """The numbers of groups that channels are divided into."""
        own = [groups_of(spec) or 0 for spec in self.specs]
        return sorted({*own, *(found.groups for found in self._statistics)} - {0})

    @cached_property
    def _running(self) -> list[float]:
        """What the running estimates start at."""
        return [float(value[0]) for value in estimates(self.activation.expression, 1).values()]

    @cached_property
    def _named(self) -> list[tuple[str, ParameterSpec]]:
        """The attribute of each parameter."""
        return [(attribute(spec.name), spec) for spec in self.specs]

    def _init_arguments(self) -> list[str]:
        last = [f"gain: float = {self.gain!r}", "inplace: bool = False"]
        # Without others `inplace` is first, because `nn.ReLU(True)` says it without a name.
        return [*self.arguments, *last] if self.arguments else last[::-1]

    def _about(self) -> Iterator[str]:
        has_samples = self._axes or any(spec.granularity == "element" for spec in self.specs)
        shape = [*(["samples first"] if has_samples else [])]
        shape += ["channels along channel_dim"] if self.is_along_channels else []
        which = f" with {' and '.join(shape)}" if shape else ""
        yield f"x may have any shape{which}; y has its shape, dtype and device."
        yield "float16 and bfloat16 are computed in float32 and rounded once."
        if self.is_gated:
            yield "gate has the shape of x; with split=True x and gate are the halves of one tensor's channels."
        if self._running:
            yield (
                "In training statistics over the batch are those of the batch that a process has, and running "
                "estimates follow them by a tenth; in evaluation the estimates stand for them."
            )
        if self.activation.is_stochastic:
            yield "In training each element is drawn anew, by torch's generator; evaluation computes the expectation."
        yield ""
        for own, spec in self._named:
            start = self._start(own, spec).removeprefix("self.")
            kind = "learnable" if spec.length is None else f"learnable array of {spec.length}"
            yield f"{own}: {kind}, {_each(spec)}, {start} at first"
        if self.has_channels:
            yield "channels: size of the dimension channel_dim of x; None takes it from the first input"
        if any(spec.shared for spec in self.specs):
            yield "shared: takes parameters that layers have together by name, and those that it lacks are put there"
        yield "gain: constant factor of the output"
        yield "inplace: taken and ignored"

    def _derivatives(self) -> str:
        """By the inputs and the numbers; nothing where more than the element at hand decides."""
        if not self.activation.is_pointwise:
            return ""
        leaves: list[Input | Parameter] = [Input(name) for name in inputs_of(self.activation)]
        leaves += [Parameter(spec.name) for spec in self.specs if spec.length is None]
        seeds: list[tuple[Expression, Expression]] = [(self.activation.expression, Constant(1.0))]
        found = gradients(seeds, leaves)
        return derivatives({leaf.name: canonical(value) for leaf, value in zip(leaves, found, strict=True)})

    def _start(self, own: str, spec: ParameterSpec) -> str:
        """What a parameter starts at, or the name under which the class has it."""
        short = repr(list(spec.initial) if isinstance(spec.initial, tuple) else spec.initial)
        return short if len(short) <= _LONGEST_START else f"self._start_{own}"

    def _constants(self) -> Iterator[str]:
        """The initial values that are too long to stand where they are used."""
        for own, spec in self._named:
            if self._start(own, spec).startswith("self."):
                yield f"    _start_{own} = ["
                yield _indented(textwrap.wrap(f"{', '.join(map(repr, spec.entries))},", LONGEST_LINE - 8))
                yield "    ]  # fmt: skip"

    def _init(self) -> Iterator[str]:
        if self.is_along_channels or self.is_gated:
            yield "self.channel_dim = channel_dim"
        if self.is_gated:
            yield "self._split = split"
        yield "self.gain = float(gain)"
        if any(spec.shared for spec in self.specs):
            yield "shared = {} if shared is None else shared"
        for own, spec in self._named:
            places = {"layer": "(1,)" if spec.length is None else "()", "channel": "(channels,)", "element": "(None,)"}
            made = f"_learnable({self._start(own, spec)}, {places.get(spec.granularity, f'({groups_of(spec)},)')})"
            yield f"self.{own} = " + (f'shared.setdefault("{spec.name}", {made})' if spec.shared else made)
        for index, start in enumerate(self._running):
            yield f'self.register_buffer("running_{index}", torch.full((channels or 0,), {start!r}))'

    def _forward(self) -> Iterator[str]:
        if self.is_gated:
            yield "x, gate = _inputs(x, gate, split=self._split, channel_dim=self.channel_dim)"
        if self._fit():
            yield "self._fit(x)"
        yield "inside = torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else x.dtype"
        yield f"y = {self.function}("
        yield from (f"    {name}.to(inside)," for name in inputs_of(self.activation))
        yield from (f"    {_placed(own, spec)}," for own, spec in self._named)
        yield "    self.gain,"
        yield from (f"    self.running_{index}," for index in range(len(self._running)))
        yield from (f"    self.{name}," for name in told_to(self.activation))
        yield ")"
        yield "return y.to(x.dtype)"

    def _fit(self) -> list[str]:
        """The lines that look at an input before it is computed with."""
        lines = []
        if self.is_along_channels:
            counts = f", {self._groups}" if self._groups else ""
            lines.append(f"_check_channels(x, self.channel_dim{counts})")
        if self._axes:
            lines.append(f"_check_samples(x, {'self.channel_dim' if self.is_along_channels else '1'})")
        places = {"channel": "(x.shape[self.channel_dim],)", "element": "tuple(x.shape[1:])"}
        for own, spec in self._named:
            if spec.granularity in places:
                lines.append(
                    f'_fit_parameter("{own}", self.{own}, {self._start(own, spec)}, {places[spec.granularity]}, x)'
                )
        for index, start in enumerate(self._running):
            lines.append(f'_fit_estimate(self, "running_{index}", {start!r}, x, self.channel_dim)')
        return lines

    def _methods(self) -> Iterator[str]:
        """What only a layer has that looks at its inputs, or whose tensors may wait for their size."""
        if lines := self._fit():
            about = '"""Look whether x fits, and give what waits for its size that of x."""'
            yield "\n".join(["    def _fit(self, x):", f"        {about}", _indented(lines)])
        if self._running or any(spec.granularity in ("channel", "element") for spec in self.specs):
            yield _STATE


def _each(spec: ParameterSpec) -> str:
    if groups := groups_of(spec):
        return f"one for each of {groups} groups of channels"
    return {"layer": "one", "channel": "one per channel", "element": "one per element of a sample"}[spec.granularity]


def _placed(own: str, spec: ParameterSpec) -> str:
    """A parameter so that it broadcasts against x."""
    if spec.granularity == "layer" and spec.length is None:
        return f"self.{own}.reshape(()).to(inside)"
    inside = f"self.{own}.to(inside)"
    if spec.granularity == "channel":
        return f"_along({inside}, x, self.channel_dim)"
    return f"_per_group({inside}, x, self.channel_dim)" if groups_of(spec) else inside


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)
