"""The command line called in this process, and one finished search that all tests look at."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli import main
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord

CHEAP = """
import torch

from actsearch.evaluate.task import Task

class Cheap(Task):
    \"\"\"Fit a sine on a grid.\"\"\"

    metric = "minus the mean squared error"
    chance = -10.0
    learning_rates = (0.1, 0.2, 0.3)
    search_seeds = 2
    final_seeds = 3
    baselines = ("gelu", "selu")

    def score(self, make_activation, seed, learning_rate):
        print("what a task prints")
        layer = make_activation(1, channel_dim=-1)
        if "erf" in layer.activation.text:
            raise RuntimeError("no [/erf]")
        x = torch.linspace(-2, 2, 61).unsqueeze(1)
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            error = (layer(x) - torch.sin(2 * x) - 0.1 * noise).square().mean()
        return -float(error) * (1 + learning_rate)
"""
SETTINGS = ("generation=8", "finalists=3", "evolution.population=8", "track_uri=none")


@pytest.fixture(scope="session")
def command() -> Callable[..., tuple[int, str, str]]:
    """Calls the command line in this process; gives exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", ["actsearch", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()

    return call


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
    path.write_text(CHEAP, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def request_(cheap) -> list[str]:
    """A search of a second, as a command line without a store."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return ["search", "swish", "--task", str(cheap), "--workers", "in-process", "--budget", "40c", *settings]


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
