"""A genome for a given function, where a space of rules can say it: productions are matched from the top down.

Both sides are in normal form. What the normal form has merged across the border of two productions is not taken apart
again, so that a space may well hold a function for which none is found here; what is found is right.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from actsearch.grammar.activation import Activation, Candidate
from actsearch.grammar.canonical import build, canonical
from actsearch.grammar.expression import Apply, Expression, Parameter
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.protocol import Genome, Space
from actsearch.grammar.space.rules import EVERYWHERE, RuleSpace

_UNORDERED = frozenset({"add", "multiply", "maximum", "minimum"})
_MOST_TERMS = 6
"""Of a sum or product, in which each may belong to any hole."""
_MOST_STEPS = 2_000
"""Comparisons for one function, after which it counts as not found."""
_Bound = Mapping[Parameter, Expression]


def express(space: Space, activation: Activation) -> Genome | None:
    """A genome of `space` that has `activation` at every site, its parameters starting alike; None if none is found.

    How parameters are had (for each layer, for each channel) is as the space has it.
    """
    if not isinstance(space, RuleSpace):
        return None
    wanted = activation.without_factor()
    matching = _Matching(space, {spec.name: spec for spec in wanted.parameters})
    if space.selectors == EVERYWHERE:
        genome = matching.symbol(space.start, wanted.expression)
    else:
        (root,) = space.productions[space.start].values()
        children = [matching.symbol(symbol, wanted.expression) for _, symbol in root.holes]
        known = tuple(child for child in children if child is not None)
        genome = Derivation(production=root, children=known) if len(known) == len(children) else None
    if genome is None or not space.contains(genome) or not _says(space.candidate(genome), wanted):
        return None
    return genome


def _says(candidate: Candidate, wanted: Activation) -> bool:
    own = wanted.with_granularity("layer").id
    return all(part.with_granularity("layer").id == own for _, part in candidate.assignment)


@dataclass(slots=True)
class _Matching:
    """The search for one function; what each symbol makes of each expression is found once."""

    space: RuleSpace
    specs: Mapping[str, ParameterSpec]
    _found: dict[tuple[str, Expression], Derivation | None] = field(default_factory=dict)
    _steps: int = 0

    def symbol(self, symbol: str, expression: Expression) -> Derivation | None:
        """A derivation of `symbol` that says `expression`."""
        key = (symbol, expression)
        if key not in self._found:
            self._found[key] = None  # Of a rule that leads back to itself nothing comes.
            productions = self.space.productions[symbol].values()
            matches = (self._production(production, expression) for production in productions)
            self._found[key] = next((match for match in matches if match is not None), None)
        return self._found[key]

    def _production(self, production: Production, expression: Expression) -> Derivation | None:
        template, holes, own = _pattern(production)
        for bound in self._unified(template, expression, {}, frozenset([*holes, *own])):
            if len(bound) < len(holes) + len(own):
                continue
            specs = self._specs(production, bound)
            if specs is None:
                continue
            children = []
            for hole, (_, symbol) in zip(holes, production.holes, strict=True):
                child = self.symbol(symbol, bound[hole])
                if child is None:
                    break
                children.append(child)
            else:
                return Derivation(production=production, children=tuple(children), parameters=specs)
        return None

    def _specs(self, production: Production, bound: _Bound) -> tuple[ParameterSpec, ...] | None:
        """The production's own parameters, starting as those of the function that stand in their place."""
        specs = []
        for usual in production.alternatives[0]:
            place = bound[Parameter(usual.name) if usual.length is None else Parameter(usual.name, 0)]
            if not isinstance(place, Parameter) or self.specs[place.name].length != usual.length:
                return None
            specs.append(replace(usual, initial=self.specs[place.name].initial))
        return tuple(specs)

    def _unified(
        self, pattern: Expression, expression: Expression, bound: _Bound, variables: frozenset[Parameter]
    ) -> Iterator[_Bound]:
        """Every way to bind the variables of `pattern`, so that it is `expression`, beside what is bound."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return
        if isinstance(pattern, Parameter) and pattern in variables:
            if bound.get(pattern, expression) == expression:
                yield {**bound, pattern: expression}
        elif not isinstance(pattern, Apply):
            if pattern == expression:
                yield bound
        elif isinstance(expression, Apply) and expression.operator == pattern.operator:
            if pattern.operator in _UNORDERED:
                yield from self._unordered(pattern, expression, bound, variables)
            elif len(pattern.arguments) == len(expression.arguments):
                yield from self._ordered(pattern.arguments, expression.arguments, bound, variables)

    def _ordered(
        self, patterns: Sequence[Expression], parts: Sequence[Expression], bound: _Bound,
        variables: frozenset[Parameter],
    ) -> Iterator[_Bound]:  # fmt: skip
        if not patterns:
            yield bound
            return
        for first in self._unified(patterns[0], parts[0], bound, variables):
            yield from self._ordered(patterns[1:], parts[1:], first, variables)

    def _unordered(
        self, pattern: Apply, expression: Apply, bound: _Bound, variables: frozenset[Parameter]
    ) -> Iterator[_Bound]:
        """Terms of `pattern` against terms of `expression`, of which a variable may take several."""
        parts = expression.arguments
        if not len(pattern.arguments) <= len(parts) <= _MOST_TERMS:
            return
        for owners in itertools.product(range(len(pattern.arguments)), repeat=len(parts)):
            shares = [
                [part for part, owner in zip(parts, owners, strict=True) if owner == place]
                for place in range(len(pattern.arguments))
            ]
            if all(shares):
                together = [s[0] if len(s) == 1 else build(pattern.operator, s) for s in shares]
                yield from self._ordered(pattern.arguments, together, bound, variables)


@functools.lru_cache(maxsize=4096)
def _pattern(production: Production) -> tuple[Expression, list[Parameter], list[Parameter]]:
    """The template in normal form, its holes, and the leaves of its own parameters."""
    own = [
        Parameter(spec.name, index)
        for spec in production.alternatives[0]
        for index in ([None] if spec.length is None else range(spec.length))
    ]
    return canonical(production.template), [Parameter(name) for name, _ in production.holes], own
