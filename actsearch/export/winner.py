"""The winner of a search, exported into the store as soon as the search ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from actsearch import __version__
from actsearch.export.module import export_module, write
from actsearch.grammar.activation import candidate_from_json
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import Summary


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
    record = winner.record
    source = export_module(
        candidate_from_json(record.expression, record.parameters),
        gain=gain_of(record),
        lineage=lineage_of(record, summary.search),
        version=__version__,
    )
    path = exported_path(store, summary.search)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, source)
    return path


def gain_of(record: CandidateRecord) -> float | tuple[float, ...]:
    """The gain of a scored candidate, or those of its activations in the order of their assignment."""
    if record.gains is not None:
        return tuple(record.gains.values())
    return 1.0 if record.gain is None else record.gain


def lineage_of(record: CandidateRecord, search: SearchRecord) -> Mapping[str, str]:
    """Where a candidate comes from, for the header of its file."""
    return {
        "search": search.name,
        "generation": str(record.generation),
        "move": record.move,
        "parents": ", ".join(record.parents) or "none",
    }
