from __future__ import annotations

import pytest
import torch

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, load_task
from actsearch.evaluate.trainer.layers import Layers
from actsearch.evaluate.trainer.stacked import is_stacked
from actsearch.grammar.activation import ParameterSpec, parse
from actsearch.outcome import Scores

BESIDE = [
    Subject.everywhere(activation=parse("sin(x)"), gain=1.5),
    Subject.everywhere(activation=parse("tanh(b * x)", b=1.2), gain=1.6),
]
SEEDS = (0, 3)
OWN = {
    "a statistic over the batch": parse("x * sigmoid(v * x) / std[batch](x)", v=(1.0, "channel")),
    "a statistic over the layer": parse("(x - mean[layer](x)) / std[layer](x) + relu(x)"),
    "elements": parse("x * sigmoid(b * x)", b=(1.0, "element")),
    "a shared parameter": parse("x * sigmoid(b * x)", b=ParameterSpec(name="b", initial=1.3, shared=True)),
    "draws": parse("stochastic(0.7, silu(x), relu(x))"),
}


@pytest.fixture(scope="module")
def digits():
    torch.set_num_threads(1)
    return load_task("digits")


@pytest.fixture(scope="module")
def beside(digits):
    """What the neighbours come to alone."""
    return [digits.run([subject], SEEDS, Quality())[0] for subject in BESIDE]


@pytest.mark.parametrize("name", OWN)
def test_members_with_layers_of_their_own_train_and_do_not_depend_on_neighbours(digits, beside, name):
    subject = Subject.everywhere(activation=OWN[name], gain=1.1)
    assert not is_stacked(subject)
    (alone,) = digits.run([subject], SEEDS, Quality())
    assert isinstance(alone, Scores)
    assert alone.mean() > -0.5, "better than the 2.3 of chance by far"
    together = digits.run([BESIDE[0], subject, BESIDE[1]], SEEDS, Quality())
    assert together == [beside[0], alone, beside[1]]


def test_layers_of_their_own_agree_with_the_stack_where_both_can(digits, monkeypatch):
    subject = Subject.everywhere(activation=parse("x * sigmoid(b * x)", b=(1.2, "channel")), gain=1.4)
    (stacked,) = digits.run([subject], (0,), Quality())
    for module in ("actsearch.evaluate.trainer", "actsearch.evaluate.trainer.block"):
        monkeypatch.setattr(f"{module}.is_stacked", lambda _: False)
    (own,) = digits.run([subject], (0,), Quality())
    # Modules round otherwise than tapes, and 150 steps magnify that.
    for a, b in zip(own.values, stacked.values, strict=True):
        assert a == pytest.approx(b, abs=2e-3)


def test_sites_of_one_member_share_what_is_to_be_shared():
    layers = Layers.of(Subject.everywhere(activation=OWN["a shared parameter"], gain=1.0), (4, 5, 6), (0.1, 0.2), 0)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    for site, width in enumerate((4, 5, 6)):
        layers.forward(site, x[..., :1].expand(2, 3, width).contiguous(), 0)
        layers.backward(site, torch.ones(2, 3, width))
    layers.update(1)
    values = [[float(module.b.detach()) for module in sites] for sites in layers._modules]
    assert [len(set(sites)) for sites in values] == [1, 1], "one for each member, whatever the number of sites"
    # Adam's first step is as long as the learning rate.
    assert [abs(sites[0] - 1.3) for sites in values] == pytest.approx([0.1, 0.2], rel=1e-4)


def test_draws_depend_on_seed_step_and_site_and_on_nothing_else():
    subject = Subject.everywhere(activation=OWN["draws"], gain=1.0)
    layers, other = (Layers.of(subject, (200, 200), (0.1, 0.2), seed) for seed in (0, 1))
    x = torch.full((2, 3, 200), -1.0)
    first = layers.forward(0, x, 5)
    torch.manual_seed(9)
    assert torch.equal(first, layers.forward(0, x, 5))
    assert torch.equal(first[0], first[1]), "the learning rate changes nothing"
    assert not torch.equal(first, other.forward(0, x, 5))
    assert not torch.equal(first, layers.forward(0, x, 6))
    assert not torch.equal(first, layers.forward(1, x, 5))
    # Evaluation is the expectation.
    expected = 0.7 * torch.nn.functional.silu(torch.tensor(-1.0))
    torch.testing.assert_close(layers.forward(0, x, None), torch.full_like(x, float(expected)))


def test_gradients_are_those_of_autograd():
    subject = Subject.everywhere(activation=OWN["a statistic over the layer"], gain=1.3)
    layers = Layers.of(subject, (8,), (0.1,), 0)
    generator = torch.Generator().manual_seed(0)
    x, upstream = (torch.randn(1, 5, 8, generator=generator) for _ in range(2))
    layers.forward(0, x, 0)
    given = x[0].clone().requires_grad_()
    (expected,) = torch.autograd.grad(subject.module(8)(given), given, upstream[0])
    torch.testing.assert_close(layers.backward(0, upstream)[0], expected)
