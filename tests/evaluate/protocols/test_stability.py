from __future__ import annotations

import math

import pytest
import torch

from actsearch.evaluate.protocols.stability import Stability
from actsearch.evaluate.task import Subject
from actsearch.grammar.activation import parse


@pytest.fixture(scope="module")
def climbed(subject):
    """Largest gradient norm that the ascent finds, and the step."""
    return lambda text, **settings: Stability(**settings).climb(subject(text), 1e-2)


@pytest.mark.parametrize("text", ["relu(x)", "x * sigmoid(beta * x)", "tanh(x)", "sin(x)", "relu(x) / std[batch](x)"])
def test_what_people_use_is_stable_by_far(climbed, text):
    norm, _ = climbed(text)
    assert 1 < norm < 1e5


@pytest.mark.parametrize("text", ["x**3", "exp(x)", "x * exp(x)"])
def test_what_leaps_is_not(subject, text):
    rejection = Stability().check(subject(text), 1e-2)
    assert rejection.stage == "stability"
    assert rejection.measured > 1e8
    assert rejection.reason.startswith(f"a gradient norm of {rejection.measured:.3g} after ")
    assert rejection.reason.endswith(" steps of ascent on the weights (at most 1e+08)")


def test_it_climbs(climbed):
    before, after = climbed("relu(x)", steps=1)[0], climbed("relu(x)", steps=30)[0]
    assert after > 2 * before


def test_it_stops_where_it_is_known(climbed):
    norm, step = climbed("x**3")
    assert step < 60
    # One step before it was still below.
    assert climbed("x**3", steps=step - 1)[0] <= 1e8 < norm


def test_what_is_not_finite_is_infinite(climbed):
    assert climbed("exp(x)") == (math.inf, 0)


def test_it_depends_on_its_arguments_alone(climbed):
    first = climbed("gelu(x)", steps=10)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    climbed("sin(x)", steps=3)
    assert climbed("gelu(x)", steps=10) == first
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_before_a_flat_function_stay_where_they_are(climbed):
    norm, _ = climbed("sign(x)", steps=20)
    assert 0 < norm < 1e3


def test_gates_are_not_checked():
    assert Stability(largest=0.0).check(Subject.everywhere(parse("x * gate"), 1.0), 1e-2) is None
