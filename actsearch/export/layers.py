"""The file of an assignment to layers: one module that is told which layer of a model it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from actsearch.errors import UnsupportedError
from actsearch.export.general import Layer, assembled
from actsearch.export.layout import docstring_lines, facts, fill, head
from actsearch.grammar.activation import Activation, Candidate

_SAID = {
    "channels": "size of the dimension channel_dim of x; None takes it from the first input",
    "channel_dim": "where channels lie",
    "shared": "one dict, given to every layer, takes the parameters that layers have together, by name",
}


def layers_of(candidate: Candidate) -> tuple[Activation, ...] | None:
    """The activations of `layer:1`, `layer:2` and so on; None if the candidate assigns to anything else.

    Raises `UnsupportedError` for a gate.
    """
    found = dict(candidate.assignment)
    numbered = [f"layer:{number}" for number in range(1, len(found) + 1)]
    if set(found) != set(numbered) or len(found) < len(candidate.assignment):
        return None
    if "gate" in candidate.inputs:
        raise UnsupportedError("layers that read gate cannot be exported together: export each activation by itself.")
    return tuple(found[selector] for selector in numbered)


def page(
    activations: Sequence[Activation],
    *,
    identity: str,
    gains: Sequence[float],
    class_name: str,
    lineage: Mapping[str, Any],
    version: str,
) -> str:
    """The file of these activations, by number of their layer; what stands in several layers is in it once."""
    pairs = list(zip(activations, map(float, gains), strict=True))
    numbers = {pair: number for number, pair in reversed(list(enumerate(pairs, 1)))}
    layers = {number: Layer(*pair, f"_Layer{number}", f"_layer_{number}") for pair, number in numbers.items()}
    layers = dict(sorted(layers.items()))
    formulas = [f"layer {number}: y = {activation.text}" for number, activation in enumerate(activations, 1)]
    said = facts(
        expression="; ".join(formulas), parameters=chain.from_iterable(f.parameters for f, _ in numbers),
        gain=[gain for _, gain in pairs], identity=identity, lineage=lineage, version=version,
    )  # fmt: skip
    table = "\n".join(["_LAYERS = {", *_table(layers, [numbers[pair] for pair in pairs]), "}"])
    whole = fill("layers.py.in", {"class_name": class_name, **_holes(list(layers.values()), pairs)}).rstrip()
    functions = list(chain.from_iterable(layer.functions for layer in layers.values()))
    title = f"a function of x for each of {len(pairs)} layers"
    return assembled(class_name, title, said, [whole, *(layer.source for layer in layers.values()), table], functions)


def _holes(layers: Sequence[Layer], pairs: Sequence[tuple[Activation, float]]) -> dict[str, str]:
    arguments = list(dict.fromkeys(chain.from_iterable(layer.arguments for layer in layers)))
    names = [_name(argument) for argument in arguments]
    return {
        "claim": f"y = gain * f(x), with f and gain of layer 1 to {len(pairs)}",
        "formulas": docstring_lines(
            f"{number}: {gain!r} * ({activation.text})" for number, (activation, gain) in enumerate(pairs, 1)
        ),
        "arguments": docstring_lines(f"{name}: {_SAID[name]}" for name in names),
        "init": head("__init__", ["layer: int", *arguments, "inplace: bool = False"]),
        "init_body": f"        given = {{{', '.join(f'{name!r}: {name}' for name in names)}}}".replace("'", '"'),
    }


def _table(layers: Mapping[int, Layer], made: Sequence[int]) -> Iterator[str]:
    for number, of in enumerate(made, 1):
        takes = [_name(argument) for argument in layers[of].arguments]
        yield f"    {number}: ({layers[of].class_name}, {takes!r}),".replace("'", '"')


def _name(argument: str) -> str:
    return argument.partition(":")[0]
