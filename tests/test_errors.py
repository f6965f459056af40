from __future__ import annotations

import re

import pytest

from actsearch import errors
from actsearch.errors import ActsearchError, UnknownNameError, unknown_name

PLANETS = ["earth", "jupiter", "mars", "mercury", "neptune", "saturn", "uranus", "venus"]


def test_the_nearest_known_name_is_named_first():
    assert str(unknown_name("planet", "satrun", PLANETS)).startswith("unknown planet 'satrun': did you mean saturn")


@pytest.mark.parametrize(
    "name", ["", "x", "merkury", "saturnus", "us", "ar", "e" * 500, "Ωmega", "a\nb", "\0", "\ud800"]
)
def test_at_most_three_names_are_named_in_one_sentence(name):
    sentence = str(unknown_name("planet", name, PLANETS))
    named = re.fullmatch(r".*: (?:did you mean (.*)\?|known: (.*) and 5 more\.)", sentence)
    assert named is not None
    named = (named[1] or named[2]).split(", ")
    assert 1 <= len(named) <= 3
    assert set(named) <= set(PLANETS)
    assert "\n" not in sentence
    assert "\0" not in sentence
    assert len(sentence) < 160


def test_a_name_far_from_all_gets_the_first_three():
    sentence = "unknown planet 'zzz': known: earth, jupiter, mars and 5 more."
    assert str(unknown_name("planet", "zzz", PLANETS)) == sentence
    assert str(unknown_name("planet", "zzz", PLANETS[:2])) == "unknown planet 'zzz': known: earth, jupiter."


def test_upper_and_lower_case_are_near():
    assert str(unknown_name("planet", "MARS", PLANETS)).startswith("unknown planet 'MARS': did you mean mars")


def test_the_order_of_the_known_names_makes_no_difference():
    forth, back = (str(unknown_name("planet", "ma", names)) for names in (PLANETS, PLANETS[::-1]))
    assert forth == back


def test_nothing_known_is_said():
    assert str(unknown_name("planet", "pluto", [])) == "unknown planet 'pluto': there are none."


def test_a_long_name_is_shortened_to_80_characters():
    assert str(unknown_name("planet", "a" * 80, ["b"])).startswith(f"unknown planet {'a' * 80!r}: ")
    assert str(unknown_name("planet", "a" * 81, ["b"])).startswith(f"unknown planet {'a' * 77 + '...'!r}: ")


def test_every_error_can_be_caught_as_ours_and_as_pythons():
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert len(classes) >= 9
    for error in classes:
        assert issubclass(error, ActsearchError)
        assert error is ActsearchError or len(error.__bases__) == 2, "a class of Python's own stands beside ours"
        assert error.__doc__
    assert issubclass(errors.ParseError, ValueError)
    assert issubclass(UnknownNameError, LookupError)
    assert issubclass(errors.SpaceError, ValueError)
    assert issubclass(errors.StoreError, OSError)
    assert issubclass(errors.UnsupportedError, NotImplementedError)
    # KeyError would put its message in quotes.
    assert not issubclass(UnknownNameError, KeyError)
