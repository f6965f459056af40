"""The file of lanes: a layer whose output has what several activations compute, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from actsearch.export.general import Layer, assembled
from actsearch.export.layout import docstring_lines, facts, fill, head
from actsearch.grammar.activation import Activation


def page(
    lanes: Sequence[Activation],
    *,
    identity: str,
    gains: Sequence[float],
    class_name: str,
    lineage: Mapping[str, Any],
    version: str,
) -> str:
    """The file of a layer of these lanes."""
    pairs = list(zip(lanes, map(float, gains), strict=True))
    layers = [Layer(lane, gain, f"_Lane{i}", f"_lane_{i}") for i, (lane, gain) in enumerate(pairs, 1)]
    formula = "; ".join(f"y{number} = {lane.text}" for number, lane in enumerate(lanes, 1))
    said = facts(
        expression=formula, parameters=chain.from_iterable(lane.parameters for lane in lanes),
        gain=[gain for _, gain in pairs],
        identity=identity, lineage=lineage, version=version,
    )  # fmt: skip
    whole = fill("lanes.py.in", {"class_name": class_name, **_holes(layers)}).rstrip()
    functions = list(chain.from_iterable(layer.functions for layer in layers))
    return assembled(class_name, formula, said, [whole, *(layer.source for layer in layers)], functions)


def _holes(layers: Sequence[Layer]) -> dict[str, str]:
    is_gated = any(layer.is_gated for layer in layers)
    own = dict.fromkeys(chain.from_iterable(layer.arguments for layer in layers))
    arguments = [argument for argument in own if _name(argument) in ("channels", "shared")]
    of_each = ["x, gate" if layer.is_gated else "x" for layer in layers]
    return {
        "claim": f"y{', y'.join(map(str, range(1, len(layers) + 1)))}, one after the other along channel_dim",
        "lanes": docstring_lines(
            f"y{number} = gain * ({layer.activation.text})" for number, layer in enumerate(layers, 1)
        ),
        "halves": docstring_lines(["x and gate are the halves of the input's channels."]) if is_gated else "",
        "init": head(
            "__init__",
            [
                *arguments,
                "channel_dim: int = 1",
                f"gains: tuple[float, ...] = {tuple(layer.gain for layer in layers)!r}",
            ],
        ),
        "init_body": "\n".join(_init(layers)),
        "split": "        x, gate = _inputs(x, None, split=True, channel_dim=self.channel_dim)" if is_gated else "",
        "calls": "\n".join(f"            self.lane_{i}({inputs})," for i, inputs in enumerate(of_each, 1)),
    }


def _init(layers: Sequence[Layer]) -> Iterator[str]:
    if any("shared" in map(_name, layer.arguments) for layer in layers):
        yield "        shared = {} if shared is None else shared"
    for number, layer in enumerate(layers, 1):
        given = [name for name in map(_name, layer.arguments) if name != "split"]
        arguments = ", ".join([*(f"{name}={name}" for name in given), f"gain=gains[{number - 1}]"])
        yield f"        self.lane_{number} = {layer.class_name}({arguments})"


def _name(argument: str) -> str:
    return argument.partition(":")[0]
