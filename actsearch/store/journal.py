"""The journal: SQLite in WAL mode, one writer (the driver), every write one transaction.

A search may be killed at any instant; what stands here is enough to go on without repeating a finished
evaluation. The order of writes is: `begin_step` (strategy state and the whole generation, with its static
rejections) before any evaluation, then `record_outcomes` as results arrive.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from actsearch import outcome as outcomes
from actsearch.errors import SearchStateError, StoreError, unknown_name
from actsearch.outcome import Outcome, Rejected, Scores
from actsearch.store.record import CandidateRecord, SearchRecord, Step

SCHEMA_VERSION = 1
_WAIT_SECONDS = 30.0
"""How long a process waits for another one's transaction."""
_SCHEMA = """
CREATE TABLE searches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, created TEXT NOT NULL, version TEXT NOT NULL,
    space TEXT NOT NULL, task TEXT NOT NULL, strategy TEXT NOT NULL, workers TEXT NOT NULL, budget TEXT NOT NULL,
    seed INTEGER NOT NULL, settings TEXT NOT NULL, status TEXT NOT NULL, stopped_because TEXT, seconds REAL NOT NULL
) STRICT;
CREATE TABLE steps (
    search INTEGER NOT NULL, generation INTEGER NOT NULL, state TEXT NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (search, generation)
) STRICT;
CREATE TABLE candidates (
    search INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, generation INTEGER NOT NULL,
    expression TEXT NOT NULL, parameters TEXT NOT NULL, genome TEXT NOT NULL, parents TEXT NOT NULL,
    move TEXT NOT NULL, gain REAL, fingerprint TEXT, outcome TEXT, seconds REAL,
    PRIMARY KEY (search, number)
) STRICT;
CREATE INDEX candidates_by_id ON candidates (id);
CREATE TABLE scores (
    search INTEGER NOT NULL, rung TEXT NOT NULL, subject TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (search, rung, subject)
) STRICT;
CREATE TABLE views (
    search INTEGER NOT NULL, uri TEXT NOT NULL, run TEXT NOT NULL, generation INTEGER NOT NULL,
    PRIMARY KEY (search, uri)
) STRICT;
"""


class Journal:
    """An open journal. Not thread-safe: open one for each thread."""

    def __init__(self, store: Path, connection: sqlite3.Connection) -> None:
        self.store = store
        self._connection = connection

    @classmethod
    def open(cls, store: Path, *, create: bool = False) -> Self:
        """Open the journal under the folder `store`; with `create`, make both if they are missing.

        Raises `StoreError` if the store cannot be read or written, or was made by a newer version.
        """
        path = store / "journal.sqlite"
        if not create and not path.exists():
            raise StoreError(f"no searches in the store {str(store)!r}: start one with `actsearch search`.")
        try:
            store.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            connection.row_factory = sqlite3.Row
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            journal = cls(store, connection)
            journal._migrate()
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreError(
                f"the store {str(store)!r} cannot be used: {reason}; choose another with --store."
            ) from error
        return journal

    def close(self) -> None:
        """Close the connection; the journal cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- searches -------------------------------------------------------------------------------------------

    def create_search(self, record: Mapping[str, Any]) -> SearchRecord:
        """Write a new search with the given fields (those of `SearchRecord` without id, name, created)."""
        with self._transaction() as connection:
            created = datetime.now(UTC).isoformat(timespec="seconds")
            fields = {**record, "created": created, "settings": _dump(record.get("settings", {}))}
            fields |= {"status": "running", "seconds": 0.0}
            names = ", ".join(fields)
            marks = ", ".join(f":{name}" for name in fields)
            cursor = connection.execute(f"INSERT INTO searches ({names}) VALUES ({marks})", fields)  # noqa: S608
            number = cursor.lastrowid
            # A mixture of spaces is written with commas, which a file's name had better not have.
            spaces = "+".join(Path(space).stem for space in str(record["space"]).split(","))
            stem = f"{spaces}-{Path(record['task']).stem}"
            connection.execute("UPDATE searches SET name = ? WHERE id = ?", (f"{stem}-{number}", number))
        return self.search(f"{stem}-{number}")

    def searches(self) -> list[SearchRecord]:
        """All searches, oldest first."""
        rows = self._connection.execute("SELECT * FROM searches ORDER BY id")
        return [_search(row) for row in rows]

    def search(self, name: str | None = None) -> SearchRecord:
        """The search called `name`, or the newest one; raises `UnknownNameError`."""
        known = self.searches()
        if not known:
            raise StoreError(f"no searches in the store {str(self.store)!r}: start one with `actsearch search`.")
        if name is None:
            return known[-1]
        for record in known:
            if record.name == name:
                return record
        raise unknown_name("search", name, [record.name for record in known])

    def set_status(self, search: SearchRecord, *, status: str, stopped_because: str | None, seconds: float) -> None:
        """Write how a search stands; `seconds` is the wall time of the whole command so far."""
        self._connection.execute(
            "UPDATE searches SET status = ?, stopped_because = ?, seconds = ? WHERE id = ?",
            (status, stopped_because, seconds, search.id),
        )

    @contextmanager
    def driving(self, search: SearchRecord) -> Iterator[None]:
        """Hold the right to drive `search`; raises `SearchStateError` if another process has it.

        The operating system drops the lock with the process, also after `kill -9`.
        """
        path = self._lock_path(search)
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SearchStateError(f"the search {search.name} is running in another process.") from None
            yield

    def is_running(self, search: SearchRecord) -> bool:
        """Whether some process drives `search` right now."""
        path = self._lock_path(search)
        if not path.exists():
            return False
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    # -- steps and candidates -------------------------------------------------------------------------------

    def begin_step(self, search: SearchRecord, step: Step, candidates: Sequence[CandidateRecord]) -> None:
        """Write the strategy's state after an ask and the generation it asked for, in one transaction."""
        rows = [
            (search.id, c.number, c.id, c.generation, c.expression, _dump(c.parameters), c.genome, _dump(c.parents),
             c.move, c.gain, c.fingerprint, None if c.outcome is None else _dump(outcomes.to_json(c.outcome)))
            for c in candidates
        ]  # fmt: skip
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO steps VALUES (?, ?, ?, ?)",
                (search.id, step.generation, _dump(step.state), step.seconds),
            )
            connection.executemany(
                "INSERT INTO candidates (search, number, id, generation, expression, parameters, genome, parents,"
                " move, gain, fingerprint, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def last_step(self, search: SearchRecord) -> Step | None:
        """The newest step of `search`; None before the first ask."""
        query = "SELECT * FROM steps WHERE search = ? ORDER BY generation DESC LIMIT 1"
        row = self._connection.execute(query, (search.id,)).fetchone()
        if row is None:
            return None
        return Step(generation=row["generation"], state=json.loads(row["state"]), seconds=row["seconds"])

    def record_outcomes(
        self, search: SearchRecord, results: Mapping[int, tuple[Outcome, float]], *, budget_seconds: float
    ) -> None:
        """Write outcomes and their seconds by candidate number, and the budget used so far, in one transaction."""
        with self._transaction() as connection:
            for number, (outcome, seconds) in results.items():
                connection.execute(
                    "UPDATE candidates SET outcome = ?, seconds = ?"
                    " WHERE search = ? AND number = ? AND outcome IS NULL",
                    (_dump(outcomes.to_json(outcome)), seconds, search.id, number),
                )
            connection.execute(
                "UPDATE steps SET seconds = ? WHERE search = ? AND generation ="
                " (SELECT max(generation) FROM steps WHERE search = ?)",
                (budget_seconds, search.id, search.id),
            )

    def reject_scored(self, search: SearchRecord, rejections: Mapping[int, Rejected]) -> None:
        """Write what a later protocol says, by candidate number, in place of candidates' scores, which it keeps."""
        with self._transaction() as connection:
            for number, rejection in rejections.items():
                connection.execute(
                    "UPDATE candidates SET outcome = ? WHERE search = ? AND number = ?",
                    (_dump(outcomes.to_json(rejection)), search.id, number),
                )

    def candidates(self, search: SearchRecord, *, since: int = 0) -> list[CandidateRecord]:
        """The proposals of `search` with number `since` or later, in order of proposal."""
        query = "SELECT * FROM candidates WHERE search = ? AND number >= ? ORDER BY number"
        return [_candidate(row) for row in self._connection.execute(query, (search.id, since))]

    def find(self, prefix: str) -> list[tuple[SearchRecord, CandidateRecord]]:
        """First proposal of every candidate, over all searches, whose id begins with `prefix`, newest search first."""
        query = "SELECT *, min(number) FROM candidates WHERE id GLOB ? GROUP BY search, id ORDER BY search DESC, number"
        by_id = {record.id: record for record in self.searches()}
        rows = self._connection.execute(query, (prefix + "*",)).fetchall()
        return [(by_id[row["search"]], _candidate(row)) for row in rows]

    # -- scores of baselines and finalists ------------------------------------------------------------------

    def record_scores(self, search: SearchRecord, rung: str, scores: Mapping[str, Scores]) -> None:
        """Write scores by subject: `baseline:NAME` on the rungs `search` and `final`, a candidate's id on `final`."""
        rows = [(search.id, rung, subject, _dump(_scores(value))) for subject, value in scores.items()]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?)", rows)

    def scores(self, search: SearchRecord, rung: str) -> dict[str, Scores]:
        """Scores on `rung` by subject, in the order of writing."""
        query = "SELECT subject, document FROM scores WHERE search = ? AND rung = ? ORDER BY rowid"
        rows = self._connection.execute(query, (search.id, rung))
        return {row["subject"]: outcomes.scores_from_json(json.loads(row["document"])) for row in rows}

    # -- views ----------------------------------------------------------------------------------------------

    def view(self, search: SearchRecord, uri: str) -> tuple[str, int] | None:
        """MLflow run of `search` at the tracking `uri` and the last generation logged there; None if there is none."""
        query = "SELECT run, generation FROM views WHERE search = ? AND uri = ?"
        row = self._connection.execute(query, (search.id, uri)).fetchone()
        return None if row is None else (row["run"], row["generation"])

    def record_view(self, search: SearchRecord, uri: str, run: str, generation: int) -> None:
        """Write how far the view at `uri` has been fed."""
        self._connection.execute("INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?)", (search.id, uri, run, generation))

    # -- inside ---------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _migrate(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"the store {str(self.store)!r} has schema {version}, this version reads up to {SCHEMA_VERSION}:"
                " update actsearch."
            )
        if version == 0:
            self._create_schema()
        elif self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'searches'").fetchone() is None:
            raise StoreError(f"the store {str(self.store)!r} cannot be used: its journal.sqlite is another's database.")

    def _create_schema(self) -> None:
        with self._transaction() as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0]:
                return
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise StoreError(
                    f"the store {str(self.store)!r} cannot be used: its journal.sqlite is another's database."
                )
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _lock_path(self, search: SearchRecord) -> Path:
        return self.store / "locks" / f"{search.name}.lock"


def default_store() -> Path:
    """Folder of the default store: `$ACTSEARCH_STORE`, else `./actsearch-runs`."""
    return Path(os.environ.get("ACTSEARCH_STORE") or "actsearch-runs")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, for which SQLite itself does not wait while other processes open the same new store."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The lowest byte: the others tell kinds of one error apart.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _scores(scores: Scores) -> dict[str, Any]:
    return {"learning_rates": scores.learning_rates, "seeds": scores.seeds, "values": scores.values}


def _search(row: sqlite3.Row) -> SearchRecord:
    fields = dict(row)
    return SearchRecord(**{**fields, "settings": json.loads(fields["settings"])})


def _candidate(row: sqlite3.Row) -> CandidateRecord:
    outcome = row["outcome"]
    return CandidateRecord(
        number=row["number"],
        id=row["id"],
        generation=row["generation"],
        expression=row["expression"],
        parameters=json.loads(row["parameters"]),
        genome=row["genome"],
        parents=tuple(json.loads(row["parents"])),
        move=row["move"],
        gain=row["gain"],
        fingerprint=row["fingerprint"],
        outcome=None if outcome is None else outcomes.from_json(json.loads(outcome)),
        seconds=row["seconds"],
    )
