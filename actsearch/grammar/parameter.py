"""A learnable parameter: a number or a short array, how it starts, and what has one of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from actsearch.errors import ParseError, UnknownNameError, UnsupportedError, unknown_name
from actsearch.grammar.expression import Expression, Parameter, parameters
from actsearch.grammar.statistic import MOST_GROUPS

GRANULARITIES = ("layer", "channel", "group:8", "element")
"""What a value may be had by; any number of groups of channels may stand for the 8."""
LONGEST_ARRAY = 256
_GROUPS = re.compile(r"group(?::([1-9][0-9]{0,3}))?")


def granularity_of(text: str, *, noun: str = "granularity") -> str:
    """The granularity called `text`, `group` being `group:8`; raises `UnknownNameError`, which speaks of `noun`."""
    if text in GRANULARITIES:
        return text
    match = _GROUPS.fullmatch(text)
    groups = int(match[1] or 8) if match else 0
    if not 1 <= groups <= MOST_GROUPS:
        raise unknown_name(noun, text, GRANULARITIES)
    return f"group:{groups}"


def _for_a_document(text: str) -> str:
    try:
        return granularity_of(text)
    except UnknownNameError:
        raise PydanticCustomError("granularity", "Input should be layer, channel, group:N or element") from None


Granularity = Annotated[str, AfterValidator(_for_a_document)]
"""`layer`, `channel`, `group:N` (N groups of channels) or `element` (of one sample); documents are checked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """A learnable parameter: its value before training, and what has one of its own.

    `initial` is a number, or the 1 to 256 entries of an array, all finite. `shared` says that the sites of a model
    have one parameter together. Raises `ParseError`, and `UnknownNameError` for an unknown granularity.
    """

    name: str
    initial: float | tuple[float, ...] = 1.0
    granularity: Granularity = "layer"
    shared: bool = False

    def __post_init__(self) -> None:
        entries = _entries(self.initial)
        if not 1 <= len(entries) <= LONGEST_ARRAY:
            raise ParseError(f"the parameter {self.name} has {len(entries)} entries: give 1 to {LONGEST_ARRAY}.")
        for entry in entries:
            if not math.isfinite(entry):
                raise ParseError(f"the parameter {self.name} starts at {entry}: give a finite number.")
        object.__setattr__(self, "initial", entries if isinstance(self.initial, tuple | list) else entries[0])
        noun = f"granularity of the parameter {self.name}"
        object.__setattr__(self, "granularity", granularity_of(self.granularity, noun=noun))

    @property
    def length(self) -> int | None:
        """Number of entries of an array; None for a number."""
        return len(self.initial) if isinstance(self.initial, tuple) else None

    @property
    def entries(self) -> tuple[float, ...]:
        """The initial values: one of a number, those of an array."""
        return _entries(self.initial)

    @property
    def scalar(self) -> float:
        """The initial value of a number; raises `UnsupportedError` for an array."""
        if isinstance(self.initial, tuple):
            raise UnsupportedError(f"the array parameter {self.name} is not supported here by this version.")
        return self.initial

    def to_json(self) -> dict[str, Any]:
        """`{"initial", "granularity"}`, an array as a list, and `"shared"` where it is."""
        initial = list(self.initial) if isinstance(self.initial, tuple) else self.initial
        return {"initial": initial, "granularity": self.granularity, **({"shared": True} if self.shared else {})}


def array_lengths(expression: Expression) -> Mapping[str, int | None]:
    """The least length of each parameter of `expression`; see `lengths_of`."""
    return lengths_of(parameters(expression))


def lengths_of(nodes: Iterable[Parameter]) -> Mapping[str, int | None]:
    """The least length of each parameter by its indices, None where it is a number; in the order given.

    Raises `ParseError` for a parameter that is indexed at one place and not at another.
    """
    lengths: dict[str, int | None] = {}
    for node in nodes:
        needed = None if node.index is None else node.index + 1
        known = lengths.setdefault(node.name, needed)
        if (known is None) != (needed is None):
            raise ParseError(f"the parameter {node.name} is indexed at one place and not at another.")
        if needed is not None:
            lengths[node.name] = max(needed, known or 0)
    return lengths


def fitting(name: str, needed: int | None, given: ParameterSpec | None) -> ParameterSpec:
    """The spec of a parameter whose indices need that length, 1.0 where none is given.

    Raises `ParseError` for a given one that is no array though it is indexed, that is one though it is not, or that
    is too short.
    """
    if given is None:
        return ParameterSpec(name=name, initial=1.0 if needed is None else (1.0,) * needed)
    if needed is None and given.length is not None:
        raise ParseError(f"the parameter {name} is an array: index it, as in {name}[0].")
    if needed is not None and given.length is None:
        raise ParseError(f"the parameter {name} is indexed: give it as an array of numbers.")
    if needed is not None and needed > (given.length or 0):
        raise ParseError(f"the parameter {name} has {given.length} entries: {name}[{needed - 1}] is none of them.")
    return given


def _entries(initial: float | Sequence[float]) -> tuple[float, ...]:
    # 1 and 1.0 are one value, and so are 0.0 and -0.0: they must not make two hashes.
    return tuple(float(entry) + 0.0 for entry in (initial if isinstance(initial, tuple | list) else (initial,)))
