"""The activation (an expression with its parameters) and the candidate (activations assigned to sites)."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

from actsearch.errors import ParseError, unknown_name
from actsearch.grammar.canonical import canonical, sort_key, split_coefficient
from actsearch.grammar.expression import (
    Constant,
    Expression,
    Input,
    Parameter,
    input_names,
    parameter_names,
    substitute,
)
from actsearch.grammar.text import read, write

if TYPE_CHECKING:
    from torch import nn

Granularity = Literal["layer", "channel"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
HASH_DIGITS = 12
_MOST_ORDERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """A learnable scalar: its value before training, and what has one of its own (the layer, or each channel)."""

    name: str
    initial: float = 1.0
    granularity: Granularity = "layer"

    def __post_init__(self) -> None:
        # 1 and 1.0 are one value, and so are 0.0 and -0.0: they must not make two hashes.
        object.__setattr__(self, "initial", float(self.initial) + 0.0)
        if not math.isfinite(self.initial):
            raise ParseError(f"the parameter {self.name} starts at {self.initial}: give a finite number.")
        granularity_of(self.granularity, noun=f"granularity of the parameter {self.name}")


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function of `x` (and `gate`) with learnable parameters; its expression is in normal form.

    Build one with `parse` or `Activation.of`.
    """

    expression: Expression
    parameters: tuple[ParameterSpec, ...] = ()

    @classmethod
    def of(cls, expression: Expression, parameters: Mapping[str, ParameterSpec] | None = None) -> Self:
        """The activation of an expression in any form; a parameter without a spec starts at 1.0, one per layer."""
        normal = canonical(expression)
        given = parameters or {}
        specs = (given.get(name, ParameterSpec(name=name)) for name in parameter_names(normal))
        return cls(expression=normal, parameters=tuple(specs))

    @cached_property
    def text(self) -> str:
        """Canonical text, which `parse` reads back."""
        return write(self.expression)

    @cached_property
    def hash(self) -> str:
        """Content hash (sha256, hex) of expression, initial values and granularities; blind to parameters' names."""
        document = min(_nameless(self.expression, specs) for specs in _orders(self.expression, self.parameters))
        return hashlib.sha256(document.encode()).hexdigest()

    @property
    def id(self) -> str:
        """The first 12 hex digits of `hash`."""
        return self.hash[:HASH_DIGITS]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs it reads."""
        return input_names(self.expression)

    @property
    def is_per_channel(self) -> bool:
        """Whether some parameter has a value for each channel."""
        return any(spec.granularity == "channel" for spec in self.parameters)

    def scaled(self, factor: float) -> Activation:
        """`factor` times this activation."""
        return Activation.of(Constant(factor) * self.expression, {spec.name: spec for spec in self.parameters})

    def without_factor(self) -> Activation:
        """This activation without the size of its leading constant factor: the same for `f` and `c*f`, c > 0."""
        coefficient, rest = split_coefficient(self.expression)
        if abs(coefficient) == 1 or coefficient == 0 or not self.inputs:
            return self
        return replace(self, expression=canonical(rest if coefficient > 0 else -rest))

    def with_granularity(self, granularity: Granularity) -> Activation:
        """This activation with every parameter of the given granularity."""
        return replace(self, parameters=tuple(replace(spec, granularity=granularity) for spec in self.parameters))

    def parameters_json(self) -> dict[str, dict[str, Any]]:
        """`{NAME: {"initial", "granularity"}}`, as in the command line's JSON."""
        return {spec.name: {"initial": spec.initial, "granularity": spec.granularity} for spec in self.parameters}

    def module(self, **options: Any) -> nn.Module:
        """An `nn.Module` that computes it; see `actsearch.compile.module.build` for the options."""
        # Resolved at the call: the grammar stands below the compiler and knows nothing else of it.
        from actsearch.compile.module import build

        return build(self, **options)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What a search scores: activations assigned to sites by selectors; `"*"` is every site."""

    assignment: tuple[tuple[str, Activation], ...]

    @classmethod
    def everywhere(cls, activation: Activation) -> Self:
        """One activation at every site."""
        return cls(assignment=(("*", activation),))

    @cached_property
    def id(self) -> str:
        """Content hash, 12 hex digits; that of the activation where one stands everywhere."""
        if len(self.assignment) == 1 and self.assignment[0][0] == "*":
            return self.assignment[0][1].id
        document = json.dumps([[selector, activation.hash] for selector, activation in self.assignment])
        return hashlib.sha256(document.encode()).hexdigest()[:HASH_DIGITS]

    @property
    def activation(self) -> Activation:
        """The one activation that stands everywhere; raises ValueError where there are several."""
        (_, activation), *others = self.assignment
        if others:
            raise ValueError("the candidate assigns more than one activation")
        return activation


def parse(text: str, /, **parameters: float | ParameterSpec | tuple[float, Granularity]) -> Activation:
    """The activation that `text` says, e.g. `parse("x * sigmoid(beta * x)", beta=1.5)`.

    A parameter is given as its initial value, as `(initial, granularity)` or as a `ParameterSpec`; one that is not
    given starts at 1.0, one value per layer. Raises `ParseError`.
    """
    expression = read(text)
    _check_normal_form(text, expression)
    known = parameter_names(expression)
    specs: dict[str, ParameterSpec] = {}
    for name, value in parameters.items():
        if name not in known:
            raise ParseError(str(unknown_name(f"parameter of {text[:60]!r}", name, known)))
        specs[name] = _spec(name, value)
    return Activation.of(expression, specs)


def granularity_of(text: str, *, noun: str = "granularity") -> Granularity:
    """The granularity called `text`; raises `UnknownNameError`, which speaks of `noun`."""
    for known in GRANULARITIES:
        if text == known:
            return known
    raise unknown_name(noun, text, GRANULARITIES)


def from_json(text: str, parameters: Mapping[str, Mapping[str, Any]]) -> Activation:
    """The activation with the canonical `text` and the parameters that `parameters_json` gave."""
    specs = {name: ParameterSpec(name=name, **fields) for name, fields in parameters.items()}
    return Activation.of(read(text), specs)


def _spec(name: str, value: float | ParameterSpec | tuple[float, Granularity]) -> ParameterSpec:
    if isinstance(value, ParameterSpec):
        return replace(value, name=name)
    try:
        initial, granularity = value if isinstance(value, tuple) else (value, GRANULARITIES[0])
        return ParameterSpec(name=name, initial=float(initial), granularity=granularity)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ParseError):
            raise
        shown = repr(value)[:60]
        raise ParseError(f"the parameter {name} is {shown}: give a number or (number, granularity).") from None


def _check_normal_form(text: str, expression: Expression) -> None:
    normal = write(canonical(expression))
    try:
        read(normal)
    except ParseError:
        # Whatever a journal or an export writes must be read back.
        raise ParseError(f"the normal form of {text[:60]!r} is too long or too deep: simplify it.") from None


def _nameless(expression: Expression, parameters: tuple[ParameterSpec, ...]) -> str:
    """Text and settings with the parameters numbered by appearance, ties in the normal form broken by their order."""
    ranked = {Parameter(spec.name): Parameter(f"p{rank:03}") for rank, spec in enumerate(parameters)}
    normal = canonical(substitute(expression, cast("Mapping[Expression, Expression]", ranked)))
    order = [int(name[1:]) for name in parameter_names(normal)]
    numbered = {Parameter(f"p{rank:03}"): Parameter(f"p{i}") for i, rank in enumerate(order)}
    settings = [[parameters[rank].initial, parameters[rank].granularity] for rank in order]
    return json.dumps([write(substitute(normal, cast("Mapping[Expression, Expression]", numbered))), settings])


def _orders(expression: Expression, parameters: tuple[ParameterSpec, ...]) -> Iterator[tuple[ParameterSpec, ...]]:
    """Orders of the parameters that their names have no part in; as given if they are too many to try."""
    if len(parameters) < 2:
        yield parameters
        return

    def role(spec: ParameterSpec) -> tuple[object, ...]:
        marked = canonical(substitute(expression, {Parameter(spec.name): Input("")}))
        return (sort_key(marked), spec.granularity, spec.initial)

    roles = {spec: role(spec) for spec in parameters}
    ordered = sorted(parameters, key=roles.__getitem__)
    alike = [tuple(group) for _, group in itertools.groupby(ordered, key=roles.__getitem__)]
    if math.prod(math.factorial(len(group)) for group in alike) > _MOST_ORDERS:
        yield tuple(ordered)
        return
    for groups in itertools.product(*(itertools.permutations(group) for group in alike)):
        yield tuple(itertools.chain.from_iterable(groups))
