"""What tasks are handed: layers of gates, lanes and functions by layer."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from torch import nn

from actsearch.analysis import catalog
from actsearch.errors import TaskError
from actsearch.evaluate.subject import Subject, subject_of
from actsearch.grammar.activation import Candidate, ParameterSpec, candidate_from_json, parse

SHARED = ParameterSpec(name="s", initial=0.5, shared=True)
KINDS = {
    "one function": ("x * sigmoid(x)", 1, 1),
    "a gate": ("x * silu(gate)", 2, 1),
    "lanes of x": ("lane:1 = relu(x); lane:2 = relu(-x)", 1, 2),
    "lanes of a gate": ("lane:1 = maximum(x, gate); lane:2 = x", 2, 2),
    "layers": ("layer:1 = relu(x); layer:2 = x", 1, 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_heeds_inputs_and_outputs_holds_every_kind_with_as_many_weights(kind):
    text, inputs, outputs = KINDS[kind]
    make = subject_of(candidate_from_json(text, {})).module
    assert (make.inputs, make.outputs, make.is_gated) == (inputs, outputs, inputs == 2)
    hidden = 24 // (make.inputs + make.outputs)
    model = nn.Sequential(
        nn.Linear(5, make.inputs * hidden, bias=False),
        make(hidden, channel_dim=-1, layer=1),
        nn.Linear(make.outputs * hidden, 5, bias=False),
    )
    assert model(torch.randn(3, 7, 5)).shape == (3, 7, 5)
    assert sum(parameter.numel() for parameter in model.parameters()) == 5 * 24


def test_every_activation_is_scaled_by_its_own_gain():
    subject = subject_of(candidate_from_json("layer:2 = 3 * relu(x); layer:1 = x", {}))
    x = torch.randn(4, 6)
    relu = 1 / math.sqrt(0.5 - 0.5 / math.pi)
    torch.testing.assert_close(subject.module(layer=2)(x), relu * x.relu(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(subject.module(layer=1)(x), x, rtol=1e-4, atol=1e-5)
    a, b = x.chunk(2, dim=1)
    swiglu = subject_of(parse("x * silu(gate)"))
    torch.testing.assert_close(swiglu.module(3)(x), swiglu.gain * a * nn.functional.silu(b))
    lanes = Subject(candidate=catalog.look_up("maxmin").candidate, gains=(2.0, 3.0))
    torch.testing.assert_close(lanes.module(3)(x), torch.cat([2 * a.maximum(b), 3 * a.minimum(b)], dim=1))


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate.everywhere(parse("s * x", s=SHARED)),
        Candidate(assignment=(("layer:1", parse("s * x", s=SHARED)), ("layer:2", parse("sin(s * x)", s=SHARED)))),
    ],
)
def test_sites_of_one_model_share_and_models_do_not(candidate):
    subject = Subject(candidate=candidate, gains=(1.0,) * len(candidate.assignment))
    make = subject.module
    first, second = make(layer=1), make(layer=2)
    assert first.s is second.s
    others = [make.another_model()(layer=1), subject.module(layer=1)]
    assert len({id(layer.s) for layer in (first, *others)}) == 3


def test_a_layer_must_be_named_where_layers_differ():
    make = subject_of(candidate_from_json("layer:1 = relu(x); layer:2 = x", {})).module
    with pytest.raises(TaskError, match=r"made the site layer:None, and the candidate has layer:1, layer:2"):
        make(4)
    with pytest.raises(TaskError, match=r"made the site layer:3"):
        make(4, layer=3)
    assert isinstance(subject_of(parse("relu(x)")).module(4, layer=3), nn.Module), "elsewhere it is of no account"


def test_a_subject_travels():
    subject = subject_of(candidate_from_json("layer:1 = relu(x); layer:2 = tanh(b * x)", {}))
    assert pickle.loads(pickle.dumps(subject)) == subject
    with pytest.raises(ValueError, match="more than one activation"):
        _ = subject.activation
