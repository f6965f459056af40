from __future__ import annotations

import pytest
import torch
from torch import nn

from actsearch.evaluate.coordinates import coordinate_network


def network(seed: int, frequency: float = 6.0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    return coordinate_network(lambda _: nn.Tanh(), 2, 512, frequency=frequency, generator=generator)


def test_the_first_layer_has_the_frequency_and_the_others_unit_variance():
    first, *_, last = (layer for layer in network(0) if isinstance(layer, nn.Linear))
    assert first.weight.std().item() == pytest.approx(6.0, rel=0.1)
    assert first.bias.std().item() == pytest.approx(6.0, rel=0.1)
    assert last.weight.std().item() * 512**0.5 == pytest.approx(1.0, rel=0.1)
    assert network(0)(torch.zeros(5, 2)).shape == (5, 1)


def test_the_generator_says_all_and_the_global_one_is_left_alone():
    state = torch.get_rng_state()
    x = torch.linspace(-1, 1, 10).reshape(5, 2)
    with torch.no_grad():
        assert torch.equal(network(1)(x), network(1)(x))
        assert not torch.equal(network(1)(x), network(2)(x))
    assert torch.equal(torch.get_rng_state(), state)
