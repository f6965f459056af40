from __future__ import annotations

import math
from dataclasses import replace

import pytest

from actsearch import plugins
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.grammar.activation import parse

deep = plugins.load("workers", "deep")


def test_the_gain_of_relu_is_that_of_he_and_a_factor_changes_nothing():
    assert deep.gain_at_depth(parse("relu(x)")) == pytest.approx(math.sqrt(2))
    bare, gain = deep.gain_at_depth(parse("tanh(x)")), deep.gain_at_depth(parse("3 * tanh(x)"))
    assert gain * 3 == pytest.approx(bare)
    assert deep.gain_at_depth(parse("x / std[batch](x)")) is None


def test_the_gain_keeps_the_signal_and_the_gradient_over_fifty_layers():
    for text in ("tanh(x)", "elu(x)"):
        activation = parse(text)
        changes = deep._change(deep.Pointwise(activation), deep.gain_at_depth(activation) ** 2)
        assert changes < deep._change(deep.Pointwise(activation), subject_of(activation).gain ** 2)
        assert changes < math.log(10)


def test_the_gain_at_depth_is_what_is_trained(monkeypatch):
    task = load_task("deep")
    assert len(task.recipe.widths) == 52
    monkeypatch.setattr(type(task), "recipe", replace(task.recipe, steps=10, widths=(64, *[32] * 50, 10)))
    subject = subject_of(parse("elu(x)"))
    first, second = task.run([subject, replace(subject, gains=(7.0,))], (0,), Quality(margin=-10.0))
    assert first == second
