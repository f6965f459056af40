"""The journal's SQLite database, opened so that several processes can read it while one writes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

PRIMARY = 0xFF
"""The lowest byte of SQLite's error codes: the others tell kinds of one error apart."""
_WAIT_SECONDS = 30.0
"""How long a process waits for another one's transaction."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the database at `path`, made if it is not there, in WAL mode and without implicit transactions.

    Raises `sqlite3.Error`.
    """
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, for which SQLite itself does not wait while other processes open the same new store."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
