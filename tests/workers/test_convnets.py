from __future__ import annotations

import pytest
import torch
from torch import nn

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import parse

convnets = plugins.load("workers", "convnets")


def test_a_candidate_with_statistics_stands_in_place_of_the_normalisation():
    alone = convnets.normalised(subject_of(catalog.find("evonorm_s0").activation).module, 32)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in alone.modules())
    (norm, layer) = convnets.normalised(subject_of(parse("tanh(x)")).module, 32)
    assert isinstance(norm, nn.BatchNorm2d)
    assert layer.activation.text == "tanh(x)"


@pytest.mark.parametrize("name", ["Residual", "InvertedBottleneck", "SqueezedBottleneck"])
def test_every_network_lets_gradients_through_to_all_of_its_weights(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = convnets._network(getattr(convnets, name), subject_of(parse("tanh(x) + 0.1 * x")).module)
        model(torch.randn(8, 1, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
