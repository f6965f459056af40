"""Slope controls: a function times a constant is the same candidate, so a steep slope cannot be an advantage."""

from __future__ import annotations

import pytest

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.grammar.activation import parse

FACTORS = ("1 / 4", "1 / 3", "0.3", "1 / 2", "2", "3", "4")
FUNCTIONS = {
    "relu(x)": {},
    "x - 1 / 3 * x**3": {},
    "tanh(x) + x * sigmoid(x)": {},
    "sin(x) + 0.5": {},
    "x * sigmoid(beta * x)": {"beta": (1.0, "channel")},
    "beta * tanh(x)": {"beta": (0.7, "layer")},
    "maximum(x, beta * x) + gamma * sin(x)": {"beta": (0.25, "channel"), "gamma": (0.5, "layer")},
}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_multiple_is_trained_as_the_function_itself(text):
    subject = subject_of(parse(text, **FUNCTIONS[text]))
    for factor in FACTORS:
        for form in (f"({factor}) * ({text})", f"({text}) * ({factor})", f"({text}) / (1 / ({factor}))"):
            assert subject_of(parse(form, **FUNCTIONS[text])) == subject, form


def test_and_so_has_the_same_scores_to_the_last_bit():
    digits = load_task("digits")
    subjects = [
        subject_of(parse(factor + f"({text})", **FUNCTIONS[text]))
        for text in ("x * sigmoid(beta * x)", "tanh(x) + x * sigmoid(x)")
        for factor in ("1 * ", "4 * ", "1 / 4 * ")
    ]
    outcomes = digits.run(subjects, (0,), Quality())
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[3] == outcomes[4] == outcomes[5] != outcomes[0]
