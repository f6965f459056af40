from __future__ import annotations

import pytest

from actsearch.evaluate.ladder.ranges import RATE, defaults, ranges, tuned
from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import parse

SETTINGS = LadderSettings()


def test_the_defaults_are_the_middle_rate_and_the_values_as_given(told, swish):
    assert defaults(swish, told) == {RATE: 0.1, "beta": 1.0}
    assert tuned(swish, defaults(swish, told)) is swish


def test_every_entry_of_every_parameter_has_a_range_around_it(told):
    subject = subject_of(parse("pwpoly(x + a, c) + b", a=0.0, b=-2.0, c=[0.1, 0.5, 0.2]))
    found = {key: (d.low, d.high) for key, d in ranges(subject, told, SETTINGS).items()}
    expected = {
        RATE: (0.01, 1.0), "a": (-1, 1), "b": (-4, 0), "c[0]": (0, 0.2), "c[1]": (0, 1.0), "c[2]": (0, 0.4),
    }  # fmt: skip
    assert {key: pytest.approx(value) for key, value in expected.items()} == found
    assert ranges(subject, told, SETTINGS)[RATE].log


def test_the_gain_is_that_of_the_new_values(swish):
    changed = tuned(swish, {RATE: 0.1, "beta": 1.7})
    assert changed == subject_of(parse("x * sigmoid(beta * x)", beta=1.7))
    assert changed.gain != swish.gain


def test_entries_of_an_array_go_back_to_their_places_and_granularity_stays():
    subject = subject_of(parse("pwpoly(x, c)", c=([0.1, 0.5, 0.2], "channel")))
    (spec,) = tuned(subject, {RATE: 0.1, "c[0]": 1.0, "c[1]": 2.0, "c[2]": 3.0}).activation.parameters
    assert (spec.initial, spec.granularity) == ((1.0, 2.0, 3.0), "channel")
