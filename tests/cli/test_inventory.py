from __future__ import annotations

import ast
import json

import pytest

from actsearch import __version__, plugins
from actsearch.search.strategies import STRATEGIES

KNOWN = {
    "spaces": ("search_spaces", "swish"),
    "tasks": ("workers", "digits"),
    "profiles": ("workers/profiles", "laptop"),
    "backends": ("kernels", "torch"),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_every_plug_in_is_listed_and_one_is_shown(text, document, kind):
    folder, name = KNOWN[kind]
    listed = document(kind)
    assert {entry["name"] for entry in listed} == set(plugins.names(folder))
    assert all(isinstance(value, str) and value for entry in listed for value in entry.values())
    said = text(kind)
    assert all(entry["name"] in said for entry in listed)
    shown = document(kind, name)
    assert name in shown.values()
    assert name in text(kind, name)


def test_a_space_is_shown_with_its_exact_size_and_samples(document, text):
    shown = document("spaces", "swish")
    assert isinstance(shown["size"], int)
    assert shown["size"] > 10**6
    assert len(shown["samples"]) == 10
    assert shown["moves"][0] == "crossover"
    assert all(sample in "".join(text("spaces", "swish").split("\n")) for sample in shown["samples"][:1])


def test_files_of_a_user_s_own_are_shown_by_path(document, cheap, tmp_path):
    space, profile = tmp_path / "mine.yaml", tmp_path / "profile.yaml"
    space.write_text("title: t\npaper: none\nstart: u\nrules: {u: {a: sin(x), b: u2 * x}, u2: {c: exp(x)}}\n")
    profile.write_text("title: mine\nworkers: 3\n", encoding="utf-8")
    assert document("spaces", space)["size"] == 2
    assert document("profiles", profile)["workers"] == 3
    shown = document("tasks", cheap)
    assert (shown["about"], shown["search_seeds"], shown["baselines"]) == ("Fit a sine on a grid.", 2, ["gelu", "selu"])
    assert shown["seed_turns"] == 1


def test_strategies_are_listed_and_shown_with_the_keys_of_their_settings(document, text):
    assert [entry["name"] for entry in document("strategies")] == list(STRATEGIES)
    shown = document("strategies", "evolution")
    assert shown["evolution.population"] == 64
    assert "evolution.tournament" in text("strategies", "evolution")
    assert document("strategies", "random")["strategy"] == "random"


def test_a_strategy_is_checked_on_a_space(document, text, command):
    findings = document("strategies", "evolution", "--check", "--space", "actbench")
    assert len(findings) == 9
    assert {finding["trouble"] for finding in findings} == {None}
    assert "asks nothing twice" in text("strategies", "random", "--check")
    code, _, err = command("strategies", "--check")
    assert (code, "--check needs the name" in err) == (2, True)


@pytest.mark.parametrize("backend", ["torch", "triton"])
def test_compile_prints_source_that_is_python(text, document, backend):
    source = text("compile", "x * sigmoid(beta * x)", "--param", "beta=1.5:channel", "--backend", backend)
    functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    assert functions
    assert "beta" in source
    shown = document("compile", "x * sigmoid(beta * x)", "--param", "beta=1.5:channel", "--backend", backend)
    assert (shown["text"], shown["backend"], shown["emit"]) == (source, backend, "source")


def test_compile_takes_a_catalog_name_and_a_prefix(finished, document, store):
    best = finished["candidates"][0]
    shown = document("compile", best["id"][:8], "--backend", "torch", "--store", store)
    assert (shown["id"], shown["expression"]) == (best["id"], best["expression"])
    assert document("compile", "mish", "--backend", "torch")["expression"] == "mish(x)"


def test_doctor_checks_everything_and_says_what_it_found(document, text, store, finished, tmp_path):
    found = document("doctor", "--store", store)
    assert found["ok"] is True
    checks = {check["name"]: check["finding"] for check in found["checks"]}
    assert __version__ in checks["python"]
    assert checks["store"].startswith(f"{store}: 1 search(es)")
    assert checks["search spaces"] == ", ".join(plugins.names("search_spaces"))
    assert finished["search"]
    missing = tmp_path / "none" / "store"
    assert f"{missing}: not there yet, can be made" in text("doctor", "--store", missing)
    assert not missing.parent.exists()


def test_doctor_ends_with_1_where_something_is_wrong(command, tmp_path):
    (tmp_path / "journal.sqlite").write_text("no journal\n" * 100, encoding="utf-8")
    code, out, err = command("doctor", "--store", tmp_path)
    assert code == 1
    assert "wrong store" in " ".join(out.split())
    assert err == "warning: something is wrong: see the lines marked so.\n"
    code, out, _ = command("doctor", "--store", tmp_path, "--json")
    assert code == 1
    document = json.loads(out)
    assert document["ok"] is False
    assert [check["name"] for check in document["checks"] if not check["ok"]] == ["store"]


def test_a_census_counts_all_of_a_small_space_and_refuses_others(command, document, text):
    found = document("spaces", "private", "--census")
    assert sum(found["census"].values()) == found["size"]
    assert found["census"]["distinct"] > 10
    assert "census" not in document("spaces", "private")
    assert "same text 0" in text("spaces", "private", "--census")
    for space, reason in (("swish", "a census counts at most 100,000 genomes"), ("sparse", "a census counts")):
        code, out, err = command("spaces", space, "--census")
        assert (code, out) == (2, "")
        assert reason in err
