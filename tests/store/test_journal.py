from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actsearch.errors import SearchStateError, StoreError, UnknownNameError
from actsearch.outcome import Failed, Rejected, Scored
from actsearch.store import schema
from actsearch.store.journal import Journal, default_store
from actsearch.store.record import Step

STEP = Step(generation=1, state={"random": [3, [1, 2**31], None], "population": []}, seconds=0.5)


@pytest.mark.parametrize("measured", [None, 0.25, -1e300, math.inf, -math.inf])
def test_a_rejection_comes_back_as_it_was(journal, request_of_search, candidate, measured):
    search = journal.create_search(request_of_search)
    rejected = Rejected(stage="domain", reason='not finite; "quoted"\n', measured=measured)
    written = candidate(0, rejected)
    journal.begin_step(search, STEP, [written])
    assert journal.candidates(search) == [written]


def test_a_rejection_measured_as_nan_comes_back_as_nan(journal, request_of_search, candidate):
    search = journal.create_search(request_of_search)
    journal.begin_step(search, STEP, [candidate(0, Rejected(stage="gradient", reason="r", measured=math.nan))])
    outcome = journal.candidates(search)[0].outcome
    assert isinstance(outcome, Rejected)
    assert math.isnan(outcome.measured)


def test_scores_failures_and_waiting_candidates_come_back_as_they_were(journal, request_of_search, candidate, scores):
    search = journal.create_search(request_of_search)
    scored = Scored(score=-0.1 / 3, scores=scores((-0.1, -1e-300), (None, 5e-324)), stage="train")
    failed = Failed(stage="train", traceback="Traceback\n  ünïcode \x00 end")
    journal.begin_step(search, STEP, [candidate(0), candidate(1), candidate(2, parents=(), gain=None)])
    journal.record_outcomes(search, {0: (scored, 0.125), 1: (failed, 2.0)}, budget_seconds=3.5)
    zero, one, two = journal.candidates(search)
    assert (zero.outcome, zero.seconds) == (scored, 0.125)
    assert (one.outcome, one.seconds) == (failed, 2.0)
    assert (two.outcome, two.seconds, two.parents, two.gain) == (None, None, (), None)
    assert journal.candidates(search, since=2) == [two]


def test_the_last_step_carries_the_state_and_the_time_used(journal, request_of_search, candidate):
    search = journal.create_search(request_of_search)
    assert journal.last_step(search) is None
    journal.begin_step(search, STEP, [candidate(0)])
    assert journal.last_step(search) == STEP
    journal.record_outcomes(search, {0: (Failed(stage="train", traceback="t"), 1.0)}, budget_seconds=9.0)
    assert journal.last_step(search).seconds == 9.0


def test_a_journalled_outcome_wins_over_a_later_one(journal, request_of_search, candidate, scores):
    search = journal.create_search(request_of_search)
    journal.begin_step(search, STEP, [candidate(0)])
    first, second = (Failed(stage="train", traceback=text) for text in ("first", "second"))
    journal.record_outcomes(search, {0: (first, 1.0)}, budget_seconds=1.0)
    journal.record_outcomes(search, {0: (second, 2.0)}, budget_seconds=2.0)
    assert journal.candidates(search)[0].outcome == first
    journal.record_scores(search, "final", {"a": scores((1.0,))})
    journal.record_scores(search, "final", {"a": scores((2.0,))})
    assert journal.scores(search, "final") == {"a": scores((1.0,))}
    assert journal.scores(search, "search") == {}


def test_a_step_that_breaks_off_leaves_nothing(journal, request_of_search, candidate):
    search = journal.create_search(request_of_search)
    with pytest.raises(sqlite3.IntegrityError):
        journal.begin_step(search, STEP, [candidate(0), candidate(1), candidate(1)])
    assert journal.candidates(search) == []
    assert journal.last_step(search) is None
    with pytest.raises(ValueError, match="JSON"):
        journal.begin_step(search, STEP, [candidate(0, parameters={"beta": {"initial": math.nan}})])
    journal.begin_step(search, STEP, [candidate(0)])
    broken = {0: (Failed(stage="train", traceback="t"), 1.0), 1: ("no outcome", 1.0)}
    with pytest.raises(AttributeError):
        journal.record_outcomes(search, broken, budget_seconds=7.0)
    assert journal.candidates(search)[0].outcome is None
    assert journal.last_step(search) == STEP


def test_a_newer_schema_is_refused(tmp_path):
    Journal.open(tmp_path, create=True).close()
    connection = sqlite3.connect(tmp_path / "journal.sqlite")
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="update actsearch"):
        Journal.open(tmp_path)


def test_a_store_that_is_not_there_is_made_only_on_request(tmp_path):
    with pytest.raises(StoreError, match="start one with `actsearch search`"):
        Journal.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with Journal.open(tmp_path / "none", create=True) as journal, pytest.raises(StoreError, match="no searches"):
        journal.search()


def spoil_with_text(path: Path) -> None:
    path.write_text("dear diary, today I found an activation\n" * 100, encoding="utf-8")


def spoil_with_folder(path: Path) -> None:
    path.mkdir()


def spoil_with_tables_of_others(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE experiments (id INTEGER)")


def spoil_with_version_of_others(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE experiments (id INTEGER)")
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")


@pytest.mark.parametrize(
    "spoil", [spoil_with_text, spoil_with_folder, spoil_with_tables_of_others, spoil_with_version_of_others]
)
@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_journal_is_refused_in_one_sentence_and_left_alone(tmp_path, spoil, create):
    path = tmp_path / "journal.sqlite"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Journal.open(tmp_path, create=create)
    assert "\n" not in str(caught.value)
    if spoil is spoil_with_text:
        assert path.read_bytes() == before
    if spoil is spoil_with_tables_of_others:
        tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("experiments",)]


@pytest.mark.parametrize("store", ["file/store", "/proc/actsearch", "/dev/null"])
def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path, store):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be used: .*; choose another with --store\.") as caught:
        Journal.open(tmp_path / store, create=True)
    assert "\n" not in str(caught.value)


def write_a_search(store: Path, barrier, seed: int) -> None:
    barrier.wait(30)
    with Journal.open(store, create=True) as journal:
        request = {"version": "0", "space": "swish", "task": "digits", "strategy": "random", "workers": "laptop"}
        search = journal.create_search({**request, "budget": "1c", "seed": seed})
        with journal.driving(search):
            for generation in range(20):
                step = Step(generation=generation, state={"seed": seed}, seconds=0.0)
                journal.begin_step(search, step, [])
                journal.record_scores(search, "search", {f"baseline:{generation}": SCORES})


def test_several_processes_write_several_searches_into_one_new_store_at_once(tmp_path, scores):
    global SCORES  # noqa: PLW0603 - forked processes inherit it
    SCORES = scores((0.5, 1.5))
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    writers = [context.Process(target=write_a_search, args=(tmp_path, barrier, seed)) for seed in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    with Journal.open(tmp_path) as journal:
        searches = journal.searches()
        assert len({search.name for search in searches}) == 4
        assert sorted(search.seed for search in searches) == [0, 1, 2, 3]
        for search in searches:
            assert journal.last_step(search) == Step(generation=19, state={"seed": search.seed}, seconds=0.0)
            assert len(journal.scores(search, "search")) == 20


HOLDER = """
import sys, time
from pathlib import Path
from actsearch.store.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal, journal.driving(journal.search()):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_right_to_drive_is_one_process_s_until_it_is_killed(journal, request_of_search, root):
    search = journal.create_search(request_of_search)
    assert not journal.is_running(search)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(journal.store)], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        assert journal.is_running(search)
        with pytest.raises(SearchStateError, match="is running in another process"), journal.driving(search):
            pytest.fail("two processes drive one search")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        holder.stdout.close()
    deadline = time.monotonic() + 5
    while journal.is_running(search) and time.monotonic() < deadline:
        time.sleep(0.01)
    with journal.driving(search):
        assert journal.is_running(search)
    assert not journal.is_running(search)


def test_searches_are_found_by_name_and_the_newest_without_one(journal, request_of_search):
    first = journal.create_search(request_of_search)
    second = journal.create_search({**request_of_search, "space": "/a b/mine.yaml", "task": "/c/task.py"})
    assert (first.name, second.name) == ("swish-digits-1", "mine-task-2")
    assert first.settings == {"generation": "3"}
    assert (first.status, first.stopped_because, first.seconds) == ("running", None, 0.0)
    assert journal.search() == second
    assert journal.search("swish-digits-1") == first
    with pytest.raises(UnknownNameError, match="did you mean swish-digits-1"):
        journal.search("swish-digit-1")
    journal.set_status(first, status="stopped", stopped_because="interrupted", seconds=12.5)
    found = journal.search(first.name)
    assert (found.status, found.stopped_because, found.seconds) == ("stopped", "interrupted", 12.5)


def test_candidates_are_found_by_prefix_over_all_searches(journal, request_of_search, candidate):
    repeated = Rejected(stage="duplicate", reason="r", measured=0.0)
    for _ in range(2):
        search = journal.create_search(request_of_search)
        rows = [
            candidate(0, id="abcdef000001"),
            candidate(1, id="abcdef000002"),
            candidate(2, repeated, id="abcdef000001"),
        ]
        journal.begin_step(search, STEP, rows)
    found = [(search.name, record.number) for search, record in journal.find("abcdef")]
    assert found == [("swish-digits-2", 0), ("swish-digits-2", 1), ("swish-digits-1", 0), ("swish-digits-1", 1)]
    assert [record.number for _, record in journal.find("abcdef000002")] == [1, 1]
    assert journal.find("abcde1") == []


def test_views_are_remembered_by_address(journal, request_of_search):
    search = journal.create_search(request_of_search)
    assert journal.view(search, "sqlite:///a") is None
    journal.record_view(search, "sqlite:///a", "run1", 3)
    journal.record_view(search, "sqlite:///a", "run1", 4)
    assert journal.view(search, "sqlite:///a") == ("run1", 4)
    assert journal.view(search, "sqlite:///b") is None


def test_the_default_store_is_the_environment_s_or_here(monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", "/somewhere")
    assert default_store() == Path("/somewhere")
    monkeypatch.delenv("ACTSEARCH_STORE")
    assert default_store() == Path("actsearch-runs")


def test_outcomes_without_a_score_come_back_until_they_are_forgotten(journal, request_of_search, scores):
    search = journal.create_search(request_of_search)
    failed, rejected = Failed(stage="train", traceback="t"), Rejected(stage="quality", reason="r", measured=math.inf)
    journal.record_failures(search, "search", {"baseline:a": rejected, "baseline:b": failed}, budget_seconds=2.0)
    journal.record_failures(search, "search", {"baseline:a": failed})
    journal.record_failures(search, "final", {"baseline:a": rejected})
    assert journal.failures(search, "search") == {"baseline:a": failed, "baseline:b": failed}
    assert journal.failures(search, "final") == {"baseline:a": rejected}
    assert journal.scores(search, "search") == {}
    other = journal.create_search(request_of_search)
    journal.record_failures(other, "search", {"baseline:a": failed})
    journal.forget_failures(search)
    assert (journal.failures(search, "search"), journal.failures(search, "final")) == ({}, {})
    assert journal.failures(other, "search") == {"baseline:a": failed}


def test_the_time_used_is_written_with_every_result_and_never_becomes_less(
    journal, request_of_search, candidate, scores
):
    search = journal.create_search(request_of_search)

    def used() -> float:
        return journal.search(search.name).budget_seconds

    assert used() == 0.0
    journal.record_scores(search, "search", {"baseline:a": scores((1.0,))}, budget_seconds=0.25)
    assert used() == 0.25
    journal.begin_step(search, STEP, [candidate(0)])
    assert used() == STEP.seconds
    journal.record_outcomes(search, {0: (Failed(stage="train", traceback="t"), 1.0)}, budget_seconds=3.0)
    assert (used(), journal.step_seconds(search)) == (3.0, [3.0])
    journal.record_failures(search, "final", {"a": Failed(stage="train", traceback="t")}, budget_seconds=4.0)
    journal.set_status(search, status="stopped", stopped_because="interrupted", seconds=9.0, budget_seconds=1.0)
    assert used() == 4.0
    journal.set_status(search, status="stopped", stopped_because="interrupted", seconds=9.0, budget_seconds=5.0)
    assert used() == 5.0


def test_a_search_is_asked_to_stop_until_it_says_how_it_stands(journal, request_of_search):
    search, other = journal.create_search(request_of_search), journal.create_search(request_of_search)
    journal.ask_to_stop(search)
    journal.ask_to_stop(search)
    assert (journal.is_asked_to_stop(search), journal.is_asked_to_stop(other)) == (True, False)
    journal.set_status(search, status="stopped", stopped_because="asked", seconds=1.0)
    assert not journal.is_asked_to_stop(search)


def test_what_a_search_is_made_from_is_kept_by_the_generation_it_held_from(journal, request_of_search):
    search = journal.create_search(request_of_search, {"the task a": "1"})
    assert journal.sources(search) == {0: {"the task a": "1"}}
    journal.record_sources(search, 3, {"the task a": "2"})
    assert journal.sources(search) == {0: {"the task a": "1"}, 3: {"the task a": "2"}}
    assert journal.sources(journal.create_search(request_of_search)) == {}


# A store as the first version of actsearch left it, of which it needs no more than this.
OLD_STORE = f"""
{schema._FIRST};
INSERT INTO searches VALUES (1, 'swish-digits-1', '2026-11-01T00:00:00+00:00', '0.1.0', 'swish', 'digits', 'random',
    'laptop', '6c', 0, '{{}}', 'stopped', 'interrupted', 12.5);
INSERT INTO scores VALUES (1, 'search', 'baseline:a',
    '{{"learning_rates":[0.1],"seeds":[0],"values":[[1.0]]}}');
INSERT INTO views VALUES (1, 'sqlite:////old/place/mlflow.sqlite', 'run', 3);
INSERT INTO views VALUES (1, 'sqlite:////old/place/mlflow.sqlite#complete', 'run', 7);
INSERT INTO views VALUES (1, 'http://host', 'other', 2);
PRAGMA user_version = 1;
"""


def test_a_store_of_the_first_version_is_brought_forward(tmp_path):
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.executescript(OLD_STORE)
    for _ in range(2):
        with Journal.open(tmp_path) as journal:
            search = journal.search()
            assert (search.name, search.status, search.budget_seconds) == ("swish-digits-1", "stopped", 0.0)
            assert journal.scores(search, "search")["baseline:a"].values == ((1.0,),)
            assert (journal.failures(search, "search"), journal.sources(search)) == ({}, {})
            assert journal.view(search, "sqlite:///mlflow.sqlite") == ("run", 3)
            assert journal.view(search, "sqlite:///mlflow.sqlite#complete") == ("run", 7)
            assert journal.view(search, "http://host") == ("other", 2)
    connection = sqlite3.connect(tmp_path / "journal.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_full_disk_is_one_sentence_and_what_stands_there_stays(journal, request_of_search, candidate):
    search = journal.create_search(request_of_search)
    journal.begin_step(search, STEP, [candidate(0)])
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    # SQLite's own error of a disk without room, at a size of the test's choice.
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    next_step = Step(generation=2, state={"long": "x" * 100_000}, seconds=1.0)
    with pytest.raises(StoreError, match=r"cannot be written: database or disk is full; .*`actsearch resume`\.$"):
        journal.begin_step(search, next_step, [candidate(1)])
    assert (journal.last_step(search), len(journal.candidates(search))) == (STEP, 1)
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    journal.begin_step(search, next_step, [candidate(1)])
    assert journal.last_step(search) == next_step


def test_gains_of_several_functions_come_back_in_their_order(journal, request_of_search, candidate):
    search = journal.create_search(request_of_search)
    written = candidate(
        0, expression="layer:2 = relu(x); layer:1 = b * x", gain=None, gains={"layer:2": 1.7, "layer:1": 0.5},
        parameters={"layer:2": {}, "layer:1": {"b": {"initial": 2.0, "granularity": "layer"}}},
    )  # fmt: skip
    journal.begin_step(search, STEP, [written])
    (read,) = journal.candidates(search)
    assert read == written
    assert list(read.gains) == ["layer:2", "layer:1"]
