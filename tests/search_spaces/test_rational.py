"""The starts of the rationals are what they are called."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from actsearch import plugins
from actsearch.grammar.activation import Activation
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.rules import RuleSpace
from tests.search_spaces.conftest import space_called

STARTS = {
    "relu": torch.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
    "gelu": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "identity": lambda x: x,
}
POINTS = torch.linspace(-3, 3, 601, dtype=torch.float64)
# Root mean square errors on [-3, 3] that the fits keep to: a kink needs degrees, a smooth function few.
KINKED, SMOOTH = {3: 0.04, 5: 0.007, 7: 0.006}, {3: 0.007, 5: 0.001, 7: 0.0003}


def rationals() -> RuleSpace:
    space = space_called("rational")
    assert isinstance(space, RuleSpace)
    return space


def starts(name: str) -> list[Activation]:
    """The different starts of a production, at its first granularity."""
    production = rationals().productions["rational"][name]
    specs = [a for a in production.alternatives if a[0].granularity == "layer" and not a[0].shared]
    return [rationals().activation(Derivation(production=production, parameters=each)) for each in specs]


def denominator(name: str, b: torch.Tensor) -> torch.Tensor:
    """What the version is said to divide by, in torch."""
    version = name[0]
    powers = torch.stack([POINTS**i for i in range(version != "c", int(name[-1]) + 1)])
    if version == "a":
        return 1 + (b[:, None] * powers).abs().sum(0)
    total = b @ powers
    return {"b": 1 + total.abs(), "d": 1 + total.abs(), "c": 0.1 + total.abs(), "n": 1 + total}[version]


def test_there_are_five_versions_of_three_degrees_and_seven_starts():
    names = list(rationals().productions["rational"])
    assert names == [f"{version}_{degrees}" for version in "abcdn" for degrees in ("3_2", "5_4", "7_6")]
    for name in names:
        assert len(starts(name)) == len(STARTS)
        settings = {(a[0].granularity, a[0].shared) for a in rationals().productions["rational"][name].alternatives}
        assert len(settings) == 6
        assert {g for g, _ in settings} == {"layer", "channel", "group:8"}


@pytest.mark.parametrize("name", [f"{v}_{d}" for v in "abcdn" for d in ("3_2", "5_4", "7_6")])
def test_a_start_is_near_its_function_and_has_no_pole(name):
    above = int(name[2])
    for (title, function), activation in zip(STARTS.items(), starts(name), strict=True):
        values = {spec.name: torch.tensor(spec.initial, dtype=torch.float64) for spec in activation.parameters}
        q = denominator(name, values["b"])
        assert q.min() > 0.09
        powers = torch.stack([POINTS**i for i in range(above + 1)])
        expected = values["a"] @ powers / q
        layer = activation.module(backend="torch", dtype=torch.float64).eval()
        torch.testing.assert_close(layer(POINTS), expected)
        error = (expected - function(POINTS)).square().mean().sqrt()
        assert error < (KINKED if "relu" in title else SMOOTH)[above], (title, float(error))
        assert max(v.abs().max() for v in values.values()) < 10


@pytest.mark.parametrize("name", ["a_5_4", "b_5_4", "c_5_4"])
def test_every_coefficient_of_a_start_is_trained(name):
    for activation in starts(name):
        layer = activation.module(backend="torch", dtype=torch.float64)
        (layer(POINTS) * torch.linspace(0.3, 1, 601, dtype=torch.float64) * POINTS.sin()).sum().backward()
        assert all((parameter.grad != 0).all() for parameter in layer.parameters())


def test_pade_version_a_begins_at_leaky_relu():
    # The activation of the paper: degrees 5 and 4, version A, from Leaky ReLU.
    leaky = starts("a_5_4")[list(STARTS).index("leaky_relu")]
    x = torch.linspace(-3, 3, 100)
    assert (leaky.module(backend="torch")(x) - functional.leaky_relu(x, 0.01)).abs().max() < 0.04


def test_version_d_draws_in_training_and_is_b_in_evaluation():
    noisy, plain = starts("d_3_2")[2], starts("b_3_2")[2]
    layer, steady = noisy.module(backend="torch"), plain.module(backend="torch")
    x = torch.linspace(-3, 3, 50)
    assert not torch.equal(layer(x), layer(x))
    assert (layer(x) - steady(x)).abs().max() < 0.3 * steady(x).abs().max() + 0.3
    torch.testing.assert_close(layer.eval()(x), steady(x))


def test_the_file_is_small_enough_to_be_read():
    assert plugins.find("search_spaces", "rational").stat().st_size < 40_000
