from __future__ import annotations

import pytest
import torch

from actsearch.compile.population.function import PopulationFunction
from actsearch.errors import ConfigError
from actsearch.evaluate.task import Subject
from actsearch.evaluate.trainer.stacked import Stacked, bare_first, function_of
from actsearch.grammar.activation import parse

ACTIVATIONS = [
    parse("x * sigmoid(beta * x)", beta=(1.5, "channel")),
    parse("sin(x)"),
    parse("maximum(x, 0)**2 + exp(-x**2)"),
    parse("c[0] + c[1] * tanh(a * x)", c=[0.5, 1.0], a=0.25),
    parse("x * sigmoid(x)"),
]
SUBJECTS = [Subject.everywhere(activation, 1.0 + 0.1 * at) for at, activation in enumerate(ACTIVATIONS)]
WIDTHS = (16, 48)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def stacked(subjects) -> tuple[list[int], Stacked]:
    order = bare_first(subjects)
    return order, Stacked.of(function_of(subjects), order, [0.1] * len(subjects), WIDTHS)


def data(members: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(width)
    shared = torch.randn(2, 1, 7, width, generator=generator)
    return tuple(part.expand(members, 7, width).contiguous() for part in shared)  # type: ignore[return-value]


def test_members_without_parameters_come_first_and_keep_their_order():
    assert bare_first(SUBJECTS) == [1, 2, 4, 0, 3]


@pytest.mark.parametrize("site", [0, 1])
def test_values_and_gradients_are_those_of_modules_in_float64(site):
    order, activations = stacked(SUBJECTS)
    x, upstream = data(len(SUBJECTS), WIDTHS[site])
    y, evaluated = activations.forward(site, x, 0).clone(), activations.forward(site, x, None)
    gradient = activations.backward(site, upstream)
    for at, position in enumerate(order):
        module = SUBJECTS[position].module(WIDTHS[site], channel_dim=-1).double()
        given = x[at].double().requires_grad_()
        expected = module(given)
        expected.backward(upstream[at].double())
        for found, wanted in ((y, expected), (evaluated, expected), (gradient, given.grad)):
            torch.testing.assert_close(found[at], wanted.float(), rtol=2e-5, atol=2e-5)


def test_a_member_has_the_same_bits_alone_and_when_others_are_left_behind():
    order, together = stacked(SUBJECTS)
    x, upstream = data(len(SUBJECTS), 16)
    y, gradient = together.forward(0, x, 0).clone(), together.backward(0, upstream).clone()
    together.update(1)
    later = together.forward(0, x, 1).clone()
    for at, position in enumerate(order):
        _, alone = stacked([SUBJECTS[position]])
        one = slice(at, at + 1)
        assert torch.equal(alone.forward(0, x[one], 0), y[one])
        assert torch.equal(alone.backward(0, upstream[one]), gradient[one])
        alone.update(1)
        assert torch.equal(alone.forward(0, x[one], 1), later[one])
        assert torch.equal(together.only([at]).forward(0, x[one], 1), later[one])
    some = [1, 3, 4]
    assert torch.equal(together.only(some).forward(0, x[some], 1), later[some])


def test_parameters_move_and_what_is_not_finite_is_known():
    order, activations = stacked(SUBJECTS)
    for site in (0, 1):
        x, upstream = data(len(SUBJECTS), WIDTHS[site])
        upstream[order.index(3)] = float("nan")
        activations.forward(site, x, 0)
        activations.backward(site, upstream)
    assert activations.is_finite().all()
    activations.update(1)
    assert activations.is_finite().tolist() == [position != 3 for position in order]


def test_slopes_are_for_functions_of_x_alone():
    x = torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(0))
    y, slope = torch.empty_like(x), torch.empty_like(x)
    PopulationFunction([parse("sin(x)")], gains=[2.0]).value_and_slope(x, out=(y, slope))
    torch.testing.assert_close(y, 2 * x.sin())
    torch.testing.assert_close(slope, 2 * x.cos())
    with pytest.raises(ConfigError, match="has no slopes"):
        PopulationFunction([ACTIVATIONS[0]]).value_and_slope(x, out=(y, slope))
