from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from actsearch.evaluate.descent import batches, descend, drawn_from, scale_weights, side_by_side


def test_what_is_drawn_depends_on_seed_and_step_and_leaves_no_trace():
    before = torch.get_rng_state()
    drawn = {}
    for numbers in ((1, 0), (1, 1), (2, 0), (1, 0)):
        with drawn_from(*numbers):
            drawn.setdefault(numbers, []).append(torch.rand(3).tolist())
    assert drawn[1, 0][0] == drawn[1, 0][1]
    assert len({tuple(values[0]) for values in drawn.values()}) == 3
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_keep_the_variance_of_what_comes_in():
    generator = torch.Generator().manual_seed(0)
    for layer, shape in ((nn.Linear(256, 256), (64, 256)), (nn.Conv2d(32, 32, 3), (4, 32, 20, 20))):
        scale_weights(nn.Sequential(layer), generator)
        y = layer(torch.randn(shape, generator=generator))
        assert y.std().item() == pytest.approx(1, rel=0.05)
        assert layer.bias.abs().max() == 0


def quadratic(steps=20, learning_rate=0.1, **options):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 5.0)

    def score():
        assert not model.training
        assert not torch.is_grad_enabled()
        return -(model.weight.item() ** 2)

    curve = descend(
        model, lambda _: model.weight.square().sum(), score, steps=steps, learning_rate=learning_rate, seed=0, **options
    )
    return list(curve)


def test_a_descent_goes_down_and_tells_its_score_on_the_way():
    points = quadratic()
    assert [share for share, _ in points] == pytest.approx([tenth / 10 for tenth in range(1, 11)])
    scores = [score for _, score in points]
    assert scores == sorted(scores)
    assert points[-1][0] == 1.0
    assert [share for share, _ in quadratic(steps=3)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [share for share, _ in quadratic(checks=2)] == [0.5, 1.0]
    # Plain descent on w^2 at rate r multiplies w by 1 - 2 r in every step.
    (_, last) = quadratic(optimizer=torch.optim.SGD)[-1]
    assert last == pytest.approx(-((5 * 0.8**20) ** 2), rel=1e-4)


def test_a_loss_that_is_not_finite_ends_the_descent():
    points = quadratic(learning_rate=1e30, optimizer=torch.optim.SGD)
    assert points[-1][0] == 1.0
    assert math.isnan(points[-1][1])
    assert len(points) < 10


def test_trainings_side_by_side_advance_together_and_fail_together():
    curves = [iter([(0.5, 1.0), (1.0, 3.0)]), iter([(0.5, 2.0), (1.0, 5.0)])]
    assert list(side_by_side(curves)) == [(0.5, 1.5), (1.0, 4.0)]
    # One that has diverged ends with (1.0, NaN) at any time.
    curves = [iter([(0.5, 1.0), (1.0, 3.0)]), iter([(1.0, math.nan)])]
    ((share, score),) = side_by_side(curves)
    assert share == 1.0
    assert math.isnan(score)


def test_batches_go_through_all_samples_epoch_after_epoch():
    found = batches(10, 3, 7, torch.Generator().manual_seed(0))
    assert found.shape == (7, 3)
    assert len(set(found[:3].flatten().tolist())) == 9
    assert len(set(found[3:6].flatten().tolist())) == 9
