"""A search space: typed rules read from one YAML file, sampled, counted and enumerated.

A rule writes a symbol in one of several ways (productions). A production is an expression in which the names of
symbols, alone or numbered (`unary`, `unary_1`, `unary_2`), are holes, and every other name is an input or a
parameter of its own. `depth` bounds how often a symbol may stand on one way from the root to a leaf.
"""

from __future__ import annotations

import difflib
import itertools
import random
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from actsearch.documents import Document, open_document
from actsearch.errors import ParseError, SpaceError, unknown_name
from actsearch.grammar.activation import Activation, Granularity, ParameterSpec
from actsearch.grammar.derivation import Derivation, Production, decode
from actsearch.grammar.expression import Expression, Parameter, parameter_names, substitute
from actsearch.grammar.parameter import array_lengths
from actsearch.grammar.text import read

_HOLE = re.compile(r"^(?P<symbol>.+?)(_\d+)?$")
Depths = Mapping[str, int]
Productions = Mapping[str, Mapping[str, Production]]


class _ParameterModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    initial: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    granularity: Granularity = "layer"


class _SpaceModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    paper: str
    start: str
    rules: Annotated[dict[str, dict[str, str]], Field(min_length=1)]
    depth: dict[str, Annotated[int, Field(ge=1, le=16)]] = {}
    weights: dict[str, dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]] = {}
    parameters: dict[str, _ParameterModel] = {}


@dataclass(frozen=True, kw_only=True)
class Space:
    """A finite set of derivations (up to the initial values of parameters), by its rules."""

    name: str
    title: str
    paper: str
    start: str
    productions: Mapping[str, Mapping[str, Production]]
    depth: Depths
    parameters: Mapping[str, ParameterSpec]
    _counts: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict, repr=False, compare=False)

    def sample(self, random_generator: random.Random) -> Derivation:
        """A random derivation: productions drawn by their weights from those that fit the depth."""
        return self.sample_symbol(self.start, self.depth, random_generator)

    def sample_symbol(self, symbol: str, room: Depths, random_generator: random.Random) -> Derivation:
        """A random derivation of `symbol`; `room` is how often each bounded symbol may still stand below."""
        inside = enter(symbol, room)
        fitting = [p for p in self.productions[symbol].values() if self._count_production(p, inside)]
        production = random_generator.choices(fitting, [p.weight for p in fitting])[0]
        return self.fill(production, inside, random_generator)

    def fill(self, production: Production, room: Depths, random_generator: random.Random) -> Derivation:
        """`production` with random holes, its parameters at the space's initial values."""
        children = (self.sample_symbol(symbol, room, random_generator) for _, symbol in production.holes)
        return Derivation(production=production, children=tuple(children), values=self.initial_values(production))

    def initial_values(self, production: Production) -> tuple[float, ...]:
        """Initial values of the own parameters of `production`."""
        return tuple(self.spec(name).scalar for name in production.parameters)

    def spec(self, name: str) -> ParameterSpec:
        """Declared initial value and granularity of a parameter; numbered copies (`beta_2`) are as their original."""
        original = name if name in self.parameters else re.sub(r"_\d+$", "", name)
        return self.parameters.get(original, ParameterSpec(name=name))

    def activation(self, genome: Derivation) -> Activation:
        """What `genome` stands for."""
        expression, values = genome.express()
        specs = {
            name: ParameterSpec(name=name, initial=value, granularity=self.spec(name).granularity)
            for name, value in values.items()
        }
        return _renumbered(Activation.of(expression, specs))

    def decode(self, text: str) -> Derivation:
        """The genome that `Derivation.encode` wrote."""
        return decode(text, self.productions, self.start)

    def contains(self, genome: Derivation) -> bool:
        """Whether `genome` follows the rules and keeps to the depth."""
        return genome.symbol == self.start and self._fits(genome, self.depth)

    def derives(self, symbol: str, room: Depths) -> bool:
        """Whether `symbol` has any derivation in `room`."""
        return self._count_symbol(symbol, room) > 0

    def size(self) -> int:
        """Number of derivations, not counting initial values; exact."""
        return self._count_symbol(self.start, self.depth)

    def enumerate(self) -> Iterator[Derivation]:
        """Every derivation once, parameters at their initial values, in a fixed order."""
        return self._enumerate_symbol(self.start, self.depth)

    def _fits(self, node: Derivation, room: Depths) -> bool:
        known = self.productions.get(node.symbol, {}).get(node.production.name)
        if not _has_room(node.symbol, room) or node.production != known:
            return False
        if len(node.values) != len(known.parameters):
            return False
        inside = enter(node.symbol, room)
        symbols = [symbol for _, symbol in node.production.holes]
        return [child.symbol for child in node.children] == symbols and all(
            self._fits(child, inside) for child in node.children
        )

    def _count_symbol(self, symbol: str, room: Depths) -> int:
        if not _has_room(symbol, room):
            return 0
        key = (symbol, tuple(room[name] for name in sorted(room)))
        if key not in self._counts:
            inside = enter(symbol, room)
            self._counts[key] = 0  # A rule that only leads back to itself derives nothing.
            self._counts[key] = sum(self._count_production(p, inside) for p in self.productions[symbol].values())
        return self._counts[key]

    def _count_production(self, production: Production, room: Depths) -> int:
        total = 1
        for _, symbol in production.holes:
            total *= self._count_symbol(symbol, room)
        return total

    def _enumerate_symbol(self, symbol: str, room: Depths) -> Iterator[Derivation]:
        if not _has_room(symbol, room):
            return
        inside = enter(symbol, room)
        for production in self.productions[symbol].values():
            if not self._count_production(production, inside):
                continue
            choices = [list(self._enumerate_symbol(hole, inside)) for _, hole in production.holes]
            for children in itertools.product(*choices):
                values = self.initial_values(production)
                yield Derivation(production=production, children=children, values=values)


def enter(symbol: str, room: Depths) -> Depths:
    """What room is left below a `symbol` that stands in `room`."""
    return {**room, symbol: room[symbol] - 1} if symbol in room else room


def read_space(path: Path) -> Space:
    """The space in the YAML file `path`; raises `SpaceError` with file, line and what was expected."""
    document = open_document(path, _SpaceModel, SpaceError)
    try:
        return _build(document)
    except RecursionError:
        raise SpaceError(f"{document.where('rules')}: the rules lead too far into each other.") from None


def _build(document: Document[_SpaceModel]) -> Space:
    model = document.content
    if model.start not in model.rules:
        raise SpaceError(f"{document.where('start')}: {unknown_name('symbol in start', model.start, model.rules)}")
    for section, keys in (("depth", model.depth), ("weights", model.weights)):
        for symbol in keys:
            if symbol not in model.rules:
                error = unknown_name(f"symbol in {section}", symbol, model.rules)
                raise SpaceError(f"{document.where(section, symbol)}: {error}")
    productions = {symbol: _productions(symbol, document) for symbol in model.rules}
    _check_recursion(productions, document)
    _check_names(productions, document)
    space = Space(
        name=document.path.stem,
        title=model.title,
        paper=model.paper,
        start=model.start,
        productions=productions,
        depth=model.depth,
        parameters={
            name: ParameterSpec(name=name, initial=p.initial, granularity=p.granularity)
            for name, p in model.parameters.items()
        },
    )
    if not space.size():
        reason = f"the rules derive nothing from {model.start!r}: raise the depth or add a rule without holes"
        raise SpaceError(f"{document.where('rules', model.start)}: {reason}.")
    return space


def _productions(symbol: str, document: Document[_SpaceModel]) -> dict[str, Production]:
    model = document.content
    texts, weights = model.rules[symbol], model.weights.get(symbol, {})
    for name in weights:
        if name not in texts:
            error = unknown_name(f"production in weights.{symbol}", name, texts)
            raise SpaceError(f"{document.where('weights', symbol, name)}: {error}")
    if not texts:
        raise SpaceError(f"{document.where('rules', symbol)}: rules.{symbol}: expected at least one production.")
    built = {}
    for name, text in texts.items():
        try:
            template = read(text)
            _refuse_arrays(template)
        except ParseError as error:
            raise SpaceError(f"{document.where('rules', symbol, name)}: rules.{symbol}.{name}: {error}") from None
        holes = tuple((hole, found) for hole in parameter_names(template) if (found := _symbol(hole, model.rules)))
        built[name] = Production(
            name=name, symbol=symbol, template=template, holes=holes, weight=weights.get(name, 1.0)
        )
    return built


def _refuse_arrays(template: Expression) -> None:
    for name, length in array_lengths(template).items():
        if length is not None:
            raise ParseError(f"{name} is indexed, but array parameters in a space are not supported by this version.")


def _symbol(name: str, symbols: Container[str]) -> str | None:
    match = _HOLE.match(name)
    candidates = (name, match["symbol"] if match else name)
    return next((candidate for candidate in candidates if candidate in symbols), None)


def _check_recursion(productions: Productions, document: Document[_SpaceModel]) -> None:
    """Refuse rules that could go round for ever: every cycle of symbols must pass through a bounded one."""
    edges = {s: {hole for p in by_name.values() for _, hole in p.holes} for s, by_name in productions.items()}
    bounded = set(document.content.depth)
    finished: set[str] = set()

    def visit(symbol: str, above: tuple[str, ...]) -> None:
        if symbol in above:
            cycle = " -> ".join((*above[above.index(symbol) :], symbol))
            reason = f"the rules go round without end ({cycle}): bound one of these symbols under `depth`"
            raise SpaceError(f"{document.where('rules', symbol)}: {reason}.")
        if symbol not in finished:
            for hole in sorted(edges[symbol] - bounded):
                visit(hole, (*above, symbol))
            finished.add(symbol)

    for symbol in edges:
        visit(symbol, ())


def _check_names(productions: Productions, document: Document[_SpaceModel]) -> None:
    """Refuse names that nothing uses, and those that cannot mean what they seem to."""
    declared = document.content.parameters
    used: set[str] = set()
    for symbol, by_name in productions.items():
        for production in by_name.values():
            used |= set(production.parameters)
            for name in production.parameters:
                stem = re.sub(r"_\d+$", "", name)
                near = difflib.get_close_matches(stem, productions, n=1, cutoff=0.75)
                if near and name not in declared and stem not in declared:
                    where = document.where("rules", symbol, production.name)
                    reason = f"{name!r} is no symbol (did you mean {near[0]}?): a parameter so called is to be declared"
                    raise SpaceError(f"{where}: rules.{symbol}.{production.name}: {reason} under `parameters`.")
    reached = _reached(document.content.start, productions)
    for symbol in productions:
        if symbol not in reached:
            reason = "nothing leads to this symbol; a name of the language (x, e, sin, ...) cannot be one"
            raise SpaceError(f"{document.where('rules', symbol)}: rules.{symbol}: {reason}.")
    for name in declared:
        if name not in used:
            error = unknown_name("parameter (no rule uses it)", name, used)
            raise SpaceError(f"{document.where('parameters', name)}: {error}")


def _reached(start: str, productions: Productions) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        symbol = waiting.pop()
        if symbol not in reached:
            reached.add(symbol)
            waiting += [hole for production in productions[symbol].values() for _, hole in production.holes]
    return reached


def _renumbered(activation: Activation) -> Activation:
    """The same function with numbered parameters (`beta`, `beta_2`, ...) in order of appearance."""
    names: dict[str, str] = {}
    for spec in activation.parameters:
        stem = re.sub(r"_\d+$", "", spec.name)
        taken = sum(re.sub(r"_\d+$", "", done) == stem for done in names)
        names[spec.name] = f"{stem}_{taken + 1}" if taken else stem
    replacements: dict[Expression, Expression] = {Parameter(old): Parameter(new) for old, new in names.items()}
    specs = {names[spec.name]: replace(spec, name=names[spec.name]) for spec in activation.parameters}
    return Activation.of(substitute(activation.expression, replacements), specs)


def _has_room(symbol: str, room: Depths) -> bool:
    return room.get(symbol, 1) > 0
