from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from actsearch import plugins
from actsearch.evaluate.task import load_task

dp = plugins.load("workers", "dp")


def test_a_gradient_is_the_mean_of_clipped_ones_and_noise():
    model = nn.Sequential(nn.Linear(64, 4), nn.Tanh(), nn.Linear(4, 10))
    generator = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(6, 64, generator=generator), torch.randint(10, (6,), generator=generator)
    found = dp._private(model, inputs, labels, 5.0, torch.Generator().manual_seed(1))
    expected = [torch.zeros_like(parameter) for parameter in model.parameters()]
    clipped = 0
    for x, label in zip(inputs, labels, strict=True):
        model.zero_grad()
        functional.cross_entropy(model(x[None]), label[None]).backward()
        norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm()
        clipped += int(norm > dp.CLIP)
        for total, parameter in zip(expected, model.parameters(), strict=True):
            total.add_(parameter.grad, alpha=min(dp.CLIP / norm.item(), 1))
    assert clipped
    noise = torch.Generator().manual_seed(1)
    for one, total in zip(found, expected, strict=True):
        noisy = total + dp.NOISE * dp.CLIP * torch.randn(total.shape, generator=noise)
        torch.testing.assert_close(one, noisy / 5.0)


def test_the_epsilon_that_is_stated_is_that_of_the_training():
    steps = load_task("dp").steps
    spent = dp.epsilon(share=dp.SHARE, noise=dp.NOISE, steps=steps, delta=dp.DELTA)
    assert f"epsilon = {spent:.1f} at delta = 1e-3" in " ".join(dp.__doc__.split())
    assert dp.DELTA == 1e-3


def test_the_accountant_is_that_of_the_gaussian_mechanism_where_all_samples_are_taken():
    # Then the divergence of order a is a / (2 s^2) (Mironov (2017), arXiv:1702.07476, Corollary 3).
    steps, noise, delta = 10, 4.0, 1e-5
    orders = range(2, 129)
    expected = min(steps * a / (2 * noise**2) + math.log(1 / delta) / (a - 1) for a in orders)
    assert dp.epsilon(share=1 - 1e-12, noise=noise, steps=steps, delta=delta) == pytest.approx(expected, rel=1e-6)
    small, large = (dp.epsilon(share=share, noise=noise, steps=steps, delta=delta) for share in (0.01, 0.1))
    assert 0 < small < large < expected
