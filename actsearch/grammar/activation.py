"""The activation (an expression with its parameters) and the candidate (activations assigned to sites)."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from actsearch.errors import ParseError, unknown_name
from actsearch.grammar.canonical import (
    build,
    canonical,
    is_ordered_by_names,
    normal_again,
    sort_key,
    split_coefficient,
)
from actsearch.grammar.expression import (
    INPUTS,
    Apply,
    Constant,
    Expression,
    Input,
    Parameter,
    Survey,
    parameter_names,
    rename,
    substitute,
    survey,
)
from actsearch.grammar.expression import parameters as parameters_in
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.parameter import (
    GRANULARITIES,
    Granularity,
    ParameterSpec,
    fitting,
    granularity_of,
    lengths_of,
)
from actsearch.grammar.statistic import check_nesting, statistic_of, statistics
from actsearch.grammar.text import read, write

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "GRANULARITIES", "Activation", "Candidate", "Granularity", "ParameterSpec", "candidate_from_json", "from_json",
    "granularity_of", "parse",
]  # fmt: skip

HASH_DIGITS = 12
_MOST_ORDERS = 24
_SELECTOR = re.compile(r"(layer|lane):[1-9]\d{0,3}")
_WORD = re.compile(r"(?<![\w\[])[A-Za-z_]\w*")
Given = float | Sequence[float] | ParameterSpec | tuple[float | Sequence[float], str]
"""How a parameter is given to `parse`."""


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function of `x` (and `gate`) with learnable parameters; its expression is in normal form.

    Build one with `parse` or `Activation.of`.
    """

    expression: Expression
    parameters: tuple[ParameterSpec, ...] = ()

    @classmethod
    def of(cls, expression: Expression, parameters: Mapping[str, ParameterSpec] | None = None) -> Self:
        """The activation of an expression in any form; a parameter without a spec starts at 1.0, one per layer.

        An array without a spec is as long as its largest index needs. Raises `ParseError` for statistics more than
        two deep in each other, and for a spec that is no array of at least that length where one is indexed.
        """
        given = parameters or {}
        written = survey(expression)
        if any(map(statistic_of, written.operators)):
            check_nesting(expression)
        for name, length in lengths_of(written.parameters).items():
            fitting(name, length, given.get(name))
        return cls.of_normal(canonical(expression), given)

    @classmethod
    def of_normal(cls, expression: Expression, parameters: Mapping[str, ParameterSpec]) -> Self:
        """The activation of an expression that is in normal form; for the rest see `of`."""
        found = survey(expression)
        if any(map(statistic_of, found.operators)):
            check_nesting(expression)
        lengths = lengths_of(found.parameters)
        specs = (fitting(name, length, parameters.get(name)) for name, length in lengths.items())
        activation = cls(expression=expression, parameters=tuple(specs))
        activation.__dict__["survey"] = found
        return activation

    @cached_property
    def survey(self) -> Survey:
        """What occurs in the expression."""
        return survey(self.expression)

    @cached_property
    def text(self) -> str:
        """Canonical text, which `parse` reads back."""
        return write(self.expression)

    @cached_property
    def hash(self) -> str:
        """Content hash (sha256, hex) of expression and parameters' settings; blind to their names."""
        if len(self.parameters) < 2 or not is_ordered_by_names(self.expression):
            document = self._numbered()
        else:
            document = min(_nameless(self.expression, specs) for specs in _orders(self.expression, self.parameters))
        return hashlib.sha256(document.encode()).hexdigest()

    def _numbered(self) -> str:
        """What `_nameless` gives where no name breaks a tie: the text with the parameters numbered as they appear."""
        specs = {spec.name: spec for spec in self.parameters}
        order = list(dict.fromkeys(node.name for node in self.survey.parameters))
        numbers = {name: f"p{index}" for index, name in enumerate(order)}
        # What follows a bracket is an axis or an index; what follows a digit is the exponent of a number.
        text = _WORD.sub(lambda match: numbers.get(match[0], match[0]), self.text) if numbers else self.text
        return json.dumps([text, [_settings(specs[name]) for name in order]])

    @property
    def id(self) -> str:
        """The first 12 hex digits of `hash`."""
        return self.hash[:HASH_DIGITS]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs it reads."""
        return tuple(name for name in INPUTS if name in self.survey.inputs)

    @cached_property
    def statistics(self) -> tuple[Apply, ...]:
        """The statistics it takes, those inside others before them, each once."""
        return statistics(self.expression) if any(map(statistic_of, self.survey.operators)) else ()

    @cached_property
    def is_stochastic(self) -> bool:
        """Whether something of it is drawn in training."""
        return self._first_drawn is not None

    @cached_property
    def _first_drawn(self) -> str | None:
        return next((name for name in self.survey.operators if name in OPERATORS and OPERATORS[name].drawn), None)

    @property
    def is_pointwise(self) -> bool:
        """Whether each element of the output depends on that element of the inputs alone, without a draw."""
        return not self.statistics and not self.is_stochastic

    def unsupported_by_pointwise(self, granularities: Container[str] | None = None) -> str | None:
        """The first part that a tool for pointwise functions cannot take, such as `the statistic mean[last](x)`.

        None if there is no statistic, nothing drawn and no array parameter. A tool that knows some granularities only
        names them: then a parameter of another one, or one that sites share, is such a part too.
        """
        for statistic in self.statistics:
            return f"the statistic {write(statistic)[:60]}"
        if self.is_stochastic:
            return f"the operator {self._first_drawn}"
        for spec in self.parameters:
            if spec.length is not None:
                return f"the array parameter {spec.name}"
            if granularities is not None and spec.shared:
                return f"the shared parameter {spec.name}"
            if granularities is not None and spec.granularity not in granularities:
                return f"the parameter {spec.name} of granularity {spec.granularity}"
        return None

    def scaled(self, factor: float) -> Activation:
        """`factor` times this activation."""
        return Activation.of(Constant(factor) * self.expression, {spec.name: spec for spec in self.parameters})

    def without_factor(self) -> Activation:
        """This activation without the size of its leading constant factor: the same for `f` and `c*f`, c > 0."""
        coefficient, rest = split_coefficient(self.expression)
        if abs(coefficient) == 1 or coefficient == 0 or not self.inputs:
            return self
        bare = normal_again(rest)
        return replace(self, expression=bare if coefficient > 0 else build("negative", (bare,)))

    def renamed(self, names: Mapping[str, str]) -> Activation:
        """This activation with the parameters that are keys of `names` called otherwise."""
        specs = [replace(spec, name=names.get(spec.name, spec.name)) for spec in self.parameters]
        expression = rename(self.expression, names)
        # Names have a part in the normal form only where they break ties.
        is_normal = not is_ordered_by_names(self.expression)
        return (Activation.of_normal if is_normal else Activation.of)(expression, {spec.name: spec for spec in specs})

    def with_granularity(self, granularity: Granularity) -> Activation:
        """This activation with every parameter of the given granularity."""
        return replace(self, parameters=tuple(replace(spec, granularity=granularity) for spec in self.parameters))

    def parameters_json(self) -> dict[str, dict[str, Any]]:
        """`{NAME: {"initial", "granularity"}}`, as in the command line's JSON; `"shared"` too where it is true."""
        return {spec.name: spec.to_json() for spec in self.parameters}

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

    @cached_property
    def text(self) -> str:
        """Canonical text, which `candidate_from_json` reads back: `layer:1 = relu(x); layer:2 = x`."""
        if self.is_everywhere:
            return self.activation.text
        return "; ".join(f"{selector} = {activation.text}" for selector, activation in self.assignment)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that some activation reads."""
        return tuple(name for name in INPUTS if any(name in activation.inputs for _, activation in self.assignment))

    def parameters_json(self) -> dict[str, dict[str, Any]]:
        """Those of the activation that stands everywhere; else by selector, `{"layer:1": {NAME: {...}}}`."""
        if self.is_everywhere:
            return self.activation.parameters_json()
        return {selector: activation.parameters_json() for selector, activation in self.assignment}

    def with_granularity(self, granularity: Granularity) -> Candidate:
        """This candidate with every parameter of the given granularity."""
        parts = ((selector, activation.with_granularity(granularity)) for selector, activation in self.assignment)
        return Candidate(assignment=tuple(parts))

    @property
    def is_everywhere(self) -> bool:
        """Whether it is one activation at every site."""
        return [selector for selector, _ in self.assignment] == ["*"]

    @property
    def activation(self) -> Activation:
        """The one activation that stands everywhere; raises ValueError where there are several."""
        (_, activation), *others = self.assignment
        if others:
            raise ValueError("the candidate assigns more than one activation")
        return activation

    def module(self, **options: Any) -> nn.Module:
        """An `nn.Module` that computes it; see `actsearch.compile.lanes.build_lanes` for the options."""
        from actsearch.compile.lanes import build_candidate

        return build_candidate(self, **options)


def parse(text: str, /, **parameters: Given) -> Activation:
    """The activation that `text` says, e.g. `parse("x * sigmoid(beta * x)", beta=1.5)`.

    A parameter is given as its initial value (a number, or a sequence of numbers for an array), as
    `(initial, granularity)` or as a `ParameterSpec`; one that is not given starts at 1.0, one value per layer, an array
    as long as its largest index needs; `pwpoly(x, c)` has all entries of an array that is given as c. Raises
    `ParseError`, and `UnknownNameError` for an unknown granularity.
    """
    specs = {name: _spec(name, value) for name, value in parameters.items()}
    expression = read(text, {name: spec.length for name, spec in specs.items() if spec.length is not None})
    _check_normal_form(text, expression)
    known = parameter_names(expression)
    for name in specs:
        if name not in known:
            raise ParseError(str(unknown_name(f"parameter of {text[:60]!r}", name, known)))
    return Activation.of(expression, specs)


def from_json(text: str, parameters: Mapping[str, Mapping[str, Any]]) -> Activation:
    """The activation with the canonical `text` and the parameters that `parameters_json` gave."""
    specs = {name: ParameterSpec(name=name, **fields) for name, fields in parameters.items()}
    return Activation.of(read(text), specs)


def candidate_from_json(text: str, parameters: Mapping[str, Mapping[str, Any]]) -> Candidate:
    """The candidate with the canonical `text` and the parameters that `Candidate.parameters_json` gave.

    Raises `ParseError` for a part without a selector, or a selector that stands twice.
    """
    if "=" not in text:
        return Candidate.everywhere(from_json(text, parameters))
    parts = []
    for part in text.split(";"):
        selector, equals, own = (word.strip() for word in part.partition("="))
        if not equals or not _SELECTOR.fullmatch(selector):
            raise ParseError(f"{part.strip()[:60]!r} assigns nothing: write layer:1 = relu(x); layer:2 = tanh(x).")
        parts.append((selector, from_json(own, parameters.get(selector, {}))))
    if len(dict(parts)) < len(parts):
        raise ParseError(f"{text[:60]!r} assigns twice to one site.")
    return Candidate(assignment=tuple(parts))


def _spec(name: str, value: Given) -> ParameterSpec:
    if isinstance(value, ParameterSpec):
        return replace(value, name=name)
    try:
        initial, granularity = _initial_and_granularity(value)
        return ParameterSpec(name=name, initial=initial, granularity=granularity)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ParseError):
            raise
        shown = repr(value)[:60]
        expected = "a number, a list of numbers or (number, granularity)"
        raise ParseError(f"the parameter {name} is {shown}: give {expected}.") from None


def _initial_and_granularity(value: Any) -> tuple[float | tuple[float, ...], str]:
    """What `(initial, granularity)` says, a pair whose second is text; anything else is an initial value alone."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str):
        initial, granularity = value
    else:
        initial, granularity = value, GRANULARITIES[0]
    return tuple(map(float, initial)) if isinstance(initial, tuple | list) else float(initial), granularity


def _check_normal_form(text: str, expression: Expression) -> None:
    normal = write(canonical(expression))
    try:
        read(normal)
    except ParseError:
        # Whatever a journal or an export writes must be read back.
        raise ParseError(f"the normal form of {text[:60]!r} is too long or too deep: simplify it.") from None


def _nameless(expression: Expression, parameters: tuple[ParameterSpec, ...]) -> str:
    """Text and settings with the parameters numbered by appearance, ties in the normal form broken by their order."""
    ranked = {spec.name: f"p{rank:03}" for rank, spec in enumerate(parameters)}
    normal = canonical(rename(expression, ranked))
    order = [int(name[1:]) for name in parameter_names(normal)]
    numbered = {f"p{rank:03}": f"p{i}" for i, rank in enumerate(order)}
    return json.dumps([write(rename(normal, numbered)), [_settings(parameters[rank]) for rank in order]])


def _settings(spec: ParameterSpec) -> list[Any]:
    return [spec.initial, spec.granularity, *(["shared"] if spec.shared else [])]


def _mark(parameter: Parameter) -> str:
    return "" if parameter.index is None else f"{parameter.index:03}"


def _orders(expression: Expression, parameters: tuple[ParameterSpec, ...]) -> Iterator[tuple[ParameterSpec, ...]]:
    """Orders of the parameters that their names have no part in; as given if they are too many to try."""
    if len(parameters) < 2:
        yield parameters
        return

    nodes_of_parameters = parameters_in(expression)

    def role(spec: ParameterSpec) -> tuple[object, ...]:
        nodes = [node for node in nodes_of_parameters if node.name == spec.name]
        marks: dict[Expression, Expression] = {node: Input(_mark(node)) for node in nodes}
        marked = canonical(substitute(expression, marks))
        return (sort_key(marked), spec.granularity, spec.entries, spec.length is None, spec.shared)

    roles = {spec: role(spec) for spec in parameters}
    ordered = sorted(parameters, key=roles.__getitem__)
    alike = [tuple(group) for _, group in itertools.groupby(ordered, key=roles.__getitem__)]
    if math.prod(math.factorial(len(group)) for group in alike) > _MOST_ORDERS:
        yield tuple(ordered)
        return
    for groups in itertools.product(*(itertools.permutations(group) for group in alike)):
        yield tuple(itertools.chain.from_iterable(groups))
