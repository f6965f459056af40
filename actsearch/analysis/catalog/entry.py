"""An entry of the catalog: a named function, where it comes from, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, Candidate
from actsearch.grammar.expression import INPUTS
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.statistic import statistic_of
from actsearch.grammar.text import read

Family = Literal[
    "rectified", "clipped", "exponential", "sigmoidal", "self_gated", "softened", "power", "periodic", "wavelet",
    "radial", "polynomial", "rational", "spline", "blended", "stochastic", "gated", "lanes", "attention",
    "normalising", "mixing",
]  # fmt: skip
FAMILIES: tuple[Family, ...] = get_args(Family)
"""What an entry may belong to, in the order in which the catalog lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another name of an entry; the year and source of whoever published the function under it, if known."""

    name: str
    year: int | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A named function and where it comes from; its formula is parsed when it is first asked for.

    It has a `formula`, or one for each output lane in `lanes`, or neither: then `beyond` says what it takes that the
    language has no word for.
    """

    name: str
    family: Family
    year: int
    source: str
    formula: str | None = None
    lanes: tuple[str, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    also: tuple[Alias, ...] = ()
    domain: str | None = None
    """Where the published function has finite values, if not everywhere on |x| <= 20."""
    note: str | None = None
    beyond: str | None = None

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other names."""
        return tuple(alias.name for alias in self.also)

    @cached_property
    def activation(self) -> Activation:
        """The function as one activation; raises `UnsupportedError` for an entry that is none."""
        self.check_formula()
        if self.formula is None:
            raise UnsupportedError(
                f"the catalog function {self.name} has {len(self.lanes)} output lanes, and what is asked for takes one "
                f"function: write one of them, such as {self.lanes[0]!r}."
            )
        return self._parsed(self.formula)

    @cached_property
    def candidate(self) -> Candidate:
        """The activation everywhere, or those of the lanes, assigned to `lane:1`, `lane:2` and so on.

        Input lane 1 is `x`, input lane 2 is `gate`. Raises `UnsupportedError` for an entry without a formula.
        """
        self.check_formula()
        if self.formula is not None:
            return Candidate.everywhere(self.activation)
        lanes = ((f"lane:{index}", self._parsed(text)) for index, text in enumerate(self.lanes, start=1))
        return Candidate(assignment=tuple(lanes))

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """What it takes beyond one input, numbers as parameters, and one output for each input; may be empty."""
        if self.beyond is not None:
            return (self.beyond,)
        activations = [activation for _, activation in self.candidate.assignment]
        axes = {
            statistic.axis: None
            for activation in activations
            for node in activation.statistics
            if (statistic := statistic_of(node.operator)) is not None
        }
        needs = ["two inputs"] * any(set(activation.inputs) == set(INPUTS) for activation in activations)
        needs += [f"statistics over {axis}" for axis in axes]
        needs += ["an array parameter"] * any(spec.length is not None for spec in self.parameters)
        needs += ["a draw in training"] * any(activation.is_stochastic for activation in activations)
        return (*needs, f"{len(self.lanes)} output lanes") if self.lanes else tuple(needs)

    def check_formula(self) -> None:
        """Raise `UnsupportedError`, which names the entry, if it has no formula."""
        if self.beyond is not None:
            raise UnsupportedError(f"the catalog function {self.name} has no formula here: it needs {self.beyond}.")

    def to_json(self) -> dict[str, Any]:
        """Everything about it, as in the command line's JSON; `id` is null without a formula."""
        return {
            "name": self.name,
            "family": self.family,
            "formula": self.formula,
            "lanes": list(self.lanes),
            "parameters": {spec.name: spec.to_json() for spec in self.parameters},
            "aliases": list(self.aliases),
            "published_as": [
                {"name": alias.name, "year": alias.year, "source": alias.source} for alias in self.also if alias.year
            ],
            "year": self.year,
            "source": self.source,
            "needs": list(self.needs),
            "domain": self.domain,
            "note": self.note,
            "id": None if self.beyond is not None else self.candidate.id,
        }

    def _parsed(self, text: str) -> Activation:
        specs = {spec.name: spec for spec in self.parameters}
        lengths = {name: spec.length for name, spec in specs.items() if spec.length is not None}
        return Activation.of(read(text, lengths), specs)
