"""A fused activation in training and in evaluation, in one process and over ranks."""

import os
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing
from torch.utils.checkpoint import checkpoint

from actsearch.compile.checked import Checked
from actsearch.compile.reference import Eager, Estimates
from actsearch.compile.statistics.reductions import MOMENTUM, estimates
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import parse

BACKENDS = ("llvm", "torch")
B0 = "x / max(std[batch](x), v * x + std[instance](x))"


@pytest.mark.parametrize("backend", BACKENDS)
def test_running_estimates_are_learnt_in_training_and_used_in_evaluation(backend):
    layer = parse(B0).module(backend=backend)
    generator, expected = torch.Generator().manual_seed(0), torch.ones(3)
    for step in range(4):
        x = torch.randn(6, 3, 5, generator=generator, requires_grad=step % 2 == 0)
        layer(x)
        expected = expected.lerp(x.detach().var((0, 2), correction=0), MOMENTUM)
    torch.testing.assert_close(layer.running_0, expected)
    layer.eval()
    x = torch.randn(2, 3, 4, generator=generator, requires_grad=True)
    instance = (x.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
    by_hand = x / torch.maximum((expected.view(3, 1) + 1e-5).sqrt(), x + instance)
    y = layer(x)
    torch.testing.assert_close(y, by_hand)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x), torch.autograd.grad(by_hand.sum(), x))
    torch.testing.assert_close(layer.running_0, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_statistic_that_stability_rewrites_keeps_its_running_estimate(backend):
    layer = parse("x - mean[batch](x / (1 + exp(-x))) + mean[batch](log(1 + exp(x)) - 0.3)").module(backend=backend)
    for _ in range(3):
        layer(torch.randn(8, 2))
    assert all(bool((running != 0).all()) for running in layer.buffers())
    assert layer.eval()(torch.randn(5, 2)).isfinite().all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_estimates_that_are_missing_or_of_other_channels_are_named(backend):
    function = parse("x / std[batch](x)").module(backend=backend)._compile(torch.device("cpu"))
    with pytest.raises(UnsupportedError, match=r"var\[batch\]\(x\) has no running estimate"):
        function([torch.randn(4, 3)], [], 1, Estimates(training=False, running={}))
    with pytest.raises(ConfigError, match="has 5 channels, but dimension 1 of x has 3"):
        function([torch.randn(4, 3)], [], 1, Estimates(training=True, running={"var[batch](x)": torch.ones(5)}))
    for shape, reason in (((4,), "needs samples and channels"), ((2, 5), "5 channels cannot be divided into 2")):
        with pytest.raises(ConfigError, match=reason):
            parse("x / std[group:2](x)").module(backend=backend)(torch.randn(shape))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(0, 4), (3, 4, 0), (0, 4, 3)])
def test_empty_tensors_have_empty_results_and_leave_the_running_estimates(backend, shape):
    for text in ("x + max[batch](x)", "x / std[batch](x) + a * mean[layer](x)", "x * quantile[last](x, 0.5)"):
        layer = parse(text).module(backend=backend, channels=shape[1])
        before = [buffer.clone() for buffer in layer.buffers()]
        x = torch.zeros(shape, requires_grad=True)
        y = layer(x)
        assert y.shape == shape
        y.sum().backward()
        assert all(torch.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))


def test_a_switch_is_drawn_in_training_and_its_expectation_in_evaluation():
    layer = parse("stochastic(0.25, x, 0)").module(backend="llvm")
    x = torch.randn(200, 100, requires_grad=True)
    y = layer(x)
    taken = y != 0
    assert abs(float(taken.float().mean()) - 0.25) < 0.02
    # The backward draws what the forward has drawn.
    assert torch.equal(torch.autograd.grad(y.sum(), x)[0], taken.float())
    assert not torch.equal(layer(x), y)
    torch.testing.assert_close(layer.eval()(x), 0.25 * x)


def test_a_number_is_drawn_between_its_ends_in_training_and_is_their_middle_in_evaluation():
    activation = parse("uniform(a * x, b)", a=2.0, b=-1.0)
    for backend in ("llvm", "torch"):
        layer = activation.module(backend=backend)
        x = torch.rand(200, 100) + 1
        x.requires_grad_()
        y = layer(x)
        share = ((2 * x - y) / (2 * x + 1)).detach()
        assert abs(float(share.min()) - 0.005) < 0.0051
        assert abs(float(share.max()) - 0.995) < 0.0051
        assert abs(float(share.mean()) - 0.5) < 0.01
        # The backward draws what the forward has drawn: d/dx = 2*(1 - share), by a x*(1 - share), by b share.
        slopes = torch.autograd.grad(y.sum(), [x, layer.a, layer.b])
        expected = (2 * (1 - share), (x.detach() * (1 - share)).sum()[None], share.sum()[None])
        for found, wanted in zip(slopes, expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
        assert not torch.equal(layer(x), y)
        torch.testing.assert_close(layer.eval()(x), x - 0.5)


def test_equal_draws_are_one_and_others_are_not():
    x = torch.ones(1000)
    assert not parse("uniform(a, b) - uniform(a, b)", a=0.0).module(backend="llvm")(x).any()
    y = parse("uniform(a, b) - uniform(c, b)", a=0.0, c=0.0).module(backend="llvm")(x)
    assert float(y.detach().std()) > 0.3


def test_the_same_seed_draws_the_same_on_every_backend_and_in_every_layout_and_dtype():
    activation = parse("stochastic(0.5, x, -x)")
    x = torch.rand(2, 3, 4, 5) + 1
    found = []
    for backend, tensor in (
        ("llvm", x), ("torch", x), ("llvm", x.double()), ("llvm", x.bfloat16()),
        ("llvm", x.contiguous(memory_format=torch.channels_last)), ("llvm", x.mT.contiguous().mT),
    ):  # fmt: skip
        torch.manual_seed(7)
        found.append(activation.module(backend=backend)(tensor).sign().float())
    assert all(torch.equal(found[0], other) for other in found)
    assert set(found[0].flatten().tolist()) == {-1.0, 1.0}


def test_noise_is_not_kept_between_forward_and_backward():
    saved = []
    x = torch.randn(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        parse("stochastic(0.5, sin(x), x)").module(backend="llvm")(x)
    assert saved == [1000]


DRAWN = ("stochastic(0.5, x, 0) * v", "uniform(0.5, v) * x")


@pytest.mark.parametrize("text", ["v * sin(x)", "v * x / std[last](x)", *DRAWN])
def test_under_a_checkpoint_nothing_changes(text):
    layer = parse(text).module(backend="llvm")
    x, found = torch.randn(6, 50, requires_grad=True), []
    for call in (layer, lambda x: checkpoint(layer, x, use_reentrant=False)):
        torch.manual_seed(0)
        found.append(torch.autograd.grad(call(x).square().sum(), [x, layer.v]))
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


def test_samples_of_a_vmap_have_draws_of_their_own():
    layer = parse("stochastic(0.5, x, 0) * v").module(backend="llvm")

    def loss(v, x):
        return torch.func.functional_call(layer, {"v": v}, (x,)).sum()

    by_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(layer.v.detach(), torch.ones(6, 1000))
    assert by_sample.shape == (6, 1)
    assert len(set(by_sample.flatten().tolist())) > 1
    assert abs(float(by_sample.mean()) - 500) < 50


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x * sigmoid(v * x) / std[group:2](x)", (2, 4, 3)),
        ("v * x / rms[last](x) + x**2 / rms[last](x**2)", (3, 5)),
        ("x / (std[batch](x) + v)", (3, 2)),
        ("exp(x - max[last](x)) / sum[last](exp(x - max[last](x))) * v", (2, 4)),
    ],
)
def test_derivatives_of_statistics_are_right_twice(text, shape):
    layer = parse(text).module(backend="llvm", dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def call(x, v):
        return torch.func.functional_call(layer, {"v": v}, (x,))

    assert torch.autograd.gradcheck(call, (x, layer.v))
    assert torch.autograd.gradgradcheck(call, (x, layer.v))


def test_gradients_of_each_sample_by_vmap_are_those_of_samples_one_by_one():
    layer = parse("x * sigmoid(v * x) / std[layer](x)", v=(1.0, "channel")).module(backend="llvm", channels=3)
    x = torch.randn(5, 3, 4)

    def loss(v, x):
        return torch.func.functional_call(layer, {"v": v}, (x[None],)).square().sum()

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(layer.v.detach(), x)
    expected = torch.stack([torch.func.grad(loss)(layer.v.detach(), sample) for sample in x])
    torch.testing.assert_close(found, expected)


def test_the_first_use_on_a_device_is_compared_with_statistics_and_draws_too():
    for text, shape in (
        (B0, (9, 4, 3)),
        ("stochastic(0.5, x, 0) / rms[last](x)", (7,)),
        ("x / std[group:2](x)", (1, 4)),
    ):
        function = parse(text).module(backend="llvm")._compile(torch.device("cpu"))
        state = torch.get_rng_state()
        checked = Checked(function, function.eager)
        assert checked._agrees([torch.randn(shape)], [torch.ones(1)] * len(function.activation.parameters), 1)
        torch.set_rng_state(state)


MERGED = """
x * sin(mean[batch](x)) / max(std[batch](x - v), v * x + std[instance](x)) * gamma
+ max[batch](x) * x + 0.01 * sum[batch](x**2)
""".replace("\n", " ")
PARTS = (2, 0)


def whole_batch():
    """x, with ties of the maximum between its parts; upstream gradient and parameters."""
    x, upstream = torch.randn(2, 7, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[1], x[6] = x[1].abs() + 2, x[1].abs() + 2
    return x, upstream, [torch.tensor([1.3], dtype=torch.float64), torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)]


def step(x, upstream, parameters):
    """Output, gradients, and running estimates after one training step, by the native kernels."""
    activation = parse(MERGED, v=(1.0, "channel"))
    running = estimates(activation.expression, 3)
    leaves = [tensor.clone().requires_grad_() for tensor in (x, *parameters)]
    function = activation.module(backend="llvm")._compile(torch.device("cpu"))
    y = function(leaves[:1], leaves[1:], 1, Estimates(training=True, running=running))
    return [y.detach(), *torch.autograd.grad(y, leaves, upstream), *running.values()]


def train_parts(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    x, upstream, parameters = whole_batch()
    parts = [slice(0, first) if rank == 0 else slice(first, None) for first in PARTS]
    torch.save([step(x[part], upstream[part], parameters) for part in parts], Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()
    # A thread of gloo's may drop the last reference to a tensor while the interpreter ends, and abort the process.
    os._exit(0)


def test_two_ranks_compute_what_one_process_does_on_the_whole_batch(tmp_path):
    assert [spec.name for spec in parse(MERGED, v=(1.0, "channel")).parameters] == ["gamma", "v"]
    multiprocessing.spawn(train_parts, args=(str(tmp_path),), nprocs=2)
    y, by_x, *by_parameters = step(*whole_batch())
    by_parameters, running = by_parameters[:2], by_parameters[2:]
    for first, second in zip(
        *(torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)), strict=True
    ):
        torch.testing.assert_close(torch.cat([first[0], second[0]]), y)
        torch.testing.assert_close(torch.cat([first[1], second[1]]), by_x)
        for index, gradient in enumerate(by_parameters):
            torch.testing.assert_close(first[2 + index] + second[2 + index], gradient)
        assert len(running) == 4
        torch.testing.assert_close(first[4:], running)
        torch.testing.assert_close(second[4:], running)


def test_the_reference_agrees_with_itself_on_the_whole_batch():
    x, upstream, parameters = whole_batch()
    activation = parse(MERGED, v=(1.0, "channel"))
    leaves = [tensor.clone().requires_grad_() for tensor in (x, *parameters)]
    y = Eager(activation)(leaves[:1], leaves[1:], 1)
    for found, expected in zip(
        step(x, upstream, parameters), [y, *torch.autograd.grad(y, leaves, upstream)], strict=False
    ):
        torch.testing.assert_close(found, expected)
