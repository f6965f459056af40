"""Names, orientation, and what follows from a function alone."""

from __future__ import annotations

import math

import pytest
import torch

from actsearch.compile.cost import kernel_cost
from actsearch.errors import ConfigError, UnknownNameError
from actsearch.evaluate.objectives import (
    OBJECTIVES,
    OfFunction,
    OfModels,
    elsewhere,
    objective,
    of_functions,
    of_models,
    oriented,
    read,
)
from actsearch.evaluate.objectives.flips import RATE, _mask, _stored
from actsearch.evaluate.objectives.quantisation import BITS, _rounded
from actsearch.grammar.activation import Candidate, candidate_from_json, parse


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_says_what_it_is_and_where_it_comes_from(name):
    found = objective(name)
    assert found.name == name
    assert found.title
    assert found.unit
    assert "arXiv:" in (type(found).__doc__ or "")
    assert name == "quality" or isinstance(found, OfFunction | OfModels)


def test_more_is_better_once_oriented():
    assert oriented("sparsity", 0.5) == 0.5
    assert oriented("cost", 40.0) == -40.0
    assert oriented("quality:tabular", 0.7) == 0.7
    assert oriented("noise", None) == -math.inf


def test_names_are_read_in_order_and_known():
    assert read("") == read("  ") == ()
    assert read(" cost, quality:tabular ,noise") == ("cost", "quality:tabular", "noise")
    assert elsewhere(read("cost,quality:a/b.py,quality")) == {"quality:a/b.py": "a/b.py"}
    assert [one.name for one in of_models(("noise", "cost", "flips"))] == ["noise", "flips"]
    with pytest.raises(UnknownNameError, match="unknown objective 'nois': did you mean noise"):
        read("cost,nois")
    for text in ("quality:", "cost,,noise"):
        with pytest.raises(UnknownNameError):
            read(text)
    with pytest.raises(ConfigError, match="name one twice"):
        read("cost,noise,cost")


def test_cost_and_saved_follow_from_the_function():
    def of(candidate: Candidate) -> dict[str, float]:
        return of_functions(("cost", "saved", "noise"), candidate)

    silu, line, gate = parse("x * sigmoid(x)"), parse("x + x"), parse("x * sigmoid(gate)")
    assert of(Candidate.everywhere(silu)) == {"cost": kernel_cost(silu).weighted, "saved": 1.0}
    assert of(Candidate.everywhere(line))["saved"] == 0.0, "its slope is known without x"
    assert of(Candidate.everywhere(gate))["saved"] == 64.0
    layers = candidate_from_json("layer:1 = x * sigmoid(x); layer:2 = relu(x)", {})
    lanes = candidate_from_json("lane:1 = x * sigmoid(x); lane:2 = relu(x)", {})
    assert of(layers)["cost"] == (kernel_cost(silu).weighted + kernel_cost(parse("relu(x)")).weighted) / 2
    assert of(lanes)["cost"] == 2 * of(layers)["cost"]


def test_activations_of_a_few_bits_have_that_many_levels():
    y = torch.randn(3, 50, 16, generator=torch.Generator().manual_seed(0))
    y[2] = 1.5
    rounded = _rounded(0, y)
    assert 12 < len(rounded[0].unique()) <= 2**BITS
    assert torch.equal(rounded[2], y[2]), "what is constant stays as it is"
    step = (y.amax((1, 2)) - y.amin((1, 2))) / (2**BITS - 1)
    assert ((rounded - y).abs().amax((1, 2)) <= step / 2 + 1e-6).all()


def test_weights_flip_in_their_eight_bits():
    weight = torch.randn(2, 300, 40, generator=torch.Generator().manual_seed(1))
    step = weight.abs().amax((1, 2), keepdim=True) / 127
    assert ((_stored(weight, None) - weight).abs() <= step / 2 + 1e-7).all()
    mask = _mask(weight.shape[1:], torch.Generator().manual_seed(2))
    flipped = sum((code & 255).bit_count() for code in mask.flatten().tolist())
    assert flipped == pytest.approx(RATE * 8 * mask.numel(), rel=0.4)
    faulty, whole = _stored(weight, mask), _stored(weight, None)
    assert torch.equal(faulty[:, mask == 0], whole[:, mask == 0])
    # The highest bit moves a weight by 128 steps, and no weight leaves what eight bits can say.
    sign = torch.full(weight.shape[1:], -128, dtype=torch.int8)
    assert torch.allclose((_stored(weight, sign) - whole).abs() / step, torch.tensor(128.0))
    assert (faulty.abs() <= 128 * step + 1e-6).all()
