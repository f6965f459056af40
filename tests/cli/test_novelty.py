from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("expression", "verdict", "name"),
    [("x * sigmoid(x)", "known", "silu"), ("2 * gelu(x) + 1", "known", "gelu"), ("sin(3 * x) * atan(x)", "new", None)],
)
def test_the_document_of_the_contract(document, text, expression, verdict, name):
    found = document("novelty", expression)
    assert set(found) == {"verdict", "sentence", "matches"}
    assert found["verdict"] == verdict
    assert name in (None, found["matches"][0]["name"])
    keys = ("distance", "input_scale", "input_shift", "output_scale", "output_shift")
    for match in found["matches"]:
        assert set(match) == {"name", "parameters", "limits", *keys}
        assert all(isinstance(match[key], float) for key in keys)
        assert isinstance(match["parameters"], dict)
    shown = text("novelty", expression)
    assert shown.startswith(found["sentence"] + "\n")
    assert found["sentence"].startswith("is " if verdict == "known" else verdict)


def test_fitted_parameters_are_named(document):
    nearest = document("novelty", "x * sigmoid(1.7 * x)")["matches"][0]
    assert (nearest["name"], nearest["parameters"]) == ("swish", {"beta": 1.7})


def test_as_many_matches_as_asked_for(document):
    assert len(document("novelty", "gelu(x)", "-n", "2")["matches"]) == 2


@pytest.mark.parametrize("expression", ["x * sigmoid(gate)", "x - mean[batch](x)", "softmax"])
def test_what_is_not_pointwise_is_answered_too(document, expression):
    assert document("novelty", expression)["verdict"] in {"known", "new"}


def test_parameters_and_prefixes_are_taken(finished, document, store):
    assert document("novelty", "sin(beta * x)", "--param", "beta=1")["matches"][0]["name"] == "sin"
    best = finished["candidates"][0]["id"]
    assert document("novelty", best, "--store", store)["verdict"] in {"known", "close", "new"}
