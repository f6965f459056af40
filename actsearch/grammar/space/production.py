"""A production: one way to write a symbol."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.grammar.expression import Expression, Parameter
from actsearch.grammar.parameter import ParameterSpec

Specs = tuple[ParameterSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """A template whose holes are symbols and whose parameters are fresh at each use."""

    name: str
    symbol: str
    template: Expression
    holes: tuple[tuple[str, str], ...]
    """(name in the template, symbol that fills it), in order of appearance."""
    weight: float = 1.0
    alternatives: tuple[Specs, ...] = ((),)
    """Ways in which the template's own parameters may start and be had, at least one; all name the same parameters, in
    order of appearance."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the template's own parameters."""
        return tuple(spec.name for spec in self.alternatives[0])

    def settings(self) -> tuple[tuple[tuple[str, bool], ...], ...]:
        """The different ways in which the own parameters may be had: granularity and sharing of each."""
        return tuple(dict.fromkeys(map(settings_of, self.alternatives)))

    def allows(self, specs: Specs) -> bool:
        """Whether own parameters may be as `specs` says, whatever their initial values."""
        own = self.alternatives[0]
        if [(spec.name, spec.length) for spec in specs] != [(spec.name, spec.length) for spec in own]:
            return False
        return not own or settings_of(specs) in self.settings()


def settings_of(specs: Specs) -> tuple[tuple[str, bool], ...]:
    """Granularity and sharing of each parameter."""
    return tuple((spec.granularity, spec.shared) for spec in specs)


def nodes_of(spec: ParameterSpec) -> list[Parameter]:
    """The leaves that stand for a parameter in a tree: one, or one for each entry of an array."""
    return [Parameter(spec.name)] if spec.length is None else [Parameter(spec.name, i) for i in range(spec.length)]
