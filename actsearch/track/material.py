"""What the journal says of a search at one moment, read piece by piece."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actsearch.outcome import Scores
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import FINAL, SEARCH, SHORTLIST
from actsearch.store.tuning import TUNE

_FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A search with its proposals in order, and the baselines' scores under the search's seeds."""

    search: SearchRecord
    candidates: Sequence[CandidateRecord]
    searched: Mapping[str, Scores]
    mark: int


class Reader:
    """Reads a growing search again and again without reading settled candidates twice."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._settled: list[CandidateRecord] = []

    def read(self, journal: Journal) -> Material:
        """The search as it stands now."""
        search = journal.search(self._name)
        # Before the candidates are read: a later change then shows as a mark that differs, never as one that fits.
        known = mark(journal, search)
        since = self._settled[-1].number + 1 if self._settled else 0
        candidates = [*self._settled, *journal.candidates(search, since=since)]
        waiting = next((index for index, c in enumerate(candidates) if c.outcome is None), len(candidates))
        self._settled = candidates[:waiting]
        return Material(
            search=search,
            candidates=candidates,
            searched=journal.scores(search, SEARCH),
            mark=known,
        )


def mark(journal: Journal, search: SearchRecord) -> int:
    """A number that changes with all that an ended search can still gain when it is resumed."""
    step = journal.last_step(search)
    state = [
        _FORMAT,
        search.status,
        search.stopped_because,
        search.seconds,
        None if step is None else [step.generation, step.seconds],
        len(journal.scores(search, SEARCH)),
        len(journal.scores(search, SHORTLIST)),
        len(journal.scores(search, FINAL)),
        len(journal.trials(search, TUNE)),
    ]
    return zlib.crc32(json.dumps(state).encode())
