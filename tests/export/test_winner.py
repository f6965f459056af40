"""The file of a search's winner."""

from __future__ import annotations

import keyword
from pathlib import Path

import pytest

from actsearch.export.winner import exported_path
from actsearch.store.journal import Journal


@pytest.mark.parametrize(("space", "task", "file"), [
    ("swish", "digits", "swish_digits_1.py"),
    ("swish,rational", "image-fit", "swish_rational_image_fit_1.py"),
    ("/a/3 cubes.yaml", "/b/größe.py", "_3_cubes_gr__e_1.py"),
    ("/a/class.yaml", "digits", "class_digits_1.py"),
])  # fmt: skip
def test_an_import_statement_can_name_it(space: str, task: str, file: str, tmp_path: Path) -> None:
    path = exported_path(tmp_path, created(tmp_path, space, task))
    assert path == tmp_path / "exports" / file
    assert path.stem.isascii()
    assert path.stem.isidentifier()
    assert not keyword.iskeyword(path.stem)


def test_no_two_searches_share_one(tmp_path: Path) -> None:
    names = ("a-b", "a_b", "a b", "a-b-1", "a_b_1", "a", "a_1")
    paths = [exported_path(tmp_path, created(tmp_path, f"/s/{name}.yaml", "digits")) for name in names]
    assert len(set(paths)) == len(names)


def created(store: Path, space: str, task: str):
    request = {"version": "0", "space": space, "task": task, "strategy": "random", "workers": "laptop"}
    with Journal.open(store, create=True) as journal:
        return journal.create_search({**request, "budget": "1c", "seed": 0})
