"""Saved: what a layer keeps of each element between forward and backward."""

from __future__ import annotations

from actsearch.evaluate.objectives.objective import OfFunction
from actsearch.grammar.activation import Activation

_FLOAT_BITS = 32
"""Training is in float32."""


class Saved(OfFunction):
    """Bits that the backward of one element needs.

    Novikov et al. (2022), Few-Bit Backward: Quantized Gradients of Activation Functions for Memory Footprint Reduction,
    arXiv:2202.00441, measure activations by this.
    """

    name = "saved"
    title = "memory kept for the backward"
    unit = "bits an element"
    is_more_better = False

    def of(self, activation: Activation) -> float:
        """See `OfFunction`."""
        return saved_bits(activation)


def saved_bits(activation: Activation) -> float:
    """Bits of the inputs that the derivatives read: those of x, and of the gate, unless they do not depend on it."""
    from actsearch.compile.stages import stage
    from actsearch.compile.sweep import vjp
    from actsearch.grammar.expression import input_names

    forward = stage(activation).sweep
    read = {name for value in vjp(forward).results.values() for name in input_names(value)}
    return float(_FLOAT_BITS * len(read & set(forward.elements)))
