"""A store that was moved or copied: MLflow keeps whole paths of artifacts, which are made those of the new place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from actsearch.errors import StoreError
from actsearch.track import address

_WAIT_SECONDS = 30.0


def relocate(store: Path) -> int:
    """Correct the paths of artifacts in the MLflow database of `store`, if it has one.

    Only experiments whose artifacts a store keeps by itself are looked at, and the runs in them. Returns how many of
    them had other paths. Raises `StoreError` if the database cannot be read or written.
    """
    path = address.database(store)
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection, connection:
            moved = list(_moved(connection, address.artifacts(store)))
            for identity, before, now in moved:
                connection.execute(
                    "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (now, identity)
                )
                connection.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?)"
                    " WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                    (now, len(before) + 1, identity, len(before) + 1, before + "/"),
                )
    except sqlite3.Error as error:
        raise StoreError(f"the MLflow database {str(path)!r} cannot be used: {error}.") from error
    return len(moved)


def _moved(connection: sqlite3.Connection, artifacts: Path) -> Iterator[tuple[int, str, str]]:
    """Experiments with the folder that MLflow has for their artifacts and the one in which they are."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone() is None:
        return  # Somebody is about to make it.
    query = "SELECT experiment_id, name, artifact_location FROM experiments WHERE artifact_location IS NOT NULL"
    for identity, name, before in connection.execute(query).fetchall():
        now = address.artifacts_of(artifacts, name).as_uri()
        # Its end is what a store makes of the name; what lies elsewhere was put there by somebody else.
        end = now.removeprefix(artifacts.parent.as_uri())
        if before != now and before.endswith(end):
            yield identity, before, now
