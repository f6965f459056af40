"""One finished search that all tests look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord
from tests.cheap import CHEAP

UNRULY = CHEAP.replace(
    "# here",
    """print("what a task prints")
        if "erf" in layer.activation.text:
            raise RuntimeError("no [/erf]")""",
)
SETTINGS = (
    "generation=8", "first_generation=8", "finalists=3", "evolution.population=8", "track_uri=none",
    # It would take most of the time.
    "protocols.stability.when=never",
)  # fmt: skip


@pytest.fixture(scope="session")
def text(command) -> Callable[..., str]:
    """Calls a command that succeeds; gives its standard output."""

    def call(*arguments: object) -> str:
        code, out, err = command(*arguments)
        assert code == 0, err
        return out

    return call


@pytest.fixture(scope="session")
def document(text) -> Callable[..., Any]:
    """Calls a command with `--json`; gives the document."""
    return lambda *arguments: json.loads(text(*arguments, "--json"))


@pytest.fixture(scope="session")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a task that takes a millisecond, prints, and fails on every candidate with an `erf`."""
    path = tmp_path_factory.mktemp("task") / "cheap.py"
    path.write_text(UNRULY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def request_(cheap) -> list[str]:
    """A search of a second, as a command line without a store."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    # It brings whatever a funnel rejects.
    options = ["--strategy", "evolution", "--workers", "in-process", "--budget", "40c"]
    return ["search", "swish", "--task", str(cheap), *options, *settings]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the finished search, which no test may write to."""
    return tmp_path_factory.mktemp("cli") / "store"


@pytest.fixture(scope="session")
def finished(document, request_, store) -> dict[str, Any]:
    """What `search --json` said of the finished search."""
    found: dict[str, Any] = document(*request_, "--store", store)
    return found


@pytest.fixture(scope="session")
def records(finished, store) -> list[CandidateRecord]:
    """The proposals of the finished search."""
    with Journal.open(store) as journal:
        return journal.candidates(journal.search(finished["search"]))
