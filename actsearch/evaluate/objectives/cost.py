"""Cost: what the forward and the backward kernel compute for an element."""

from __future__ import annotations

from actsearch.evaluate.objectives.objective import OfFunction
from actsearch.grammar.activation import Activation


class Cost(OfFunction):
    """Weighted operations of a training step, as `actsearch.compile.cost` counts them.

    Tan et al. (2019), MnasNet, arXiv:1807.11626, search for accuracy and latency together; a static count in place of
    a time is the same on every machine.
    """

    name = "cost"
    title = "operations of forward and backward, special ones weighted"
    unit = "operations an element"
    is_more_better = False

    def of(self, activation: Activation) -> float:
        """See `OfFunction`."""
        from actsearch.compile.cost import kernel_cost

        return float(kernel_cost(activation).weighted)
