"""The pruned network."""

from __future__ import annotations

import pytest
import torch

from actsearch import plugins
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import candidate_from_json, parse

PRUNED = plugins.load("workers", "pruned")
SILU = subject_of(parse("silu(x)"))


class Pruned(PRUNED.Pruned):
    steps = 20


def test_the_least_weights_are_removed():
    weight = torch.tensor([[3.0, -0.1, 0.5], [-2.0, 0.2, 1.0]])
    assert torch.equal(PRUNED.prune(weight, 0.5), torch.tensor([[3.0, 0.0, 0.0], [-2.0, 0.0, 1.0]]))
    tied = PRUNED.prune(torch.ones(10, 10), 0.9)
    assert int((tied != 0).sum()) == 10


def test_what_is_removed_stays_so_and_the_rest_is_trained():
    dense = PRUNED._dense(0)
    model = PRUNED.Perceptron(SILU.module, dense)
    before = [linear.weight.detach().clone() for linear in model.linears]
    assert [float((weight == 0).float().mean()) for weight in before] == pytest.approx([0.9] * 9, abs=2e-3)
    list(PRUNED._train(model, 0, steps=5, learning_rate=1e-2))
    for linear, old in zip(model.linears, before, strict=True):
        assert torch.equal(linear.weight == 0, old == 0)
        assert (linear.weight[old != 0] != old[old != 0]).any()
    assert all(torch.equal(a, b) for a, b in zip(PRUNED._dense(0), dense, strict=True))


def test_it_learns_tells_its_way_and_repeats_itself():
    task = Pruned()
    points = list(task.curve(SILU.module, 1, 1e-2))
    assert points[-1][0] == 1.0
    assert points[-1][1] > points[0][1]
    assert task.score(SILU.module, 1, 1e-2) == points[-1][1]
    assert task.score(SILU.module, 2, 1e-2) != points[-1][1]


def test_each_layer_has_its_own_function_and_a_batch_changes_nothing():
    text = "; ".join(f"layer:{n} = {'tanh(x)' if n % 2 else 'b * x'}" for n in range(1, 9))
    mixed = subject_of(candidate_from_json(text, {}))
    model = PRUNED.Perceptron(mixed.module, PRUNED._dense(0))
    assert [layer.activation.text for layer in model.activations] == ["tanh(x)", "b * x"] * 4
    task = Pruned()
    together = task.run([SILU, mixed], (0, 1), Quality())
    assert together == [task.run([subject], (0, 1), Quality())[0] for subject in (SILU, mixed)]
