"""A match (a catalog function and what carries it over to the one asked about) and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

KNOWN, CLOSE = 1e-5, 0.01
"""Largest difference on [-5, 5] of a function that counts as known, as close (of its range, if that is below 1)."""
DOMAIN = 5.0
Verdict = Literal["known", "close", "new"]
Limit = Literal["0", "inf", "-inf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A catalog function g with `f(x) = output_scale * g(input_scale * x + input_shift) + output_shift` at best."""

    name: str
    distance: float
    """Largest difference on [-5, 5]."""
    input_scale: float = 1.0
    input_shift: float = 0.0
    output_scale: float = 1.0
    output_shift: float = 0.0
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Value of each scalar parameter of g; near its limit where `limits` names it."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """What parameters tend to, where f is a limit of the family and no member."""
    moved: tuple[str, ...] = ()
    """Parameters that are not at their initial values, those of `limits` apart."""

    @property
    def effort(self) -> tuple[int, ...]:
        """Transformations in all (a limit counts as two), then limits, parameters, inputs, outputs: less is simpler."""
        limits, parameters = len(self.limits), len(self.moved)
        inputs = (self.input_scale != 1) + (self.input_shift != 0)
        outputs = (self.output_scale != 1) + (self.output_shift != 0)
        return (2 * limits + parameters + inputs + outputs, limits, parameters, inputs, outputs)

    @property
    def numbers(self) -> int:
        """How many numbers were fitted that are not where they are for g itself."""
        return self.effort[0] - len(self.limits)

    def label(self, *, digits: int = 6) -> str:
        """The catalog function with its parameters and transformations, e.g. `swish with beta = 1.7 (times 2)`."""
        settings = [f"{name} = {self.parameters[name]:.{digits}g}" for name in self.moved]
        settings += [f"{name} -> {end}" for name, end in self.limits.items()]
        steps = [f"input times {self.input_scale:.{digits}g}"] * (self.input_scale != 1)
        steps += [f"input plus {self.input_shift:.{digits}g}"] * (self.input_shift != 0)
        steps += [f"times {self.output_scale:.{digits}g}"] * (self.output_scale != 1)
        steps += [f"plus {self.output_shift:.{digits}g}"] * (self.output_shift != 0)
        parts = [self.name]
        parts += [f"with {', '.join(settings)}"] * bool(settings)
        parts += [f"({', '.join(steps)})"] * bool(steps)
        return " ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The document of the command line's contract, and `limits`."""
        fields = ("name", "distance", "input_scale", "input_shift", "output_scale", "output_shift")
        document: dict[str, Any] = {name: getattr(self, name) for name in fields}
        return {**document, "parameters": dict(self.parameters), "limits": dict(self.limits)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """The verdict and the nearest functions: exact ones first, of these the ones with the fewest transformations."""

    verdict: Verdict
    matches: tuple[Match, ...]
    exact: int = 0
    """How many of them, the first ones, are within what counts as known."""
    by_form: bool = False
    """Whether the function could be compared by its normal form only."""

    def sentence(self) -> str:
        """The verdict in words."""
        if not self.matches:
            if self.by_form:
                return "new: no catalog entry has the same form, and functions of this kind are compared by form alone"
            return "new: it has no value on [-5, 5] to compare"
        nearest = self.matches[0]
        if self.verdict == "known":
            return f"is {_kind(nearest)}{nearest.label()}"
        if self.verdict == "close":
            return f"within {nearest.distance:.2g} of {nearest.label()} on [-5, 5]"
        return f"new: nearest is {nearest.label()}, {nearest.distance:.2g} away on [-5, 5]"

    def to_json(self) -> dict[str, Any]:
        """`{"verdict", "sentence", "matches"}`."""
        matches = [match.to_json() for match in self.matches]
        return {"verdict": self.verdict, "sentence": self.sentence(), "matches": matches}


def _kind(match: Match) -> str:
    if match.limits:
        return "the limit of "
    return "a rediscovery of " if match.moved else ""
