from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import SpaceError, UnknownNameError
from actsearch.search.launch import resume
from actsearch.store.journal import Journal
from actsearch.store.summary import Summary, summarise, to_json

# Ctrl-C at one training, from within: the same exception at the same place, without a second process.
CTRL_C = """with open(os.environ["ACTSEARCH_TEST_LOG"]) as log:
            if len(log.readlines()) == int(os.environ["STOP_AT"]):
                raise KeyboardInterrupt"""
SMALL = {"budget": "7c", "settings": {"generation": "3", "finalists": "2"}}


@pytest.fixture(scope="module")
def stopping(write_task) -> str:
    """Path of a task that is interrupted at the training whose number `STOP_AT` says."""
    return write_task(CTRL_C)


@pytest.fixture
def stop(search, stopping, monkeypatch) -> Callable[..., Summary]:
    """Runs a search that is interrupted at the given training, in the folder `store`."""

    def run(space: str = "swish", *, at: int, store: Path, **options: Any) -> Summary:
        monkeypatch.setenv("ACTSEARCH_TEST_LOG", str(store.with_suffix(".log")))
        monkeypatch.setenv("STOP_AT", str(at))
        summary = search(space, task=stopping, store=store, **{**SMALL, **options})
        monkeypatch.setenv("STOP_AT", "-1")
        return summary

    return run


def go_on(store: Path) -> Summary:
    record = resume(store, None, show=lambda _: None, warn=pytest.fail)
    with Journal.open(store) as journal:
        return summarise(journal, record)


def comparable(summary: Summary) -> dict[str, Any]:
    document = to_json(summary, status=summary.search.status)
    del document["seconds"]
    return document


def test_a_search_interrupted_at_any_training_resumes_to_the_same_result(stop, tmp_path):
    unbroken = comparable(stop(at=-1, store=tmp_path / "unbroken"))
    assert unbroken["status"] == "finished"
    trainings = len((tmp_path / "unbroken.log").read_text(encoding="utf-8").splitlines())
    assert trainings >= 6 * (2 + 7) + 9 * (2 + 2)
    # A step that meets every learning rate and seed of the search, and the last training of all.
    for at in (*range(1, trainings, 7), trainings):
        store = tmp_path / f"at{at}"
        stopped = stop(at=at, store=store)
        assert (stopped.search.status, stopped.search.stopped_because) == ("stopped", "interrupted")
        assert comparable(go_on(store)) == unbroken, f"interrupted at training {at}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_a_destructor_swallows_stops_the_search_all_the_same(search, write_task, tmp_path):
    statement = """class Dropped:
            def __del__(self):
                import signal
                signal.raise_signal(signal.SIGTERM)
        if seed == 1 and learning_rate == 0.2:
            Dropped()"""
    summary = search(task=write_task(statement), store=tmp_path / "store", **SMALL)
    assert (summary.search.status, summary.search.stopped_because) == ("stopped", "interrupted")


def test_the_seconds_of_all_sessions_add_up(stop, tmp_path):
    stopped = stop(at=50, store=tmp_path / "store")
    assert stopped.search.seconds > 0
    assert go_on(tmp_path / "store").search.seconds > stopped.search.seconds


def test_a_search_whose_space_has_changed_says_so(stop, write_space, tmp_path):
    functions = {"a": "sin(x)", "b": "cos(x)", "c": "tanh(x)", "d": "x * x"}
    space = write_space(functions)
    assert stop(space, at=30, store=tmp_path / "store").search.status == "stopped"
    renamed = write_space({f"new_{name}": text for name, text in functions.items()})
    Path(renamed).replace(space)
    with pytest.raises(SpaceError, match=r"the space no longer has the production '[abcd]' of 'unit'") as caught:
        go_on(tmp_path / "store")
    assert "\n" not in str(caught.value)
    with Journal.open(tmp_path / "store") as journal:
        assert journal.search().stopped_because.startswith("SpaceError: the space no longer has")


def test_a_search_whose_space_is_gone_says_so_and_stays_as_it_is(stop, write_space, tmp_path):
    space = write_space({"a": "sin(x)", "b": "cos(x)", "c": "tanh(x)", "d": "x * x"})
    stopped = stop(space, at=30, store=tmp_path / "store")
    Path(space).unlink()
    with pytest.raises(UnknownNameError, match="unknown search space file"):
        go_on(tmp_path / "store")
    with Journal.open(tmp_path / "store") as journal:
        assert journal.search() == stopped.search


def test_a_path_is_remembered_whole_so_that_a_search_resumes_from_any_folder(
    stop, write_space, write_profile, tmp_path, monkeypatch
):
    space = Path(write_space({"a": "sin(x)", "b": "cos(x)", "c": "tanh(x)", "d": "x * x"}))
    workers = write_profile(executor="in-process", batch=1)
    monkeypatch.chdir(space.parent)
    stop("mine.yaml", at=30, store=tmp_path / "store", workers=workers)
    monkeypatch.chdir(tmp_path)
    assert go_on(tmp_path / "store").search.status == "finished"
