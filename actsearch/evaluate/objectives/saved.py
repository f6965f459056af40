"""Saved: what a layer keeps of each element between forward and backward."""

from __future__ import annotations

from actsearch.evaluate.objectives.objective import OfFunction
from actsearch.grammar.activation import Activation


class Saved(OfFunction):
    """Bits of its own that a layer with `saving="auto"` keeps of an element of float32.

    Novikov et al. (2022), Few-Bit Backward: Quantized Gradients of Activation Functions for Memory Footprint Reduction,
    arXiv:2202.00441, measure activations by this. An output that the next layer keeps anyway counts as nothing.
    """

    name = "saved"
    title = "memory kept for the backward"
    unit = "bits an element"
    is_more_better = False

    def of(self, activation: Activation) -> float:
        """See `OfFunction`."""
        import torch

        from actsearch.compile.saving import saved_bits

        return saved_bits(activation, torch.float32)
