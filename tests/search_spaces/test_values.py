"""Samples of every space as layers: values and gradients, and for pointwise ones those of float64."""

from __future__ import annotations

import torch

from actsearch.compile.eager import evaluate
from actsearch.grammar.activation import Activation
from tests.search_spaces.conftest import activations

MOST = 25
PLANES, ROWS = (4, 8, 3, 3), (8, 16)


def inputs(activation: Activation) -> dict[str, torch.Tensor]:
    """Normal numbers, on places of planes where a statistic or the groups of channels ask for those."""
    axes = "".join(node.operator for node in activation.statistics)
    shape = PLANES if "instance" in axes else ROWS
    generator = torch.Generator().manual_seed(7)
    return {name: torch.randn(shape, generator=generator) for name in activation.inputs}


def test_samples_are_layers_with_values_and_gradients(name):
    found = [activation for activation in activations(name) if activation.inputs][:MOST]
    assert found
    finite, sloped = 0, 0
    for activation in found:
        given = {key: value.requires_grad_() for key, value in inputs(activation).items()}
        layer = activation.module(backend="torch", channels=next(iter(given.values())).shape[1])
        if activation.is_stochastic:
            layer.eval()
        y = layer(*given.values()) if list(given) != ["gate"] else layer(torch.zeros_like(given["gate"]), given["gate"])
        assert y.shape == next(iter(given.values())).shape
        y.nan_to_num(0, 0, 0).sum().backward()
        gradients = [value.grad for value in given.values()]
        finite += bool(y.isfinite().any() and any(g is not None and g.isfinite().any() for g in gradients))
        sloped += any(g is not None and bool((g[g.isfinite()] != 0).any()) for g in gradients)
        if not activation.statistics:
            assert_like_float64(activation, given, y)
    # Roots of what is negative and the like: a search rejects those, and few of them are sampled.
    assert finite >= 0.7 * len(found)
    assert sloped >= 0.6 * len(found)


def assert_like_float64(activation: Activation, given: dict[str, torch.Tensor], y: torch.Tensor) -> None:
    """Values and gradients as autograd has them in float64, where those are of ordinary size."""
    exact = {key: value.detach().double().requires_grad_() for key, value in given.items()}
    specs = {spec.name: torch.tensor(spec.initial, dtype=torch.float64) for spec in activation.parameters}
    expected = evaluate(activation.expression, {**exact, **specs}).expand(y.shape)
    ordinary = expected.isfinite() & (expected.abs() < 1e3) & y.isfinite()
    torch.testing.assert_close(y.double()[ordinary], expected[ordinary], rtol=2e-3, atol=2e-3)
    if not expected.requires_grad:
        return
    expected.nan_to_num(0, 0, 0).sum().backward()
    for key, value in given.items():
        slope, wanted = value.grad, exact[key].grad
        if slope is not None and wanted is not None:
            near = ordinary & slope.isfinite() & wanted.isfinite() & (wanted.abs() < 1e2)
            torch.testing.assert_close(slope.double()[near], wanted[near], rtol=2e-2, atol=2e-2)
