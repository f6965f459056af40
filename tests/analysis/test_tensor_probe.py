from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.moments import moments, normalised, spread
from actsearch.analysis.probe import Probe
from actsearch.analysis.tensor_probe import TensorProbe, probe_of
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.gradient import Gradient
from actsearch.evaluate.protocols.trivial import Trivial
from actsearch.grammar.activation import parse


@pytest.mark.parametrize("text", ["x * sigmoid(b * x)", "c[0] + c[1] * tanh(x)", "relu(x) + detach(x)"])
def test_what_works_point_by_point_is_looked_at_so(text):
    assert isinstance(probe_of(parse(text)), Probe)


@pytest.mark.parametrize("text", ["x / std[batch](x)", "stochastic(0.5, x, relu(x))", "uniform(0, 1) * relu(x)"])
def test_what_does_not_is_looked_at_on_tensors(text):
    assert isinstance(probe_of(parse(text)), TensorProbe)


@pytest.mark.parametrize("text", ["relu(x)", "tanh(x)", "x * sigmoid(1.5 * x)", "sin(2 * x)"])
def test_a_pointwise_function_has_on_tensors_the_moments_that_it_has(text):
    found, expected = moments(TensorProbe(parse(text))), moments(Probe(parse(text)))
    # 2,048 numbers, of which half are independent.
    assert found.std == pytest.approx(expected.std, rel=0.08)
    assert found.slope_mean_square == pytest.approx(expected.slope_mean_square, rel=0.15)


def test_a_normalised_row_has_unit_variance_and_a_gain_of_1():
    activation = parse("(x - mean[last](x)) / std[last](x)")
    assert spread(TensorProbe(activation)).std == pytest.approx(1, abs=1e-4)
    bare, gain = normalised(parse("3 * (x - mean[last](x)) / std[last](x)"))
    assert gain == pytest.approx(1, abs=1e-4)
    assert bare.hash == activation.hash


@pytest.mark.parametrize("groups", [1, 4, 8, 32])
def test_a_group_of_channels_varies_even_if_it_is_a_single_one(groups):
    activation = parse(f"(x - mean[group:{groups}](x)) / std[group:{groups}](x)")
    assert normalised(activation)[1] == pytest.approx(1, abs=1e-3)


def test_the_gradient_is_what_comes_back_and_no_sum_of_a_row():
    # The sum of a normalised row is 0 whatever its elements, so the gradient of that sum is 0 too.
    samples = TensorProbe(parse("(x - mean[last](x)) / std[last](x)")).gaussian_samples
    x = torch.from_numpy(samples.x).reshape(64, 32).requires_grad_()
    y = torch.nn.functional.layer_norm(x, (32,), eps=1e-5)
    upstream = torch.randn(64, 32, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    (expected,) = torch.autograd.grad(y, x, upstream)
    np.testing.assert_allclose(samples.slopes, expected.flatten().numpy(), rtol=1e-8, atol=1e-10)
    assert np.mean(np.square(samples.slopes)) == pytest.approx(1, abs=0.15)


def test_draws_are_the_same_each_time_and_move_nobody_s_generator():
    probe = TensorProbe(parse("stochastic(0.5, silu(x), relu(x))"))
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    first = probe.wide_samples.values
    assert torch.equal(torch.rand(3), expected)
    np.testing.assert_array_equal(first, TensorProbe(probe.activation).wide_samples.values)


@pytest.mark.parametrize(
    ("text", "protocol", "reason"),
    [
        ("x / (x - mean[last](x))", Domain(), "not finite"),
        ("log(x - min[last](x))", Domain(), "not finite"),
        ("x - mean[last](x) + mean[last](x)", Trivial(), "affine"),
        ("0 * x + 1", Trivial(), "constant"),
        ("g * (v + mean[last](sqrt(v + 1)))", Trivial(), "constant"),
        ("1e-3 * x / (1e-8 + var[last](1e3 * x)) + sin(1e6 * x)", Gradient(), "exploding"),
    ],
)
def test_protocols_reject_by_what_is_seen_on_tensors(text, protocol, reason):
    rejection = protocol.check(TensorProbe(parse(text)))
    assert rejection is not None
    assert reason in rejection.reason


@pytest.mark.parametrize(
    "text",
    [
        "x * sigmoid(v * x) / std[group:8](x)", "x / maximum(std[batch](x), v * x + std[instance](x))",
        "a[0] * x / rms[last](x) + a[1] * x**2 / rms[last](x**2)", "relu(x - mean[last](x) - 1.3 * std[last](x))",
        "stochastic(0.7, silu(x), relu(x))", "exp(x - max[last](x)) / sum[last](exp(x - max[last](x)))",
    ],
)  # fmt: skip
def test_layers_of_the_literature_pass(text):
    probe = probe_of(parse(text))
    for protocol in (Domain(), Trivial(), Gradient()):
        assert protocol.check(probe) is None
    assert 0 < spread(probe).gain < 100


def test_fingerprints_tell_layers_apart_and_see_through_their_texts():
    def of(text, **parameters):
        return fingerprint(probe_of(parse(text, **parameters)))

    assert of("x / std[last](x)") == of("2 * x / std[last](x)")
    assert of("(x - mean[last](x)) / std[last](x)") == of("(x + 1 - mean[last](x + 1)) / std[last](x)")
    assert of("x / std[last](x)") != of("x / std[batch](x)")
    assert of("x / std[last](x)") != of("x / rms[last](x)")
    assert of("silu(x) / std[last](x)") != of("x * sigmoid(b * x) / std[last](x)", b=1.0)


GATES = {
    # The mean squares are those of independent factors; of the larger of two normal numbers it is 1 - 1/pi.
    "x * gate": (1.0, 2.0),
    "x * relu(gate)": (1 / math.sqrt(2), 1.0),
    "maximum(x, gate)": (math.sqrt(1 - 1 / math.pi), 1.0),
    "exp(-x**2) * gate": (5**-0.25, 5**-0.5 + 4 * 5**-1.5),
}


@pytest.mark.parametrize("text", GATES)
def test_a_gate_is_as_normal_as_x_and_independent_of_it(text):
    found = moments(probe_of(parse(text)))
    std, slopes = GATES[text]
    assert found.std == pytest.approx(std, rel=1e-4)
    # On the diagonal of a maximum torch gives half of the slope to each.
    assert found.slope_mean_square == pytest.approx(slopes, rel=0.01)


def test_a_gate_is_judged_like_x():
    def stage(text, **parameters):
        probe = probe_of(parse(text, **parameters))
        return next((found.stage for one in (Domain(), Trivial(), Gradient()) if (found := one.check(probe))), None)

    assert stage("x / gate") == stage("sqrt(gate) * x") == stage("log(x) + gate") == "domain"
    assert stage("2 * x - 0.5 * gate + 1") == stage("a * x + b * gate") == stage("gate") == "trivial"
    assert stage("sin(1000 * gate) * x") == "gradient"
    assert [stage(text) for text in (*GATES, "relu(gate)", "x * sigmoid(gate / rms[last](gate))")] == [None] * 6
    assert stage("x + 0.5 * gate / rms[last](gate)") is None


def test_fingerprints_of_gates_see_through_texts_and_tell_the_inputs_apart():
    def of(text, **parameters):
        return fingerprint(probe_of(parse(text, **parameters)))

    assert of("x * silu(gate)") == of("2 * x * gate * sigmoid(gate)")
    assert (
        len({of(text) for text in ("x * silu(gate)", "gate * silu(x)", "silu(gate)", "silu(x)", "relu(gate) * x")}) == 5
    )
    assert of("x * gate * sigmoid(b * gate)", b=1.0) != of("x * silu(gate)")
