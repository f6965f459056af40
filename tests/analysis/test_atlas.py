from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from actsearch.analysis.atlas import digest, relations, render
from actsearch.analysis.catalog import Alias, Entry
from actsearch.grammar.parameter import ParameterSpec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "atlas.html"


def entry(name, year, formula, *also, **parameters):
    specs = tuple(ParameterSpec(name=key, initial=value) for key, value in parameters.items())
    return Entry(
        name=name,
        family="self_gated",
        year=year,
        source="a <test> & more",
        formula=formula,
        parameters=specs,
        also=also,
    )


SOME = (
    entry("sigmoid", 1986, "sigmoid(x)", Alias(name="logistic")),
    entry("tanh", 1986, "tanh(x)"),
    entry("silu", 2016, "silu(x)", Alias(name="swish1", year=2017, source="again")),
    entry("swish", 2017, "x * sigmoid(beta * x)", beta=1.5),
    entry("e_swish", 2018, "a * x * sigmoid(b * x)", a=1.25, b=2.0),
    entry("relu", 1969, "relu(x)"),
    entry("glu", 2016, "x * sigmoid(gate)"),
    entry("atan_sin", 2020, "atan(x) * sin(3 * x)"),
)
ENTRIES = {one.name: one for one in SOME}


@pytest.fixture(scope="module")
def found():
    return {(relation.name, relation.of): relation for relation in relations(ENTRIES)}


@pytest.mark.parametrize(
    ("name", "of", "kind", "label"),
    [
        ("tanh", "sigmoid", "same", "sigmoid (input times 2, times 2, plus -1)"),
        ("sigmoid", "tanh", "same", "tanh (input times 0.5, times 0.5, plus 0.5)"),
        ("silu", "swish", "member", "swish with beta = 1"),
        ("relu", "swish", "limit", "swish with beta -> inf"),
    ],
)
def test_relations_are_found(found, name, of, kind, label):
    relation = found[name, of]
    assert (relation.kind, relation.label, relation.whole) == (kind, label, False)


def test_a_family_within_another_is_told_from_a_member(found):
    assert found["swish", "e_swish"].whole
    assert found["e_swish", "swish"].whole
    assert not found["swish", "silu"].whole or found["swish", "silu"].kind == "same"


def test_what_is_like_nothing_has_no_relation(found):
    assert not {pair for pair in found if {"glu", "atan_sin"} & set(pair)}


def test_the_page_holds_its_data_as_text_and_nothing_from_elsewhere():
    page = render(ENTRIES)
    assert page == render(ENTRIES)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    document = json.loads(data[1])
    assert [row[0] for row in document["entries"]] == sorted(ENTRIES, key=lambda name: (ENTRIES[name].year, name))
    by_name = {row[0]: row for row in document["entries"]}
    assert by_name["silu"][2] == "a <test> & more"
    assert by_name["silu"][5] == [["swish1", 2017, "again"]]
    assert len(by_name["silu"][6]) == 41
    assert by_name["glu"][6] == []
    assert ["tanh", "sigmoid", "same"] in [row[:3] for row in document["relations"]]
    assert "<test>" not in page
    assert not re.search(
        r"(?:src|href)=|url\(|@import|fetch\(|https?://(?!www\.w3\.org/2000/svg)", page.replace(data[1], "")
    )
    assert f'content="{digest(ENTRIES)}"' in page


def test_the_digest_follows_the_entries():
    assert digest(ENTRIES) == digest(dict(ENTRIES))
    assert digest(ENTRIES) != digest({name: one for name, one in ENTRIES.items() if name != "tanh"})
    changed = ENTRIES | {"swish": entry("swish", 2017, "x * sigmoid(beta * x)", beta=1.0)}
    assert digest(ENTRIES) != digest(changed)


@pytest.mark.skipif(not PAGE.exists(), reason="a source archive without the documents")
def test_the_page_in_the_documents_is_that_of_the_catalog():
    assert f'<meta name="catalog" content="{digest()}">' in PAGE.read_text(encoding="utf-8"), (
        "write it anew: actsearch catalog --atlas docs/atlas.html"
    )
