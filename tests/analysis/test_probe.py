from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from actsearch.analysis.probe import WIDEST, Probe, gaussian_grid
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse

POINTS = torch.tensor([-2.5, -0.5, 0.0, 0.75, 3.0], dtype=torch.float64)


def test_the_wide_points_are_float32_and_have_0_and_both_ends():
    response = Probe(parse("tanh(x)")).wide
    assert response.x.dtype == response.values.dtype == response.slopes.dtype == torch.float32
    assert len(response.x) == 1601
    assert (float(response.x[0]), float(response.x[800]), float(response.x[-1])) == (-WIDEST, 0.0, WIDEST)
    torch.testing.assert_close(response.values, response.x.tanh())
    torch.testing.assert_close(response.slopes, 1 - response.x.tanh() ** 2)


def test_a_pole_at_0_is_seen():
    assert not Probe(parse("1 / x")).wide.values[800].isfinite()


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        ("x**3", lambda x: x**3, lambda x: 3 * x**2),
        ("exp(-x**2)", lambda x: torch.exp(-x * x), lambda x: -2 * x * torch.exp(-x * x)),
        ("beta * sin(x)", lambda x: 1.5 * torch.sin(x), lambda x: 1.5 * torch.cos(x)),
        ("relu(x)", torch.relu, lambda x: (x > 0).double()),
    ],
)
def test_values_and_slopes_are_those_of_calculus(text, value, slope):
    activation = parse(text, beta=1.5) if "beta" in text else parse(text)
    response = Probe(activation).response(POINTS)
    torch.testing.assert_close(response.values, value(POINTS), rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(response.slopes, slope(POINTS), rtol=1e-14, atol=1e-15)
    assert not response.values.requires_grad


@pytest.mark.parametrize("text", ["2", "beta", "beta - 3", "sign(x)", "floor(x)"])
def test_what_does_not_move_with_x_has_slope_0_everywhere(text):
    response = Probe(parse(text)).response(POINTS)
    assert response.values.shape == response.slopes.shape == POINTS.shape
    assert torch.equal(response.slopes, torch.zeros_like(POINTS))


def test_the_family_moves_one_parameter_after_the_other():
    family = Probe(parse("a * x + b", a=2.0, b=-1.0)).family(POINTS)
    assert family.shape == (3, 5)
    moved = {"a": 2.0 * 1.37 + 0.11, "b": -1.0 * 1.37 + 0.11}
    expected = [2 * POINTS - 1, moved["a"] * POINTS - 1, 2 * POINTS + moved["b"]]
    torch.testing.assert_close(family[0], expected[0])
    # Which parameter is the first is a matter of the normal form.
    rows = {tuple(row.tolist()) for row in family[1:].round(decimals=9)}
    assert rows == {tuple(row.tolist()) for row in torch.stack(expected[1:]).round(decimals=9)}


def test_a_parameter_that_starts_at_0_is_moved_too():
    family = Probe(parse("a * x", a=0.0)).family(POINTS)
    assert torch.equal(family[0], torch.zeros_like(POINTS))
    assert float(family[1].abs().max()) > 0.1


@pytest.mark.parametrize("text", ["gate * x", "sigmoid(gate)"])
def test_a_function_of_gate_is_refused_in_one_sentence(text):
    with pytest.raises(UnsupportedError, match=r"only functions of x alone .* reads gate\.$") as refused:
        Probe(parse(text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [("x / std[last](x)", r"the statistic var\[last\]\(x\)"), ("uniform(0, 1) * x", "the operator uniform")],
)
def test_what_is_no_pointwise_function_is_refused_by_name(text, named):
    with pytest.raises(UnsupportedError, match=rf"^only pointwise functions .*, not {named}\.$") as refused:
        Probe(parse(text))
    assert "\n" not in str(refused.value)


def test_the_entries_of_an_array_are_parameters_of_their_own():
    array = Probe(parse("c[0] * sin(x) + c[1] * x**2", c=[0.5, 2.0]))
    apart = Probe(parse("a * sin(x) + b * x**2", a=0.5, b=2.0))
    x = torch.linspace(-3, 3, 31, dtype=torch.float64)
    torch.testing.assert_close(array.response(x).slopes, apart.response(x).slopes)
    torch.testing.assert_close(array.family(x), apart.family(x))
    np.testing.assert_allclose(array.few_values, apart.few_values, rtol=1e-12)
    assert array.wide_samples.as_written


@pytest.mark.parametrize(("power", "expected"), [(0, 1), (1, 0), (2, 1), (3, 0), (4, 3), (6, 15), (8, 105)])
def test_the_grid_integrates_powers_of_a_gaussian(power, expected):
    z, weights = gaussian_grid()
    assert float((weights * z**power).sum()) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_grid_integrates_kinks_and_jumps():
    z, weights = gaussian_grid()
    assert float((weights * z.abs()).sum()) == pytest.approx(math.sqrt(2 / math.pi), abs=3e-6)
    assert float((weights * (z > 0)).sum()) == pytest.approx(0.5, abs=1e-8)
    assert not (z == 0).any()
