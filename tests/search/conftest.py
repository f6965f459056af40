"""Searches on a task of a few milliseconds, run here or by a driver that a test may kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.grammar.space import Space, read_space
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Summary
from tests.cheap import CHEAP
from tests.search.driver import Forked

SETTINGS = {
    "generation": "6", "finalists": "4", "evolution.population": "8", "track_uri": "none",
    # It would take most of the time; its own tests are in test_finalists.py.
    "protocols.stability.when": "never",
    # So that the model of the default strategy looks at hundreds of functions and not at thousands.
    "surrogate.enumerated": "500", "surrogate.pool": "2",
}  # fmt: skip
WAIT_SECONDS = 90.0
Driver = subprocess.Popen[str] | Forked


@pytest.fixture(scope="session")
def write_task(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Writer of the cheap task with a statement of the test's own before it scores; all are called `cheap.py`."""

    def write(statement: str = "pass") -> str:
        path = tmp_path_factory.mktemp("task") / "cheap.py"
        path.write_text(CHEAP.replace("# here", statement), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="session")
def cheap(write_task) -> str:
    """Path of the cheap task."""
    return write_task()


@pytest.fixture(scope="session")
def write_profile(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Writer of worker profiles; gives the path."""

    def write(**fields: object) -> str:
        path = tmp_path_factory.mktemp("profile") / "mine.yaml"
        lines = [f"{key}: {value}" for key, value in {"title": "a test's own", **fields}.items()]
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="session")
def write_space(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, str]], str]:
    """Writer of spaces with one symbol; gives the path."""

    def write(productions: Mapping[str, str]) -> str:
        path = tmp_path_factory.mktemp("space") / "mine.yaml"
        lines = [f'    {name}: "{text}"' for name, text in productions.items()]
        head = 'title: a test\'s own\npaper: "none"\nstart: unit\nrules:\n  unit:\n'
        path.write_text(head + "\n".join(lines), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="session")
def swish(root: Path) -> Space:
    """The space of the Swish paper."""
    return read_space(root / "search_spaces" / "swish.yaml")


@pytest.fixture
def search(tmp_path: Path, cheap: str) -> Callable[..., Summary]:
    """Runs a search in this process to its end, in a new store unless one is given."""
    stores = iter(range(100))

    def run(space: str = "swish", *, settings: Mapping[str, object] | None = None, **options: Any) -> Summary:
        # It is quick, and brings whatever a funnel rejects.
        chosen = {"task": cheap, "strategy": "evolution", "workers": "in-process", "budget": "20c", **options}
        chosen.setdefault("store", tmp_path / f"store{next(stores)}")
        return actsearch.search(space, settings={**SETTINGS, **(settings or {})}, **chosen)

    return run


@pytest.fixture
def journalled() -> Callable[[Path], list[CandidateRecord]]:
    """The proposals of the newest search of a store."""

    def read(store: Path) -> list[CandidateRecord]:
        with Journal.open(store) as journal:
            return journal.candidates(journal.search())

    return read


class Drivers:
    """Starts `actsearch` as a process of its own, with a log of what it evaluates, and kills what is left of them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._started: list[Driver] = []

    def start(
        self,
        *arguments: str,
        log: Path,
        seconds: float = 0.004,
        largest_file: int | None = None,
        is_forked: bool = True,
    ) -> Driver:
        """A process that takes `seconds` for a training and cannot write files of more than `largest_file` blocks.

        A block is 512 bytes. Unless it is forked, it is one as a shell starts it.
        """
        environment = {
            **os.environ, "PYTHONPATH": str(self._root), "COLUMNS": "200",
            "ACTSEARCH_TEST_LOG": str(log), "ACTSEARCH_TEST_SECONDS": str(seconds),
        }  # fmt: skip
        driver: Driver
        if is_forked:
            driver = Forked(arguments, folder=self._folder, environment=environment, largest_file=largest_file)
        else:
            driver = subprocess.Popen(
                [sys.executable, "-m", "actsearch", *arguments],
                cwd=self._folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        self._started.append(driver)
        return driver

    @staticmethod
    def wait(driver: Driver, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition` holds; fails if `driver` ends before."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert driver.poll() is None, driver.communicate()
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.002)

    def kill(self, driver: Driver, *, when: Callable[[], bool]) -> None:
        """Kill `driver` as soon as the condition `when` holds; fails if it ends before."""
        self.wait(driver, when)
        driver.kill()
        driver.communicate()
        assert driver.returncode == -signal.SIGKILL

    def end(self) -> None:
        """Kill what still runs."""
        for driver in self._started:
            driver.kill()
            driver.communicate()


@pytest.fixture
def drivers(tmp_path: Path, root: Path) -> Iterator[Drivers]:
    """Starter of processes."""
    started = Drivers(tmp_path, root)
    yield started
    started.end()


@pytest.fixture(scope="session")
def logged(command) -> Callable[..., dict[str, Any]]:
    """Calls the command line as `command`, logs what is trained, and gives the JSON document."""

    def call(*arguments: str, log: Path) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACTSEARCH_TEST_LOG", str(log))
            code, out, err = command(*arguments, "--json")
        assert code == 0, err
        document: dict[str, Any] = json.loads(out)
        return document

    return call
