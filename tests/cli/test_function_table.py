from __future__ import annotations

import pytest

SPACE = """
title: One or two functions
paper: "none: a test's own"
start: unit
rules:
  unit:
    one: function
    two: function_1 + function_2
  function:
    sin: sin(x)
    tanh: tanh(x)
    exp: exp(-x**2)
    relu: relu(x)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("table")
    space, path = folder / "few.yaml", folder / "digits.npz"
    space.write_text(SPACE)
    options = ("--space", space, "--task", "digits", "--seeds", 2, "--best", 3, "--best-seeds", 2, "--limit", 6)
    text("table", path, "--build", *options, "--workers", "in-process")
    return path


def test_a_table_is_built_and_shown(file, text):
    shown = text("table", file, "-n", 2)
    assert "digits: the best by their test scores with 2 seeds" in shown
    assert shown.count("│ -0.") == 2
    assert "6 functions. Rank correlations" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_as_a_document(file, document):
    found = document("table", file)
    assert found["functions"] == 6
    assert found["card"]["plan"]["best_seeds"] == 2
    best = [entry["score"] for entry in found["tasks"]["digits"]["best"]]
    assert len(best) == 3
    assert best == sorted(best, reverse=True)
    assert -1 <= found["tasks"]["digits"]["reliability"]["one_seed"] <= 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("none.npz",), "cannot read the table 'none.npz': No such file"),
        (("t.npz", "--build", "--task", "digit"), "unknown task 'digit': did you mean digits"),
        (("t.npz", "--build", "--space", "pangaea"), "a table takes at most 100,000 genomes"),
    ],
)
def test_bad_input_is_one_sentence(arguments, expected, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("table", *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
