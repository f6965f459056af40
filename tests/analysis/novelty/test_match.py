from __future__ import annotations

import json

import pytest

from actsearch.analysis.novelty import Match, Novelty


@pytest.mark.parametrize(
    ("fields", "label", "effort"),
    [
        ({}, "gelu", 0),
        ({"output_scale": 2.0}, "gelu (times 2)", 1),
        ({"input_scale": 0.5, "input_shift": -1.0}, "gelu (input times 0.5, input plus -1)", 2),
        ({"output_scale": -3.0, "output_shift": 1 / 3}, "gelu (times -3, plus 0.333333)", 2),
        ({"parameters": {"a": 1.0, "b": 2.5}, "moved": ("b",)}, "gelu with b = 2.5", 1),
        ({"parameters": {"a": 1e-8}, "limits": {"a": "0"}}, "gelu with a -> 0", 2),
        (
            {"parameters": {"a": 1e9, "b": 2.0}, "moved": ("b",), "limits": {"a": "inf"}, "input_scale": -1.0},
            "gelu with b = 2, a -> inf (input times -1)",
            4,
        ),
    ],
)
def test_a_match_says_what_it_takes(fields, label, effort):
    match = Match(name="gelu", distance=0.0, **fields)
    assert match.label() == label
    assert match.effort[0] == effort
    assert match.numbers == effort - 2 * len(match.limits) + len(match.limits)


def test_of_as_many_transformations_the_output_is_the_simplest():
    ways = (
        {"output_scale": 2.0}, {"input_scale": 2.0}, {"parameters": {"a": 2.0}, "moved": ("a",)},
        {"parameters": {"a": 2.0}, "limits": {"a": "inf"}},
    )  # fmt: skip
    efforts = [Match(name="f", distance=0.0, **way).effort for way in ways]
    assert efforts == sorted(efforts)


@pytest.mark.parametrize(
    ("verdict", "distance", "fields", "sentence"),
    [
        ("known", 0.0, {}, "is f"),
        ("known", 0.0, {"parameters": {"a": 1.7}, "moved": ("a",)}, "is a rediscovery of f with a = 1.7"),
        ("known", 0.0, {"parameters": {"a": 1e-9}, "limits": {"a": "0"}}, "is the limit of f with a -> 0"),
        ("close", 0.003, {}, "within 0.003 of f on [-5, 5]"),
        ("new", 0.21, {"output_scale": 2.0}, "new: nearest is f (times 2), 0.21 away on [-5, 5]"),
    ],
)
def test_sentences(verdict, distance, fields, sentence):
    found = Novelty(verdict=verdict, matches=(Match(name="f", distance=distance, **fields),))
    assert found.sentence() == sentence


def test_the_document_is_json():
    match = Match(name="f", distance=0.5, parameters={"a": 2.0}, limits={"a": "inf"})
    document = json.loads(json.dumps(Novelty(verdict="new", matches=(match,)).to_json(), allow_nan=False))
    assert document["matches"][0]["parameters"] == {"a": 2.0}
    assert document["matches"][0]["limits"] == {"a": "inf"}
    assert document["verdict"] == "new"
