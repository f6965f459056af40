from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.analysis import catalog
from actsearch.errors import SpaceError, UnknownNameError
from actsearch.evaluate.task import load_task, subject_of
from actsearch.search.config import SearchConfig
from actsearch.search.launch import resume
from actsearch.search.progress import Progress, Snapshot
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal
from actsearch.store.summary import FINAL, SEARCH, Summary, summarise, to_json

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
        summary = search(space, store=store, **{"task": stopping, **SMALL, **options})
        monkeypatch.setenv("STOP_AT", "-1")
        return summary

    return run


def go_on(store: Path, **options: Any) -> Summary:
    record = resume(store, None, **{"show": lambda _: None, "warn": pytest.fail, **options})
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


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_a_destructor_swallows_stops_the_search_without_a_traceback(search, write_task, tmp_path):
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
        go_on(tmp_path / "store", warn=lambda _: None, allow_changed=True)
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


# As above, with a baseline that fails on every seed.
BROKEN_BASELINE = f"""if layer.activation.text == 'gelu(x)':
            raise ValueError('no gelu')
        {CTRL_C}"""


def test_a_baseline_that_failed_is_not_trained_again_by_a_resume(stop, write_task, write_profile, tmp_path):
    task, alone = write_task(BROKEN_BASELINE), write_profile(executor="in-process", batch=1)
    gelu = subject_of(catalog.find("gelu").activation).activation.id
    unbroken = comparable(stop(at=-1, store=tmp_path / "unbroken", task=task, workers=alone))

    def trained(store: Path) -> list[list[str]]:
        return [line.split() for line in store.with_suffix(".log").read_text(encoding="utf-8").splitlines()]

    assert [seed for identity, seed, _ in trained(tmp_path / "unbroken") if identity == gelu] == ["0", "500"]
    # Amid the search; and at the last training of all, when the finals' baselines are almost done.
    for at in (20, len(trained(tmp_path / "unbroken"))):
        store = tmp_path / f"at{at}"
        stop(at=at, store=store, task=task, workers=alone)
        with Journal.open(store) as journal:
            rungs = [SEARCH] + [FINAL] * (at != 20)
            assert all(
                "no gelu" in journal.failures(journal.search(), rung)["baseline:gelu"].traceback for rung in rungs
            )
        assert comparable(go_on(store)) == unbroken
        assert [seed for identity, seed, _ in trained(store) if identity == gelu] == ["0", "500"]


def test_time_before_the_first_step_counts(stop, tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_TEST_SECONDS", "0.02")
    stopped = stop(at=6, store=tmp_path / "store", budget="1h")
    with Journal.open(tmp_path / "store") as journal:
        assert journal.last_step(stopped.search) is None
    assert stopped.search.budget_seconds >= 5 * 0.02
    shown: list[Snapshot] = []

    def show(snapshot: Snapshot) -> None:
        shown.append(snapshot)
        if snapshot.phase == "baselines":
            raise KeyboardInterrupt

    go_on(tmp_path / "store", show=show)
    assert shown[-1].budget_seconds >= stopped.search.budget_seconds


FINALS_STOPPED = """with open(os.environ["ACTSEARCH_TEST_LOG"]) as log:
            if seed >= 500 and os.environ["STOP_AT"] == "0" and sum(int(row.split()[1]) >= 500 for row in log) > 10:
                raise KeyboardInterrupt"""


def test_a_search_that_came_as_far_as_the_finals_goes_on_with_them(stop, write_task, write_profile, tmp_path):
    store, alone = tmp_path / "store", write_profile(executor="in-process", batch=1)
    stopped = stop(at=0, store=store, task=write_task(FINALS_STOPPED), workers=alone, budget="0.4s")
    with Journal.open(store) as journal:
        known = journal.scores(stopped.search, FINAL)
        assert known
        # Even if there were time: its finals have seen which candidates there are.
        with journal._transaction() as connection:
            connection.execute("UPDATE searches SET budget = '5s'")
    resumed = go_on(store)
    assert (resumed.search.status, resumed.counts.generated) == ("finished", stopped.counts.generated)
    with Journal.open(store) as journal:
        assert known.items() <= journal.scores(stopped.search, FINAL).items()


def test_what_earlier_sessions_took_is_the_measure_of_what_comes(stop, stopping, tmp_path):
    stopped = stop(at=60, store=tmp_path / "store")
    with Journal.open(tmp_path / "store") as journal:
        trials = Trials(
            record=stopped.search,
            journal=journal,
            task=load_task(stopping),
            executor=None,
            config=SearchConfig(),
            progress=Progress(show=lambda _: None),
            warn=lambda _: None,
        )
        assert trials.reserve_seconds() == 0
        trials.remember(journal.candidates(stopped.search))
        ends = journal.step_seconds(stopped.search)
    assert len(ends) >= 2
    # The first generation is not the measure of what comes.
    recent = [end - begin for begin, end in itertools.pairwise(ends)]
    assert trials.reserve_seconds() > 1.25 * statistics.median(recent) + 10 * 0.3
    assert trials.reserve_seconds() <= 1.25 * (max(recent) + sum(recent) * (10 + 2) * 9) + 10 * 0.3
