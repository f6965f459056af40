from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch

from actsearch import plugins
from actsearch.analysis import jets
from actsearch.analysis.jets import Sampler
from actsearch.compile.eager import evaluate
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import GATE, Apply, Constant, Expression, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.space import read_space
from actsearch.grammar.statistic import literal_arguments
from actsearch.grammar.text import read

POINTS = np.linspace(-4.93, 5.21, 57)


def by_torch(expression: Expression, x: np.ndarray, settings=None):
    """Values and slopes by torch and its autograd."""
    point = torch.from_numpy(x).requires_grad_()
    given = {name: point.new_tensor(value) for name, value in (settings or {}).items()}
    values = evaluate(expression, {"x": point, **given}).expand(x.shape)
    if not values.requires_grad:
        return values.numpy(), np.zeros_like(x)
    (slopes,) = torch.autograd.grad(values.sum(), point, allow_unused=True)
    return values.detach().numpy(), np.zeros_like(x) if slopes is None else slopes.numpy()


def applied(name: str) -> Expression:
    """An operator of functions of x, all of whose arguments move where they may."""
    operator = OPERATORS[name]
    if name == "power":
        return X**3
    inner = [X, 0.5 * X + 0.3, call.sin(X), 0.7 - X][: operator.arity or 4]
    literals = iter((0.8, 1.0, 2.0))
    places = literal_arguments(name)
    return Apply(name, tuple(Constant(next(literals)) if i in places else u for i, u in enumerate(inner)))


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_the_values_and_slopes_of_torch(name):
    low, high = OPERATORS[name].test_range
    # Where x is within the range, the other arguments are too.
    x = (
        np.linspace(max(low, 0.4), min(high, 0.5), 31)
        if name in ("pow", "divide", "log")
        else np.linspace(low, high, 67)
    )
    values, slopes = Sampler(x).sample(applied(name), {})
    expected = by_torch(applied(name), x)
    np.testing.assert_allclose(values, expected[0], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(slopes, expected[1], rtol=1e-7, atol=1e-9)


KINKS = ["relu(x)", "abs(x)", "maximum(x, 2 * x)", "minimum(x, -x)", "maximum(0.5, x)", "elu(x)", "sign(x)",
         "x * floor(x)", "where(greater(x, 0), sqrt(abs(x)), 1)", "x + detach(relu(x) - x)"]  # fmt: skip


@pytest.mark.parametrize("text", KINKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slopes_at_kinks_are_those_of_torch(text, dtype):
    x = np.array([-1.5, -0.5, 0.0, 0.5, 1.0, 2.0], dtype=dtype)
    found, expected = Sampler(x).sample(read(text), {}), by_torch(read(text), x)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("text", ["2", "a", "a * 3 + 1", "0 * x", "exp(a)", "maximum(a, 2)", "x**0", "greater(a, 1)"])
def test_what_is_the_same_everywhere_fills_the_points(text):
    values, slopes = Sampler(POINTS).sample(read(text), {"a": 1.5})
    expected, _ = by_torch(read(text), POINTS, {"a": 1.5})
    assert values.shape == slopes.shape == POINTS.shape
    np.testing.assert_allclose(values, expected, rtol=1e-15)
    assert not slopes.any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / x", np.inf),
        ("exp(exp(x))", np.inf),
        ("log(-x)", np.nan),
        ("1e300 * x", np.inf),
        ("exp(exp(x)) - exp(exp(x)) * 2", np.nan),
    ],
)
def test_numbers_end_where_those_of_float32_do(text, expected):
    x = np.array([0.0 if text == "1 / x" else 10.0], dtype=np.float32)
    values, _ = Sampler(x).sample(read(text), {})
    np.testing.assert_equal(values, np.array([expected], dtype=np.float32))


def test_functions_of_a_search_are_those_of_autograd():
    space, generator = read_space(plugins.find("search_spaces", "swish")), random.Random(3)
    sampler = Sampler(POINTS)
    compared = 0
    for _ in range(150):
        activation = space.candidate(space.sample(generator)).activation
        settings = {spec.name: generator.choice([1.0, 0.7]) for spec in activation.parameters}
        found = sampler.sample(activation.expression, settings)
        expected = by_torch(activation.expression, POINTS, settings)
        finite = np.logical_and.reduce([np.isfinite(array) for array in (*found, *expected)])
        for ours, theirs in zip(found, expected, strict=True):
            size = np.abs(theirs[finite]).max(initial=1.0)
            np.testing.assert_allclose(ours[finite], theirs[finite], rtol=1e-7, atol=1e-10 * size)
        compared += finite.sum()
    assert compared > 100 * len(POINTS)


def test_what_is_remembered_is_computed_once(monkeypatch):
    sampler, made = Sampler(POINTS), []
    monkeypatch.setattr(
        sampler, "_applied", lambda node, key: made.append(node.operator) or Sampler._applied(sampler, node, key)
    )
    sampler.sample(read("sin(x) * exp(a * x)"), {"a": 2.0})
    assert sorted(made) == ["exp", "multiply", "multiply", "sin"]
    made.clear()
    # Another name of a parameter, or a number, is the same function.
    sampler.sample(read("cos(exp(b * x)) + exp(2 * x)"), {"b": 2.0})
    assert sorted(made) == ["add", "cos"]
    made.clear()
    sampler.sample(read("exp(b * x)"), {"b": 3.0})
    assert sorted(made) == ["exp", "multiply"]


def test_forgetting_changes_nothing(monkeypatch):
    monkeypatch.setattr(jets, "_REMEMBERED", 3)
    forgetful, texts = Sampler(POINTS), ["sin(x) + x**2", "exp(x) * tanh(x)", "sin(x) / cosh(x)", "sin(x) + x**2"]
    for text in texts:
        for ours, others in zip(forgetful.sample(read(text), {}), Sampler(POINTS).sample(read(text), {}), strict=True):
            np.testing.assert_array_equal(ours, others)


def test_threads_may_share_a_sampler():
    sampler, texts = Sampler(POINTS), [f"sin({n} * x) * tanh({n + 1} * x)" for n in range(1, 60)]
    wrong: list[str] = []

    def work(order: list[str]) -> None:
        for text in order:
            values, _ = sampler.sample(read(text), {})
            if not np.allclose(values, by_torch(read(text), POINTS)[0]):
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(texts[n:] + texts[:n],)) for n in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_sampler_without_slopes_has_none():
    values, slopes = Sampler(POINTS, slopes=False).sample(read("x * sin(x)"), {})
    np.testing.assert_allclose(values, POINTS * np.sin(POINTS))
    assert not slopes.any()


@pytest.mark.parametrize("expression", [GATE * X, Apply("mean[last]", (X,)), Constant(1.0) + GATE])
def test_what_is_no_function_of_x_alone_is_refused(expression):
    with pytest.raises(UnsupportedError, match=r"^only (pointwise )?functions .*\.$"):
        Sampler(POINTS).sample(expression, {})


def test_powers_below_the_bar_overflow_where_the_quotient_does():
    # x * (1e25*x)**-2 has a square beyond float32, and is 0 by it; the reciprocal squared is 0 as well, but
    # (x/1e25)**-2 is infinite where 1/(x/1e25)**2 divides by 0.
    x = np.array([2.0], dtype=np.float32)
    for text in ("x / (1e25 * x)**2", "x**2 / (x / 1e25)**2"):
        activation = parse(text)
        found, expected = Sampler(x).sample(activation.expression, {}), by_torch(activation.expression, x)
        np.testing.assert_array_equal(found[0], expected[0])
