from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from actsearch.analysis import catalog as room
from actsearch.analysis.catalog import FAMILIES, Entry, catalog, find, functions, library, look_up, names
from actsearch.compile.eager import compile_eager
from actsearch.documents import read_document
from actsearch.errors import SpaceError, UnknownNameError, UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import parameter_names
from tests.analysis.catalog.reference import moved

ENTRIES = catalog()
WITH_FORMULA = {name: entry for name, entry in ENTRIES.items() if entry.beyond is None}
POINTWISE = {
    name: entry.activation
    for name, entry in WITH_FORMULA.items()
    if entry.formula is not None and not entry.activation.statistics and "gate" not in entry.activation.inputs
}


def evaluated(activation, x, *, moves=0):
    """Values and slopes at `x`, the parameters moved that many times."""
    setting = {}
    for index, spec in enumerate(activation.parameters):
        own = spec
        for step in range(moves):
            own = replace(spec, initial=moved(own, index + step))
        value = torch.tensor(own.initial, dtype=x.dtype)
        setting[spec.name] = value.unsqueeze(-1) if value.dim() else value
    point = x.clone().requires_grad_()
    values = compile_eager(activation.expression)({"x": point, **setting})
    values = values.expand(x.shape) if values.shape != x.shape else values
    if not values.requires_grad:
        return values, torch.zeros_like(x)
    return values.detach(), torch.autograd.grad(values.sum(), point)[0]


def test_there_are_more_than_400_functions():
    assert len(WITH_FORMULA) > 400
    assert len(functions) == sum(entry.formula is not None for entry in ENTRIES.values())


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_says_where_it_comes_from(name):
    entry = ENTRIES[name]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", alias) for alias in entry.aliases)
    assert 1800 <= entry.year <= 2026
    assert len(entry.source) > 5
    assert all(alias.year is None or 1800 <= alias.year <= 2026 for alias in entry.also)
    assert entry.family in FAMILIES


@pytest.mark.parametrize("name", WITH_FORMULA)
def test_every_parameter_stands_in_the_formula_and_the_other_way_round(name):
    entry = WITH_FORMULA[name]
    used = {name for _, activation in entry.candidate.assignment for name in parameter_names(activation.expression)}
    assert used == {spec.name for spec in entry.parameters}


def test_the_earliest_name_is_the_entry_s():
    late = [
        (entry.name, alias.name)
        for entry in ENTRIES.values()
        for alias in entry.also
        if alias.year is not None and alias.year < entry.year
    ]
    assert not late


def test_parameters_have_the_initial_values_of_their_papers():
    known = {
        "swish": [("beta", 1.0, "channel")],
        "prelu": [("a", 0.25, "channel")],
        "snake": [("a", 1.0, "channel")],
        "crrelu": [("eps", 0.01, "layer")],
        "star_relu": [("s", 0.8944, "layer"), ("b", -0.4472, "layer")],
        "dyt": [("alpha", 0.5, "layer"), ("g", 1.0, "channel"), ("b", 0.0, "channel")],
        "polyrelu": [("a", (0.0, 1 / 3, 1 / 3, 1 / 3), "layer")],
    }
    found = {name: [(spec.name, spec.initial, spec.granularity) for spec in ENTRIES[name].parameters] for name in known}
    assert found == known
    (denominator,) = [spec for spec in ENTRIES["kat_rational"].parameters if spec.name == "b"]
    assert denominator.granularity == "group:8"


def test_no_two_entries_have_the_same_formula():
    ids = {name: entry.candidate.id for name, entry in WITH_FORMULA.items()}
    assert len(set(ids.values())) == len(ids)


def test_no_two_entries_are_the_same_function():
    # On both sides of every clip, with every parameter at another value too, and by slopes for what differs there only.
    x = torch.linspace(-13.03, 13.97, 97, dtype=torch.float64)
    rows = [
        torch.stack([part for moves in (0, 3) for part in evaluated(activation, x, moves=moves)]).flatten()
        for activation in POINTWISE.values()
    ]
    table = torch.nan_to_num(torch.stack(rows), nan=1e300, posinf=1e290, neginf=-1e290)
    drawn = [activation.is_stochastic for activation in POINTWISE.values()]
    known, same = list(POINTWISE), []
    for index, name in enumerate(known):
        near = ((table[index + 1 :] - table[index]).abs() <= 1e-9 * (1 + table[index].abs())).all(1)
        others = [index + 1 + other for other in near.nonzero().flatten().tolist()]
        same += [(name, known[other]) for other in others if drawn[index] == drawn[other]]
    assert not same


@pytest.mark.parametrize("name", POINTWISE)
def test_it_is_finite_in_float32_where_a_candidate_must_be(name):
    x = torch.arange(-800, 801, dtype=torch.float32) * 0.025
    values, slopes = evaluated(POINTWISE[name], x)
    assert bool((values.isfinite() & slopes.isfinite()).all()) == (ENTRIES[name].domain is None)


def test_rationals_start_as_what_they_were_fitted_to():
    x = torch.linspace(-3, 3, 301, dtype=torch.float64)
    leaky, silu = torch.nn.functional.leaky_relu(x), torch.nn.functional.silu(x)
    targets = {"pau_a": leaky, "pau_b": leaky, "pau_c": leaky, "pau_n": silu, "kat_rational": silu}
    errors = {name: float((evaluated(POINTWISE[name], x)[0] - target).abs().max()) for name, target in targets.items()}
    assert all(errors[name] < 0.04 for name in ("pau_a", "pau_b", "pau_c"))
    assert all(errors[name] < 2e-5 for name in ("pau_n", "kat_rational"))


def test_what_an_entry_needs_is_read_from_its_formula():
    needs = {name: list(entry.needs) for name, entry in ENTRIES.items()}
    assert needs["gelu"] == []
    assert needs["swiglu"] == ["two inputs"]
    assert needs["slaf"] == ["an array parameter"]
    assert needs["rrelu"] == needs["silu_relu_switch"] == ["a draw in training"]
    assert needs["evonorm_b0"] == ["statistics over batch", "statistics over instance"]
    assert needs["polynorm"] == ["statistics over last", "an array parameter"]
    assert needs["oplu"] == ["two inputs", "2 output lanes"]
    assert needs["crelu"] == ["2 output lanes"]
    assert needs["lif"] == ["a state from step to step: the membrane potential"]


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.beyond is not None])
def test_what_the_language_cannot_say_is_refused_by_name(name):
    entry = look_up(name)
    for refused in (lambda: find(name), lambda: entry.activation, lambda: entry.candidate, lambda: functions[name]):
        with pytest.raises(UnsupportedError, match=rf"the catalog function {name} has no formula here: it needs "):
            refused()
    assert name not in list(functions)


def test_lanes_are_a_candidate_and_no_activation():
    entry = find("maxmin")
    assert (entry.name, entry.year) == ("oplu", 2016)
    assert entry.candidate.assignment == (("lane:1", parse("max(x, gate)")), ("lane:2", parse("min(x, gate)")))
    with pytest.raises(UnsupportedError, match="the catalog function oplu has 2 output lanes"):
        _ = entry.activation
    assert find("gelu").candidate.activation == functions["gelu"]


def test_an_alias_is_found_as_the_entry():
    assert find("swish1") is find("silu")
    assert functions["logistic"] == functions["sigmoid"]
    known = names()
    assert known["swish1"] == "silu"
    assert all(known[name] == name for name in ENTRIES)
    aliases = [alias for entry in ENTRIES.values() for alias in entry.aliases]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & set(ENTRIES)


def test_an_alias_says_who_published_it_when():
    (squared,) = [alias for alias in find("squared_relu").also if alias.name == "squared_relu"]
    assert (squared.year, squared.source) == (2021, "So et al. (Primer), arXiv:2109.08668")
    assert find("relu2").to_json()["published_as"][-1]["name"] == "squared_relu"


def test_functions_are_a_mapping_by_name():
    assert functions["relu"].text == "relu(x)"
    assert "relu" in functions
    assert not {"no_such", "lif", "oplu"} & {name for name in ("no_such", "lif", "oplu", "relu") if name in functions}
    assert room.functions is functions


def test_entries_are_sorted_by_family_and_year():
    keys = [(FAMILIES.index(entry.family), entry.year, name) for name, entry in ENTRIES.items()]
    assert keys == sorted(keys)
    assert {entry.family for entry in ENTRIES.values()} == set(FAMILIES)


def test_a_name_stands_once_in_all_files():
    files = [read_document(path, library._FileModel, SpaceError) for path in library._DATA.glob("*.yaml")]
    assert len(files) == 8
    assert sum(len(members) for file in files for members in file.families.values()) == len(ENTRIES)


def test_formulas_are_parsed_when_they_are_asked_for():
    entry = Entry(name="odd", family="rectified", year=2026, source="a test", formula="relu(")
    assert entry.aliases == ()
    with pytest.raises(ValueError, match="is no expression"):
        _ = entry.activation


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{formula: x, lanes: [x], year: 2000, source: me}", "expected one of the keys formula, lanes and needs"),
        ("{year: 2000, source: me}", "expected one of the keys formula, lanes and needs"),
        ("{formula: x, aliases: {y: never}, year: 2000, source: me}", "aliases.y: expected year and source"),
        ("{formula: x, source: me}", "the key 'families.radial.f.year' is missing"),
        ("{formula: x, year: 2000, source: me, familly: y}", "unknown key"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"families:\n  radial:\n    f: {text}\n", encoding="utf-8")
    with pytest.raises(SpaceError) as refused:
        read_document(path, library._FileModel, SpaceError)
    assert str(refused.value).startswith(f"{path}:3: ")
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("name", "nearest"), [("gellu", "gelu"), ("Swish", "swish"), ("leakyrelu", "leaky_relu"), ("GELU", "gelu")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError) as refused:
        find(name)
    sentence = str(refused.value)
    assert sentence.startswith(f"unknown catalog function {name!r}: did you mean ")
    named = sentence.partition("did you mean ")[2].rstrip("?").split(", ")
    assert nearest in named
    assert len(named) <= 3
    assert set(named) <= set(names())


@pytest.mark.parametrize(("name", "low", "high"), [("rrelu", 0.125, 1 / 3), ("eprelu", 0.9, 1.1), ("erelu", 0.9, 1.1)])
def test_a_slope_is_drawn_in_training_within_its_bounds(name, low, high):
    x = torch.full((4, 8, 50), -2.0 if name == "rrelu" else 2.0)
    slopes = functions[name].module(backend="torch", channels=8).train()(x).detach() / x
    assert low <= float(slopes.min()) < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < float(slopes.max()) <= high + 1e-6
