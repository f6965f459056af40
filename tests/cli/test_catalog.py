from __future__ import annotations

import pytest

from actsearch.analysis.catalog import FAMILIES, catalog

KEYS = {
    "name", "family", "formula", "lanes", "parameters", "aliases", "published_as", "year", "source", "needs", "domain",
    "note", "id",
}  # fmt: skip


def test_all_functions_are_listed_by_family_and_year(document, text):
    listed = document("catalog")
    assert [entry["name"] for entry in listed] == list(catalog())
    assert all(set(entry) == KEYS for entry in listed)
    shown = text("catalog")
    assert all(name in shown for name in ("gelu", "mish", "snake", "evonorm_b0", "periodic"))


@pytest.mark.parametrize("family", ["gated", "wavelet"])
def test_one_family_is_listed(family, document, text):
    listed = document("catalog", "--family", family)
    assert [entry["name"] for entry in listed] == [n for n, entry in catalog().items() if entry.family == family]
    assert listed[0]["name"] in text("catalog", "--family", family)


def test_one_function_is_shown_by_name_or_alias(document, text):
    (swish,) = document("catalog", "swish")
    assert swish["parameters"] == {"beta": {"initial": 1.0, "granularity": "channel"}}
    assert document("catalog", "logistic")[0]["name"] == "sigmoid"
    shown = text("catalog", "swish")
    assert "x * sigmoid(beta * x)" in shown
    assert "1710.05941" in shown
    assert "beta = 1, one per channel" in shown
    squared = " ".join(text("catalog", "squared_relu").split())
    assert "squared_relu (2021, So et al. (Primer), arXiv:2109.08668)" in squared


def test_what_has_no_formula_or_several_is_shown_too(document, text):
    (spiking,) = document("catalog", "spiking")
    assert (spiking["name"], spiking["formula"], spiking["id"]) == ("lif", None, None)
    assert "the membrane potential" in text("catalog", "lif")
    assert "formula: the published description leaves it open" in " ".join(text("catalog", "velu").split())
    shown = text("catalog", "maxmin")
    assert "maximum(x, gate)" in shown
    assert "minimum(x, gate)" in shown
    assert "2 output lanes" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("catalog", "--family", "recitfied"), "unknown family of functions 'recitfied': did you mean rectified"),
        (("catalog", "gelu", "--family", "gated"), "--family gated: gelu is one function; leave out one of the two."),
        (("compile", "lif"), "the catalog function lif has no formula here: it needs a state from step to step"),
        (("compile", "maxmin"), "oplu assigns several functions: take one of lane:1 = maximum(gate, x); lane:2"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, sentence, command):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("actsearch: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_every_family_has_functions():
    assert {entry.family for entry in catalog().values()} == set(FAMILIES)


def test_no_name_and_no_formula_is_cut_off(text):
    listed = text("catalog", "--family", "wavelet")
    assert "…" not in listed
    assert "piecewise_mexican_hat" in listed
