"""Cost: a candidate whose kernels compute more than the budget allows.

Searches under a budget of latency: Tan et al. (2019), MnasNet, arXiv:1807.11626. Here the budget is a static count, not
a time: a search has to come to the same result on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.compile.cost import kernel_cost
from actsearch.grammar.activation import Activation
from actsearch.outcome import Rejected

STAGE = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Rejects by the weighted operations that one element needs in the forward and the backward kernel.

    See `actsearch.compile.cost` for what counts how much. ReLU needs 3, SiLU 47, GELU 90.
    """

    largest: float = 0.0
    """Weighted operations; 0 is no budget, and then nothing is counted."""

    def check(self, activation: Activation) -> Rejected | None:
        """The rejection, measured as the weighted operations, or None."""
        if self.largest <= 0:
            return None
        cost = kernel_cost(activation)
        if cost.weighted <= self.largest:
            return None
        reason = (
            f"an element needs {cost.weighted} weighted operations (budget {self.largest:g}): forward"
            f" {cost.forward.operations} of which {cost.forward.special} special, backward"
            f" {cost.backward.operations} of which {cost.backward.special} special"
        )
        return Rejected(stage=STAGE, reason=reason, measured=float(cost.weighted))
