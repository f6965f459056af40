"""Journals with searches in them, written through the journal itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.outcome import Outcome, Scores
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord

REQUEST = {
    "version": "0.1.0", "space": "swish", "task": "digits", "strategy": "random", "workers": "in-process",
    "budget": "6c", "seed": 0, "settings": {"generation": "3"},
}  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new journal."""
    with Journal.open(tmp_path / "store", create=True) as opened:
        yield opened


@pytest.fixture
def request_of_search() -> dict[str, Any]:
    """What `create_search` is given."""
    return dict(REQUEST)


@pytest.fixture
def candidate() -> Callable[..., CandidateRecord]:
    """Maker of records."""

    def make(number: int, outcome: Outcome | None = None, **changes: Any) -> CandidateRecord:
        fields: dict[str, Any] = {
            "number": number, "id": f"{number:012x}", "generation": 1, "expression": f"sin(x) + {number}",
            "parameters": {"beta": {"initial": 0.1, "granularity": "channel"}}, "genome": '["add",[],[0.1]]',
            "parents": ("a" * 12, "b" * 12), "move": "crossover", "gain": 1.25, "fingerprint": f"f{number}",
            "outcome": outcome,
        }  # fmt: skip
        return CandidateRecord(**{**fields, **changes})

    return make


@pytest.fixture
def scores() -> Callable[..., Scores]:
    """Maker of scores: one row per learning rate."""

    def make(*rows: tuple[float | None, ...], first_seed: int = 0) -> Scores:
        seeds = tuple(range(first_seed, first_seed + len(rows[0])))
        return Scores(learning_rates=tuple(0.01 * (i + 1) for i in range(len(rows))), seeds=seeds, values=rows)

    return make
