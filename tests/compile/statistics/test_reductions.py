import os
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing

from actsearch.compile.eager import compile_eager, evaluate
from actsearch.compile.statistics.reductions import MOMENTUM, Reductions, estimates
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.statistic import statistics
from actsearch.grammar.text import read

SHAPES = [((6, 4), 1), ((3, 4, 5), 1), ((3, 5, 4), -1), ((3, 4, 2, 5), 1), ((2, 3, 5, 4), 3), ((2, 4, 3, 2, 2), 1)]
BY_HAND = {
    "mean": lambda u, dims: u.mean(dims, keepdim=True),
    "var": lambda u, dims: (u - u.mean(dims, keepdim=True)).square().mean(dims, keepdim=True),
    "sum": lambda u, dims: u.sum(dims, keepdim=True),
    "max": lambda u, dims: u.amax(dims, keepdim=True),
}


def statistic(text):
    (found,) = statistics(read(text))
    return found


def reduced(kind, axis, x, channel_dim):
    """The statistic over the channels-last, flat form of x: samples, places, channels."""
    channel = channel_dim % x.dim()
    flat = x.movedim(channel, -1)
    rest = flat.shape[1:-1]
    flat = flat.reshape(len(x), -1, x.shape[channel])
    if axis == "group:2":
        halves = [BY_HAND[kind](half, (1, 2)).expand_as(half) for half in flat.chunk(2, dim=-1)]
        value = torch.cat(halves, dim=-1)
    else:
        value = BY_HAND[kind](flat, {"batch": (0, 1), "instance": (1,), "layer": (1, 2)}[axis]).expand_as(flat)
    return value.reshape(len(x), *rest, x.shape[channel]).movedim(-1, channel)


@pytest.mark.parametrize(("shape", "channel_dim"), SHAPES)
@pytest.mark.parametrize("axis", ["batch", "instance", "layer", "group:2"])
@pytest.mark.parametrize("kind", BY_HAND)
def test_every_statistic_over_every_axis_is_what_it_is_by_hand(kind, axis, shape, channel_dim):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Reductions(shape, channel_dim=channel_dim).reduce(statistic(f"{kind}[{axis}](x)"), x)
    torch.testing.assert_close(found.expand_as(x), reduced(kind, axis, x, channel_dim))


@pytest.mark.parametrize("kind", BY_HAND)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_the_last_dimension(kind, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Reductions(shape).reduce(statistic(f"{kind}[last](x)"), x)
    torch.testing.assert_close(found, BY_HAND[kind](x, -1))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.9, 1.0, 1 / 3])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_a_quantile_is_that_of_torch_and_has_no_gradient(level, width):
    x = torch.randn(3, width, dtype=torch.float64, requires_grad=True)
    found = Reductions(x.shape).reduce(statistic(f"quantile[last](x, {level!r})"), x)
    torch.testing.assert_close(found, torch.quantile(x.detach(), level, dim=-1, keepdim=True))
    assert not found.requires_grad
    with torch.no_grad():
        x[1, 0] = torch.nan
    found = Reductions(x.shape).reduce(statistic("quantile[last](x, 0.5)"), x)
    assert found.isnan().flatten().tolist() == [False, True, False]


def test_a_variance_does_not_cancel():
    x = 1e4 + torch.randn(4, 3, 1000, generator=torch.Generator().manual_seed(0))
    expected = x.double().var(2, correction=0, keepdim=True).float()
    torch.testing.assert_close(
        Reductions(x.shape).reduce(statistic("var[instance](x)"), x), expected, rtol=1e-4, atol=0
    )


def test_ties_share_the_gradient_of_a_maximum():
    x = torch.tensor([[1.0, 3.0, 3.0, 2.0]], requires_grad=True)
    Reductions(x.shape).reduce(statistic("max[last](x)"), x).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.5, 0.5, 0.0]]


def test_what_has_fewer_values_than_x_counts_as_often_as_x_has_values():
    x = torch.zeros(5, 4, 3)
    beta = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(4, 1)
    reductions = Reductions(x.shape)
    assert reductions.reduce(statistic("sum[batch](x)"), beta).flatten().tolist() == [15.0, 30.0, 45.0, 90.0]
    assert reductions.reduce(statistic("mean[layer](x)"), beta).flatten().tolist() == [3.0] * 5
    assert reductions.reduce(statistic("sum[last](x)"), torch.tensor(1.0)).flatten().tolist() == [3.0] * 20


@pytest.mark.parametrize("shape", [(0, 4), (0, 4, 5), (3, 4, 0), (2, 0, 3), (0, 0)])
@pytest.mark.parametrize("training", [True, False])
def test_empty_tensors_have_empty_results_and_leave_the_running_estimates(shape, training):
    for text in ("max[batch](x)", "var[instance](x)", "mean[layer](x)", "max[group:2](x)", "max[last](x)",
                 "quantile[last](x, 0.5)"):  # fmt: skip
        expression = parse(f"x + {text}").expression
        running = estimates(expression, shape[1])
        x = torch.zeros(shape, requires_grad=True)
        y = evaluate(expression, {"x": x}, Reductions(shape, training=training, running=running))
        assert y.shape == shape
        y.sum().backward()
        assert all(torch.equal(value, torch.zeros(shape[1])) for value in running.values())


@pytest.mark.parametrize(
    ("text", "shape", "channel_dim", "reason"),
    [
        ("mean[batch](x)", (5,), 1, r"mean\[batch\] needs samples and channels, but x has only 1 dimension"),
        ("mean[layer](x)", (5,), 1, "needs samples and channels"),
        ("var[instance](x)", (5, 4), 0, "one of the dimensions 1 to 1 of x, but channel_dim is 0"),
        ("var[batch](x)", (5, 4, 3), -3, "one of the dimensions 1 to 2 of x, but channel_dim is -3"),
        ("max[group:2](x)", (5, 4), 2, "channel_dim is 2"),
        ("max[group:3](x)", (5, 4), 1, "4 channels cannot be divided into 3 equal groups"),
        ("sum[last](x)", (), 1, "needs a last dimension"),
    ],
)
def test_a_shape_without_the_axes_is_refused_in_one_sentence(text, shape, channel_dim, reason):
    with pytest.raises(ConfigError, match=reason) as refused:
        Reductions(shape, channel_dim=channel_dim).reduce(statistic(text), torch.zeros(shape))
    assert "\n" not in str(refused.value)


def test_running_estimates_follow_the_batches_and_stand_for_them_in_evaluation():
    activation = parse("x * mean[batch](x) / std[batch](sin(x)) + max[batch](x) + sum[batch](x) + var[last](x)")
    running = estimates(activation.expression, 3)
    assert {text: float(value[0]) for text, value in running.items()} == {
        "mean[batch](x)": 0.0, "var[batch](sin(x))": 1.0, "max[batch](x)": 0.0, "sum[batch](x)": 0.0,
    }  # fmt: skip
    f = compile_eager(activation.expression)
    expected = {text: value.clone() for text, value in running.items()}
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        x = torch.randn(6, 3, 2, generator=generator)
        f({"x": x}, Reductions(x.shape, running=running))
        own = {
            "mean[batch](x)": x.mean((0, 2)), "var[batch](sin(x))": x.sin().var((0, 2), correction=0),
            "max[batch](x)": x.amax((0, 2)), "sum[batch](x)": x.sum((0, 2)),
        }  # fmt: skip
        expected = {text: (1 - MOMENTUM) * expected[text] + MOMENTUM * own[text] for text in running}
    torch.testing.assert_close(running, expected)
    before = {text: value.clone() for text, value in running.items()}
    x = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    y = f({"x": x}, Reductions(x.shape, training=False, running=running))
    mean, var, largest, total = (running[text].double().view(3, 1) for text in own)
    by_hand = x * mean / (var + 1e-5).sqrt() + largest + total + x.var(-1, correction=0, keepdim=True)
    torch.testing.assert_close(y, by_hand)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x), torch.autograd.grad(by_hand.sum(), x))
    torch.testing.assert_close(running, before, rtol=0, atol=0)


def test_training_alone_needs_no_running_estimates():
    x = torch.randn(4, 3)
    assert Reductions(x.shape).reduce(statistic("mean[batch](x)"), x).shape == (1, 3)
    with pytest.raises(UnsupportedError, match=r"mean\[batch\]\(x\) has no running estimate"):
        Reductions(x.shape, training=False).reduce(statistic("mean[batch](x)"), x)
    with pytest.raises(ConfigError, match="has 5 channels, but dimension 1 of x has 3"):
        Reductions(x.shape, running={"mean[batch](x)": torch.zeros(5)}).reduce(statistic("mean[batch](x)"), x)


MERGED = """
x * sin(mean[batch](x)) / max(std[batch](x - v), v * x + std[instance](x)) * gamma
+ max[batch](x) * x + 0.01 * sum[batch](x**2)
""".replace("\n", " ")


def whole_batch():
    """x of unequal parts for two ranks, with ties of the maximum between them; upstream gradient and parameters."""
    generator = torch.Generator().manual_seed(0)
    x, upstream = torch.randn(2, 7, 3, 4, generator=generator, dtype=torch.float64)
    x[1], x[6] = x[1].abs() + 2, x[1].abs() + 2
    return x, upstream, torch.tensor([[0.5], [1.0], [1.5]], dtype=torch.float64), torch.tensor(1.3, dtype=torch.float64)


def step(x, upstream, v, gamma):
    """Output, gradients, and running estimates after one training step."""
    activation = parse(MERGED)
    running = estimates(activation.expression, 3)
    leaves = [tensor.clone().requires_grad_() for tensor in (x, v, gamma)]
    values = dict(zip(("x", "v", "gamma"), leaves, strict=True))
    y = compile_eager(activation.expression)(values, Reductions(x.shape, running=running))
    return [y.detach(), *torch.autograd.grad(y, leaves, upstream), *running.values()]


PARTS = ((2, 5), (0, 7))


def train_parts(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    x, upstream, v, gamma = whole_batch()
    parts = [slice(0, first) if rank == 0 else slice(first, None) for first, _ in PARTS]
    found = [step(x[part], upstream[part], v, gamma) for part in parts]
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()
    # A thread of gloo's may drop the last reference to a tensor while the interpreter ends, and abort the process.
    os._exit(0)


def test_two_ranks_compute_what_one_process_does_on_the_whole_batch(tmp_path):
    multiprocessing.spawn(train_parts, args=(str(tmp_path),), nprocs=2)
    y, by_x, by_v, by_gamma, *running = step(*whole_batch())
    for first, second in zip(
        *(torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)), strict=True
    ):
        torch.testing.assert_close(torch.cat([first[0], second[0]]), y)
        torch.testing.assert_close(torch.cat([first[1], second[1]]), by_x)
        torch.testing.assert_close(first[2] + second[2], by_v)
        torch.testing.assert_close(first[3] + second[3], by_gamma)
        assert len(running) == 4
        torch.testing.assert_close(first[4:], running)
        torch.testing.assert_close(second[4:], running)
