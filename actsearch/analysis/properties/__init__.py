"""Properties of a function at its initial parameters: proven where interval arithmetic can, sampled where not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.properties.bounds import Bounds, bounds
from actsearch.analysis.properties.enclosed import Enclosed
from actsearch.analysis.properties.fact import Fact
from actsearch.analysis.properties.shape import shape_facts
from actsearch.analysis.properties.signal import signal_facts
from actsearch.grammar.activation import Activation

__all__ = ["Fact", "Properties", "properties"]


@dataclass(frozen=True, kw_only=True)
class Properties:
    """Facts by name, and the bounds on [-20, 20]."""

    facts: dict[str, Fact]
    values: Bounds
    slopes: Bounds

    @property
    def minimum(self) -> float:
        """What f does not go below on [-20, 20]."""
        return self.values.lower

    @property
    def maximum(self) -> float:
        """What f does not exceed on [-20, 20]."""
        return self.values.upper

    @property
    def smallest_slope(self) -> float:
        """What f' does not go below on [-20, 20]."""
        return self.slopes.lower

    @property
    def largest_slope(self) -> float:
        """What f' does not exceed on [-20, 20]."""
        return self.slopes.upper

    @property
    def parity(self) -> Literal["even", "odd", "none"]:
        """Whether f is even or odd."""
        found: Literal["even", "odd", "none"] = self.facts["parity"].value
        return found

    @cached_property
    def monotone(self) -> bool:
        """Whether f nowhere rises, or nowhere falls."""
        kinds = {piece["kind"] for piece in self.facts["monotone"].value}
        return self.facts["defined"].value and not {"rising", "falling"} <= kinds

    def to_json(self) -> dict[str, Any]:
        """The facts under `facts`, each as `Fact.to_json` says; beside it some as plain values on [-20, 20].

        `sampled` says whether one of those is not proven; expectations under N(0, 1) come from a quadrature always.
        """
        moments, gains = self.facts.get("moments"), self.facts.get("gains")
        plain = {"minimum": self.minimum, "maximum": self.maximum}
        plain |= {"smallest_slope": self.smallest_slope, "largest_slope": self.largest_slope}
        proven = self.values.proven and self.slopes.proven
        proven &= self.facts["parity"].proven and self.facts["monotone"].proven
        gain = gains.value["variance"] if gains else None
        return {
            **plain,
            "parity": self.parity,
            "monotone": self.monotone,
            "gaussian_mean": moments.value["mean"] if moments else None,
            "gaussian_std": moments.value["std"] if moments else None,
            "output_gain": gain,
            "slope_gain": moments.value["slope_mean_square"] * gain**2 if moments and gain else None,
            "sampled": not proven,
            "facts": {name: fact.to_json() for name, fact in self.facts.items()},
        }


def properties(activation: Activation) -> Properties:
    """What can be said of `activation` without training it.

    Raises `UnsupportedError` for one that is no function of x alone; arrays of coefficients stand at their initial
    entries. A failure to prove is never an error.
    """
    function = Pointwise(activation)
    enclosed = Enclosed(function)
    facts = shape_facts(enclosed)
    jumps = facts["smoothness"].value["order"] == -1
    return Properties(
        facts={**facts, **signal_facts(function, jumps=jumps)},
        values=bounds(enclosed, 0, core=True),
        slopes=bounds(enclosed, 1, core=True),
    )
