"""Activations of a population that differ in all that slices may differ in, and what they are called with."""

import torch

from actsearch.compile.population import PopulationFunction
from actsearch.grammar.activation import parse

MIXED = (
    parse("x * sigmoid(beta * x)", beta=1.3),
    parse("a * x + sin(b * x)", a=(0.5, "channel"), b=2.0),
    parse("gelu(x)"),
    parse("c[0] + c[1] * x + c[2] * tanh(x)", c=[0.1, 0.5, -0.2]),
    parse("d[0] * x + relu(x - d[1])", d=([0.3, 0.1], "channel")),
    parse("max(x, s * x) + 0.25 * cos(x)", s=(0.2, "group:2")),
    parse("max(x, s * x) + 0.75 * cos(x)", s=(0.1, "group:2")),
    parse("beta", beta=(0.7, "channel")),
    parse("x"),
)
COPIES = 2


def sample(shape=(5, 6), activations=MIXED, copies=COPIES):
    """Inputs, upstream gradients and parameters, which differ from slice to slice."""
    generator = torch.Generator().manual_seed(1)
    x, upstream = (torch.randn((len(activations) * copies, *shape), generator=generator) for _ in range(2))
    flat = PopulationFunction(activations, copies=copies).initial(shape[-1])
    return x, upstream, flat * (1 + 0.1 * torch.randn(flat.shape, generator=generator))
