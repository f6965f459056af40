from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.errors import SpaceError
from actsearch.grammar.expression import Parameter
from actsearch.grammar.space import read_space
from tests.grammar.conftest import SMALL

# None is among the integers: two of the operators have a kink there, and one an infinite slope.
POINTS = (-2.3, -0.7, -0.1, 0.4, 1.9)
OTHERS = (0.6, -1.1, 2.7, -0.3, 1.2)
BETA = 0.7

# Ramachandran, Zoph, Le (2017), arXiv:1710.05941, section 2, written with Python's own mathematics.
UNARY = {
    "identity": lambda u: u,
    "negative": lambda u: -u,
    "abs": abs,
    "square": lambda u: u * u,
    "cube": lambda u: u * u * u,
    "sqrt": lambda u: math.sqrt(u) if u >= 0 else math.nan,
    "scale": lambda u: BETA * u,
    "shift": lambda u: u + BETA,
    "log_abs": lambda u: math.log(abs(u) + 1e-7),
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "atan": math.atan,
    "sinc": lambda u: math.sin(math.pi * u) / (math.pi * u),
    "relu": lambda u: max(u, 0.0),
    "min0": lambda u: min(u, 0.0),
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "softplus": lambda u: math.log(1 + math.exp(u)),
    "gauss": lambda u: math.exp(-u * u),
    "erf": math.erf,
    "constant": lambda _: BETA,
}
BINARY = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "subtract": lambda a, b: a - b,
    "divide": lambda a, b: a / (b + 1e-7),
    "max": max,
    "min": min,
    "gate": lambda a, b: b / (1 + math.exp(-a)),
    "gaussian": lambda a, b: math.exp(-BETA * (a - b) ** 2),
    "laplace": lambda a, b: math.exp(-BETA * abs(a - b)),
    "mix": lambda a, b: BETA * a + (1 - BETA) * b,
}


def values_of(production, **given):
    tensors = {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in given.items()}
    return evaluate(production.template, {**tensors, "beta": torch.tensor(BETA, dtype=torch.float64)}).expand(5)


def test_the_swish_space_has_the_25_unary_and_10_binary_functions_of_the_paper(swish):
    assert list(swish.productions["unary"]) == list(UNARY)
    assert list(swish.productions["unit"]) == list(BINARY)
    assert (len(UNARY), len(BINARY)) == (25, 10)
    assert set(swish.productions["input"]) == {"x", "unit"}
    assert "1710.05941" in swish.paper
    assert (swish.spec("beta").initial, swish.spec("beta").granularity) == (1.0, "channel")


@pytest.mark.parametrize("name", UNARY)
def test_every_unary_function_is_that_of_the_paper(swish, name):
    found = values_of(swish.productions["unary"][name], input=POINTS)
    expected = torch.tensor([UNARY[name](u) for u in POINTS], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("name", BINARY)
def test_every_binary_function_is_that_of_the_paper(swish, name):
    found = values_of(swish.productions["unit"][name], unary_1=POINTS, unary_2=OTHERS)
    expected = torch.tensor([BINARY[name](a, b) for a, b in zip(POINTS, OTHERS, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_the_size_of_the_swish_space_is_what_its_rules_say(swish):
    units = 0
    for _ in range(swish.depth["unit"]):
        # 24 unary functions of an input and one constant; an input is x or a unit.
        units = 10 * (24 * (1 + units) + 1) ** 2
    assert swish.size() == units
    assert units == 292157317806250000 or units > 10**17


def test_the_small_space_is_enumerated_whole(small):
    found = list(small.enumerate())
    # A unit without units below is one of 2 leaves; else it is a leaf and a unit, a wrapped unit, or a leaf.
    assert len(found) == small.size() == 2 * 2 + 2 + 2
    assert len(set(found)) == len(found)
    assert all(small.contains(genome) for genome in found)
    texts = {small.activation(genome).text for genome in found}
    assert texts == {
        "x", "sin(x)", "2 * x", "gamma + beta * x", "sin(gamma + beta * x)", "gamma + x + beta * x",
        "gamma + gamma_2 + beta * x + beta_2 * x",
    }  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_the_count_is_the_number_enumerated_at_every_depth(write_space, depth):
    space = write_space(SMALL.replace("unit: 2", f"unit: {depth}"))
    assert space.size() == sum(1 for _ in space.enumerate()) == sum(2 * 3**k for k in range(depth))
