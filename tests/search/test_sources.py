"""A search says what it is made from, and a resume notices what has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.errors import SearchStateError, UnknownNameError
from actsearch.search import launch, sources
from actsearch.search.sources import differences
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from tests.cheap import CHEAP

INTERRUPTED = CHEAP.replace("# here", 'if os.path.exists(__file__ + ".stop"): raise KeyboardInterrupt')


def test_files_are_told_by_name_and_digest_and_followed_from_the_task(root, tmp_path):
    task = tmp_path / "task.py"
    task.write_text(
        "import torch, mine\nfrom parts.deep import thing\n"
        "from actsearch import plugins\nfrom actsearch.errors import x\n"
        'def f(): return plugins.load("workers", "digits")\n',
        encoding="utf-8",
    )
    (tmp_path / "parts").mkdir()
    beside = [tmp_path / name for name in ("mine.py", "parts/__init__.py", "parts/deep.py", "further.py", "unread.py")]
    for path in beside:
        path.write_text("import further\n" if path.name == "mine.py" else f"# {path.name}", encoding="utf-8")
    # A checkout beside the task is known by its version.
    (tmp_path / "actsearch").mkdir()
    (tmp_path / "actsearch" / "errors.py").write_text("", encoding="utf-8")
    found = sources.sources("swish,rational", str(task))
    assert found == {
        "actsearch": actsearch.__version__,
        "the search space swish": digest(root / "search_spaces" / "swish.yaml"),
        "the search space rational": digest(root / "search_spaces" / "rational.yaml"),
        f"the task {task}": digest(task),
        "the task digits": digest(root / "workers" / "digits.py"),
        **{f"the file {path} of the task": digest(path) for path in beside if path.name != "unread.py"},
    }
    with pytest.raises(UnknownNameError, match="unknown task"):
        sources.sources("swish", "digitz")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_differences_are_said_in_words():
    before = {"actsearch": "0.1.0", "the task a": "1", "the file b of the task": "2", "the search space c": "3"}
    now = {"actsearch": "0.2.0", "the task a": "9", "the file d of the task": "2", "the search space c": "3"}
    assert differences(before, before) == []
    assert differences(before, now) == [
        "actsearch is 0.2.0 and was 0.1.0",
        "the task a has changed",
        "the file b of the task is gone",
        "the file d of the task is new",
    ]


@pytest.fixture
def stopped(search, write_space, tmp_path) -> tuple[Path, Path, Path]:
    """Starts a search that is interrupted at its first training; gives store, space and task."""
    task = tmp_path / "cheap.py"
    task.write_text(INTERRUPTED, encoding="utf-8")
    space = Path(write_space({"a": "tanh(x)", "b": "sin(x)", "c": "x * x"}))
    stop, store = Path(f"{task}.stop"), tmp_path / "store"
    stop.touch()
    assert search(str(space), task=str(task), store=store).search.status == "stopped"
    stop.unlink()
    return store, space, task


def resume(store: Path, **options: Any) -> tuple[SearchRecord, list[str]]:
    warnings: list[str] = []
    return launch.resume(store, None, show=lambda _: None, warn=warnings.append, **options), warnings


@pytest.mark.parametrize("edited", [("space",), ("task",), ("space", "task")])
def test_what_was_edited_in_between_is_noticed_and_nothing_is_lost(stopped, edited):
    store, space, task = stopped
    contents = {path: path.read_bytes() for path in (space, task)}
    names = [f"the search space {space} has changed"] * ("space" in edited) + [f"the task {task} has changed"] * (
        "task" in edited
    )
    for path in [space] * ("space" in edited) + [task] * ("task" in edited):
        path.write_bytes(contents[path] + b"\n# edited\n")
    said = f"since the search mine-cheap-1 was last driven: {', '.join(names)}"
    with pytest.raises(SearchStateError) as caught:
        resume(store)
    assert str(caught.value) == (
        f"{said}; put that back as it was, or go on with what there is now:"
        " `actsearch resume mine-cheap-1 --allow-changed`."
    )
    with Journal.open(store) as journal:
        assert journal.search().status == "stopped"
        assert list(journal.sources(journal.search())) == [0]

    record, warnings = resume(store, allow_changed=True)
    assert warnings == [f"{said}; scores from before are kept beside those that come now."]
    assert record.status == "finished"


def test_what_was_put_back_is_no_change(stopped):
    store, _, task = stopped
    content = task.read_bytes()
    task.write_bytes(content + b"\n# edited\n")
    task.write_bytes(content)
    record, warnings = resume(store)
    assert (record.status, warnings) == ("finished", [])


def test_another_version_of_actsearch_is_noticed(stopped, monkeypatch):
    store, *_ = stopped
    monkeypatch.setattr(sources, "__version__", "99.0")
    with pytest.raises(SearchStateError, match=rf"actsearch is 99\.0 and was {actsearch.__version__}; put that back"):
        resume(store)


def test_what_was_allowed_once_is_what_the_search_is_made_from_then(stopped, command):
    store, space, task = stopped
    Path(f"{task}.stop").touch()
    space.write_text(space.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    code, _, err = command("resume", "--store", store)
    assert code == 2
    assert "--allow-changed" in err
    code, _, err = command("resume", "--allow-changed", "--store", store)
    assert code == 130, err
    assert f"the search space {space} has changed" in err.replace("\n", " ")
    Path(f"{task}.stop").unlink()
    record, warnings = resume(store)
    assert (record.status, warnings) == ("finished", [])
