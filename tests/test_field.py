"""`docs/field.md` says where every system of the field is found here, and what it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from actsearch import plugins
from actsearch.analysis import catalog

ROOT = Path(__file__).resolve().parent.parent
IDS = [
    *(f"A{n}" for n in range(1, 9)), *(f"B{n}" for n in range(1, 16)),
    "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C14", "C15", "C17",
]  # fmt: skip
STATES = {"here", "in part", "open"}


def rows() -> dict[str, list[str]]:
    """Cells of the table's rows by the id in the first of them."""
    lines = (ROOT / "docs/field.md").read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if re.match(r"\| [ABC]\d", line))
    return {row[0].strip(): row for row in cells}


ROWS = rows()


def named(noun: str, text: str) -> list[str]:
    """What stands in code after `noun`, item by item: `spaces `swish`, `pangaea`` names two."""
    found = re.findall(rf"\b{noun}s? ((?:`[^`]+`(?:, | and )?)+)", text)
    return [name for group in found for name in re.findall(r"`([^`]+)`", group)]


def test_every_row_of_the_field_is_in_the_table() -> None:
    assert list(ROWS) == IDS
    assert all(len(row) == 5 for row in ROWS.values())
    assert {row[4] for row in ROWS.values()} <= STATES


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_a_row_names_is_there(row: list[str]) -> None:
    _, _, here, held, state = row
    if state == "open":
        assert not held
        return
    spaces, functions, tasks = named("space", here), named("catalog", here), named("task", here)
    assert spaces or functions or tasks or "`actsearch " in here
    assert set(tasks) <= set(plugins.names("workers"))
    assert set(spaces) <= set(plugins.names("search_spaces"))
    assert set(functions) <= set(catalog.names())
    tests = re.findall(r"`(tests/[^`]+)`", held)
    assert tests
    for test in tests:
        name, _, function = test.partition("::")
        assert function in functions_of(ROOT / name), test


def functions_of(path: Path) -> set[str]:
    """Names of the functions that a Python file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_open_parts_are_said() -> None:
    for row in ROWS.values():
        if row[4] != "here":
            assert re.search(r"open|refused|not yet", row[2], flags=re.IGNORECASE), row[0]
