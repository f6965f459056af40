"""What a space's YAML file may say, key by key."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from actsearch.errors import UnknownNameError
from actsearch.grammar.parameter import LONGEST_ARRAY, granularity_of

MOST_SITES = 64
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bound = Annotated[int, Field(ge=1, le=16)]


def _initial(value: Any) -> float | tuple[float, ...]:
    entries = value if isinstance(value, list) else [value]
    if not all(type(entry) in (int, float) and abs(entry) <= sys.float_info.max for entry in entries):
        raise PydanticCustomError("initial", "input should be a finite number, or a list of such numbers")
    if not 1 <= len(entries) <= LONGEST_ARRAY:
        raise PydanticCustomError("initial", f"a list of initial values has 1 to {LONGEST_ARRAY} entries")
    numbers = tuple(map(float, entries))
    return numbers if isinstance(value, list) else numbers[0]


def _granularities(value: Any) -> tuple[str, ...]:
    choices = value if isinstance(value, list) and value else [value]
    try:
        return tuple(dict.fromkeys(granularity_of(choice) for choice in choices))
    except (UnknownNameError, TypeError):
        expected = "input should be layer, channel, group:N or element, or a list of these to choose from"
        raise PydanticCustomError("granularity", expected) from None


def _sharing(value: Any) -> tuple[bool, ...]:
    choices = value if isinstance(value, list) and value else [value]
    if not all(isinstance(choice, bool) for choice in choices):
        raise PydanticCustomError("shared", "input should be true, false, or a list of both to choose from")
    return tuple(dict.fromkeys(choices))


Initial = Annotated[float | tuple[float, ...], BeforeValidator(_initial)]


class ParameterModel(BaseModel):
    """How a learnable parameter starts, and what may have one of its own."""

    model_config = ConfigDict(extra="forbid")
    initial: Initial = 1.0
    granularity: Annotated[tuple[str, ...], BeforeValidator(_granularities)] = ("layer",)
    """To choose from."""
    shared: Annotated[tuple[bool, ...], BeforeValidator(_sharing)] = (False,)
    """To choose from."""


class OperatorsModel(BaseModel):
    """A production for each operator of the table that works point by point on arguments of one kind."""

    model_config = ConfigDict(extra="forbid")
    arguments: str
    without: list[str] = []


class GraphModel(BaseModel):
    """Graphs of a fixed number of nodes, each a primitive of earlier nodes."""

    model_config = ConfigDict(extra="forbid")
    inputs: Annotated[dict[str, str], Field(min_length=1)]
    nodes: Annotated[int, Field(ge=1, le=32)]
    primitives: Annotated[dict[str, str], Field(min_length=1)]
    output: str = "node"


class SpaceModel(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid")
    title: str
    paper: str
    start: str | None = None
    assign: Annotated[dict[str, str], Field(min_length=1)] | None = None
    rules: Annotated[dict[str, dict[str, str]], Field(min_length=1)] | None = None
    operators: dict[str, OperatorsModel] = {}
    depth: dict[str, Bound] = {}
    most: dict[str, Bound] = {}
    weights: dict[str, dict[str, Weight]] = {}
    starts: dict[str, dict[str, dict[str, dict[str, Initial]]]] = {}
    parameters: dict[str, ParameterModel] = {}
    graph: GraphModel | None = None
    protocols: list[Literal["escape"]] = []
    """Rejections that candidates of this space face beside those of every search."""
