from __future__ import annotations

import json
import shlex
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actsearch.analysis import catalog
from actsearch.cli.results import standing
from actsearch.evaluate.task import subject_of
from actsearch.store.journal import Journal
from actsearch.store.summary import BASELINE, FINAL, SEARCH

BATCH = 2
TRAININGS = 6
"""Trainings of a candidate in the search: two seeds at three learning rates."""
FINAL_TRAININGS = 9
FINAL_SEED = 3500
"""The first seed of the finals under `--seed 3`."""
SETTINGS = (
    "generation=6", "finalists=2", "evolution.population=8", "track_uri=none", "protocols.stability.steps=2",
)  # fmt: skip


def lines(log: Path) -> list[tuple[str, int, float]]:
    """What a log says was trained: id, seed, learning rate."""
    rows = [row.split() for row in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [(identity, int(seed), float(rate)) for identity, seed, rate in rows]


def result(document: dict[str, Any]) -> dict[str, Any]:
    """A result without what may differ: the time it took and the folder it is in."""
    return {key: value for key, value in document.items() if key not in ("seconds", "exported")}


def journalled(store: Path) -> set[tuple[str, int]]:
    """Id and seed of every evaluation that the journal has."""
    with Journal.open(store) as journal:
        record = journal.search()
        found = {(c.id, seed) for c in journal.candidates(record) if c.seconds is not None for seed in (3000, 3001)}
        for rung in (SEARCH, FINAL):
            for subject, scores in journal.scores(record, rung).items():
                name = subject.removeprefix(BASELINE)
                identity = name if name == subject else subject_of(catalog.find(name).activation).activation.id
                found |= {(identity, seed) for seed in scores.seeds}
    return found


@dataclass(frozen=True, kw_only=True)
class Unbroken:
    """The search that the tests interrupt: how to ask for it, and what comes of it when nothing happens."""

    arguments: list[str]
    document: dict[str, Any]
    log: Counter[tuple[str, int, float]]
    searched: int
    """Trainings before the finals."""


@pytest.fixture(scope="module")
def unbroken(cheap, write_profile, logged, tmp_path_factory) -> Unbroken:
    folder = tmp_path_factory.mktemp("unbroken")
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    profile = write_profile(executor="in-process", batch=BATCH)
    strategy = ["--strategy", "evolution", "--budget", "24c", "--seed", "3"]
    arguments = ["search", "swish", "--task", cheap, *strategy, *settings, "--workers", profile]
    document = logged(*arguments, "--store", str(folder / "store"), log=folder / "log")
    rows = lines(folder / "log")
    return Unbroken(
        arguments=arguments,
        document=result(document),
        log=Counter(rows),
        searched=sum(seed < FINAL_SEED for _, seed, _ in rows),
    )


def test_the_unbroken_search_trains_everything_once_and_finals_on_seeds_of_their_own(unbroken):
    assert set(unbroken.log.values()) == {1}
    assert {seed for _, seed, _ in unbroken.log} == {3000, 3001, 3500, 3501, 3502}
    counts = unbroken.document["counts"]
    assert counts["trained"] == unbroken.log.total() - TRAININGS * counts["rejected"]["quality"]
    # What the tests below kill is of several generations, and not all candidates are scored.
    assert max(candidate["generation"] for candidate in unbroken.document["candidates"]) >= 4
    assert "quality" in counts["rejected"]


@pytest.mark.parametrize("share", [0.0, 0.5, "finals"])
def test_a_killed_search_resumes_to_the_result_of_an_unbroken_one(share, unbroken, drivers, logged, tmp_path):
    store, before, after = tmp_path / "store", tmp_path / "before.log", tmp_path / "after.log"
    # In the finals: amid the fourth subject, when the first two have been journalled.
    kill_at = unbroken.searched + 30 if share == "finals" else int(share * unbroken.searched) + 1
    driver = drivers.start(*unbroken.arguments, "--store", str(store), log=before)
    drivers.kill(driver, when=lambda: len(lines(before)) >= kill_at)
    known = journalled(store)
    with Journal.open(store) as journal:
        record = journal.search()
        assert (record.status, standing(journal, record)) == ("running", "stopped")
        assert bool(journal.scores(record, FINAL)) == (share == "finals")
        # Time counts with every result that is journalled, before the first step and after the last one, too.
        assert (record.budget_seconds > 0) == bool(known)
        if share == "finals":
            assert record.budget_seconds > journal.last_step(record).seconds

    assert result(logged("resume", "--store", str(store), log=after)) == unbroken.document
    assert not {(identity, seed) for identity, seed, _ in lines(after)} & known, "a journalled evaluation was repeated"
    both = Counter(lines(before) + lines(after))
    assert not unbroken.log - both
    # What was under way is repeated, and nothing else.
    assert (both - unbroken.log).total() <= BATCH * FINAL_TRAININGS


def test_a_search_that_is_killed_again_and_again_comes_to_the_same_result(unbroken, drivers, logged, tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    arguments = unbroken.arguments
    for count in (unbroken.searched // 5, unbroken.searched // 2):
        driver = drivers.start(*arguments, "--store", str(store), log=log)
        drivers.kill(driver, when=lambda: len(lines(log)) >= count)  # noqa: B023
        arguments = ["resume"]
    assert result(logged("resume", "--store", str(store), log=log)) == unbroken.document
    assert (Counter(lines(log)) - unbroken.log).total() <= 2 * BATCH * FINAL_TRAININGS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_says_how_to_go_on_and_does(number, unbroken, drivers, command, tmp_path):
    # A blank, because the command that is printed is to be pasted into a shell.
    store, log = tmp_path / "my store", tmp_path / "log"
    driver = drivers.start(*unbroken.arguments, "--store", str(store), log=log, is_forked=number != signal.SIGINT)
    drivers.wait(driver, lambda: len(lines(log)) >= unbroken.searched // 3)

    # As long as it runs nobody else may drive it, and all may read it.
    code, out, err = command("resume", "--store", str(store))
    assert (code, out) == (2, "")
    assert err == "actsearch: the search swish-cheap-1 is running in another process.\n"
    code, out, _ = command("top", "--json", "--store", str(store))
    assert (code, json.loads(out)["status"]) == (0, "running")

    driver.send_signal(number)
    out, err = driver.communicate()
    assert driver.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped because: interrupted" in out
    code, listed, _ = command("list", "--json", "--store", str(store))
    assert (code, [search["status"] for search in json.loads(listed)]) == (0, ["stopped"])

    (line,) = (line for line in out.splitlines() if line.startswith("go on:"))
    program, *words = shlex.split(line.removeprefix("go on:"))
    assert program == "actsearch"
    code, out, err = command(*words, "--json")
    assert code == 0, err
    assert result(json.loads(out)) == unbroken.document

    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert err == "actsearch: the search swish-cheap-1 is finished: start another with `actsearch search`.\n"


def test_a_search_is_stopped_from_another_process_and_resumes(unbroken, drivers, command, logged, tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    driver = drivers.start(*unbroken.arguments, "--store", str(store), log=log)
    drivers.wait(driver, lambda: len(lines(log)) >= unbroken.searched // 3)
    code, out, err = command("stop", "--store", str(store))
    assert (code, out) == (0, "swish-cheap-1 is stopped: `actsearch stop` asked for it\n"), err
    out, err = driver.communicate()
    assert driver.returncode == 130, err
    assert "stopped because: `actsearch stop` asked for it" in out
    code, out, err = command("stop", "--store", str(store))
    assert (code, out, err) == (2, "", "actsearch: the search swish-cheap-1 is not running.\n")
    # What was asked for once does not hold for those who go on.
    assert result(logged("resume", "--store", str(store), log=log)) == unbroken.document


def test_a_search_whose_disk_is_full_ends_in_one_sentence_and_resumes(unbroken, drivers, logged, tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    # The system refuses to make any file larger than this, the journal's among them.
    driver = drivers.start(*unbroken.arguments, "--store", str(store), log=log, largest_file=400)
    out, err = driver.communicate()
    assert (driver.returncode, out) == (2, ""), err
    (said,) = (line for line in err.splitlines() if line.startswith("actsearch: "))
    assert said.startswith(f"actsearch: the store {str(store)!r} cannot be written: ")
    assert said.endswith("; what stands in it is safe: put that right and go on with `actsearch resume`.")
    assert "Traceback" not in err
    known = journalled(store)
    assert known
    after = tmp_path / "after.log"
    assert result(logged("resume", "--store", str(store), log=after)) == unbroken.document
    assert not {(identity, seed) for identity, seed, _ in lines(after)} & known
