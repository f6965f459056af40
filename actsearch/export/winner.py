"""The winner of a search, exported into the store as soon as the search ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from actsearch import __version__
from actsearch.export.module import export_module, write
from actsearch.grammar.activation import Candidate, candidate_from_json
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import Summary
from actsearch.store.tuning import Tuned, said


def exported_path(store: Path, search: SearchRecord) -> Path:
    """File in which the winner of `search` is, or will be, exported: `swish_digits_1.py` for `swish-digits-1`.

    An import statement can name it. No two searches share a file: each name ends in a number of its own, which stays.
    """
    name = re.sub(r"[^0-9A-Za-z_]", "_", search.name)
    return store / "exports" / f"{name if name.isidentifier() else '_' + name}.py"


def export_winner(store: Path, summary: Summary) -> Path | None:
    """Write the winner's module into the store; None if the search scored nothing."""
    winner = summary.winner
    if winner is None or winner.record is None:
        return None
    candidate, gains = as_trained(winner.record, winner.tuned)
    lineage = lineage_of(winner.record, summary.search, winner.tuned)
    source = export_module(candidate, gain=gains, lineage=lineage, version=__version__)
    path = exported_path(store, summary.search)
    write(path, source)
    return path


def as_trained(record: CandidateRecord, tuned: Tuned | None) -> tuple[Candidate, tuple[float, ...]]:
    """What the last rung trained: a candidate with its best initial values, and the gains of its activations."""
    best = None if tuned is None else tuned.best
    if best is not None:
        candidate = candidate_from_json(record.expression, best.parameters)
        return candidate, tuple(best.gains[selector] or 1.0 for selector, _ in candidate.assignment)
    gains = record.gains or {"*": 1.0 if record.gain is None else record.gain}
    return candidate_from_json(record.expression, record.parameters), tuple(gains.values())


def lineage_of(record: CandidateRecord, search: SearchRecord, tuned: Tuned | None = None) -> Mapping[str, str]:
    """Where a candidate comes from, for the header of its file."""
    lineage = {
        "search": search.name,
        "generation": str(record.generation),
        "move": record.move,
        "parents": ", ".join(record.parents) or "none",
    }
    if tuned is not None and tuned.best is not None:
        lineage["tuned on"] = f"{Path(search.settings['ladder.task']).stem}: {said(tuned.best.values)}"
    return lineage
