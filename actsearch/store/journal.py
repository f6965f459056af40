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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from actsearch import outcome as outcomes
from actsearch.errors import SearchStateError, StoreError, unknown_name
from actsearch.outcome import Outcome, Rejected, Scores
from actsearch.store import schema
from actsearch.store.database import PRIMARY, connect
from actsearch.store.record import CandidateRecord, PlanRecord, SearchRecord, Step, TrialRecord

_OUTSIDE = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}  # fmt: skip
"""Errors that the disk or another process is the cause of."""


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
            connection = connect(path)
            schema.migrate(connection, store)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreError(
                f"the store {str(store)!r} cannot be used: {reason}; choose another with --store."
            ) from error
        return cls(store, connection)

    def close(self) -> None:
        """Close the connection; the journal cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- searches -------------------------------------------------------------------------------------------

    def create_search(self, record: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> SearchRecord:
        """Write a new search with the given fields (those of `SearchRecord` without id, name, created).

        `sources` says what it is made from, see `record_sources`.
        """
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
            if sources is not None:
                connection.execute("INSERT INTO sources VALUES (?, 0, ?)", (number, _dump(dict(sources))))
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

    def set_status(
        self,
        search: SearchRecord,
        *,
        status: str,
        stopped_because: str | None,
        seconds: float,
        budget_seconds: float = 0.0,
    ) -> None:
        """Write how a search stands; `seconds` is the wall time of the whole command so far."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE searches SET status = ?, stopped_because = ?, seconds = ? WHERE id = ?",
                (status, stopped_because, seconds, search.id),
            )
            connection.execute("DELETE FROM stops WHERE search = ?", (search.id,))
            _use(connection, search, budget_seconds)

    def ask_to_stop(self, search: SearchRecord) -> None:
        """Ask the process that drives `search` to stop; the next `set_status` answers that."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO stops VALUES (?)", (search.id,))

    def is_asked_to_stop(self, search: SearchRecord) -> bool:
        """Whether somebody has asked for it since the last `set_status`."""
        return self._connection.execute("SELECT 1 FROM stops WHERE search = ?", (search.id,)).fetchone() is not None

    def record_sources(self, search: SearchRecord, generation: int, sources: Mapping[str, str]) -> None:
        """Write what `search` is made from after `generation`: a digest or version by the name of each source."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", (search.id, generation, _dump(dict(sources)))
            )

    def sources(self, search: SearchRecord) -> dict[int, dict[str, str]]:
        """What `search` was made from, by the generation after which that held; empty if an old version began it."""
        query = "SELECT generation, document FROM sources WHERE search = ? ORDER BY generation"
        rows = self._connection.execute(query, (search.id,))
        return {row["generation"]: json.loads(row["document"]) for row in rows}

    def record_plan(self, search: SearchRecord, digest: str, plan: Mapping[str, Any]) -> None:
        """Write the analysis plan that holds for the finals from now on, with its digest and the time."""
        written = datetime.now(UTC).isoformat(timespec="seconds")
        with self._transaction() as connection:
            connection.execute("INSERT INTO plans VALUES (?, ?, ?, ?)", (search.id, digest, written, _dump(plan)))

    def plans(self, search: SearchRecord) -> list[PlanRecord]:
        """The analysis plans of `search`, oldest first; the last one holds. Empty if an old version began it."""
        query = "SELECT digest, written, document FROM plans WHERE search = ? ORDER BY rowid"
        rows = self._connection.execute(query, (search.id,))
        return [PlanRecord(digest=r["digest"], written=r["written"], document=json.loads(r["document"])) for r in rows]

    @contextmanager
    def driving(self, search: SearchRecord) -> Iterator[None]:
        """Hold the right to drive `search`; raises `SearchStateError` if another process has it.

        The operating system drops the lock with the process, also after `kill -9`.
        """
        path = self._lock_path(search)
        try:
            path.parent.mkdir(exist_ok=True)
            opened = path.open("a")
        except OSError as error:
            raise StoreError(f"the store {str(self.store)!r} cannot be written: {error.strerror}.") from error
        with opened as file:
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
             c.move, c.gain, c.fingerprint, None if c.outcome is None else _dump(outcomes.to_json(c.outcome)),
             None if c.gains is None else _dump(c.gains))
            for c in candidates
        ]  # fmt: skip
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO steps VALUES (?, ?, ?, ?)",
                (search.id, step.generation, _dump(step.state), step.seconds),
            )
            connection.executemany(
                "INSERT INTO candidates (search, number, id, generation, expression, parameters, genome, parents,"
                " move, gain, fingerprint, outcome, gains) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            _use(connection, search, step.seconds)

    def last_step(self, search: SearchRecord) -> Step | None:
        """The newest step of `search`; None before the first ask."""
        query = "SELECT * FROM steps WHERE search = ? ORDER BY generation DESC LIMIT 1"
        row = self._connection.execute(query, (search.id,)).fetchone()
        if row is None:
            return None
        return Step(generation=row["generation"], state=json.loads(row["state"]), seconds=row["seconds"])

    def step_seconds(self, search: SearchRecord) -> list[float]:
        """Budget seconds used at the last outcome of every step, in order."""
        query = "SELECT seconds FROM steps WHERE search = ? ORDER BY generation"
        return [row["seconds"] for row in self._connection.execute(query, (search.id,))]

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
            _use(connection, search, budget_seconds)

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

    def record_scores(
        self, search: SearchRecord, rung: str, scores: Mapping[str, Scores], *, budget_seconds: float = 0.0
    ) -> None:
        """Write scores by subject: `baseline:NAME` on the rungs `search` and `final`, a candidate's id on `final`."""
        rows = [(search.id, rung, subject, _dump(outcomes.scores_to_json(value))) for subject, value in scores.items()]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?)", rows)
            _use(connection, search, budget_seconds)

    def record_failures(
        self, search: SearchRecord, rung: str, failures: Mapping[str, Outcome], *, budget_seconds: float = 0.0
    ) -> None:
        """Write what became of subjects (as in `record_scores`) that have no score; the newest word counts."""
        rows = [(search.id, rung, name, _dump(outcomes.to_json(outcome))) for name, outcome in failures.items()]
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", rows)
            _use(connection, search, budget_seconds)

    def forget_failures(self, search: SearchRecord) -> None:
        """Forget what `record_failures` has written of `search`, so that those subjects are tried again."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM failures WHERE search = ?", (search.id,))

    def failures(self, search: SearchRecord, rung: str) -> dict[str, Outcome]:
        """What became on `rung` of subjects that have no score, in the order of writing."""
        query = "SELECT subject, document FROM failures WHERE search = ? AND rung = ? ORDER BY rowid"
        rows = self._connection.execute(query, (search.id, rung))
        return {row["subject"]: outcomes.from_json(json.loads(row["document"])) for row in rows}

    def scores(self, search: SearchRecord, rung: str) -> dict[str, Scores]:
        """Scores on `rung` by subject, in the order of writing."""
        query = "SELECT subject, document FROM scores WHERE search = ? AND rung = ? ORDER BY rowid"
        rows = self._connection.execute(query, (search.id, rung))
        return {row["subject"]: outcomes.scores_from_json(json.loads(row["document"])) for row in rows}

    def record_trial(self, search: SearchRecord, rung: str, trial: TrialRecord, *, budget_seconds: float = 0.0) -> None:
        """Write one training of `rung` that has ended."""
        row = (search.id, rung, trial.subject, trial.number, _dump(asdict(trial)))
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?)", row)
            _use(connection, search, budget_seconds)

    def trials(self, search: SearchRecord, rung: str) -> list[TrialRecord]:
        """The trainings of `rung` in the order of writing."""
        query = "SELECT document FROM trials WHERE search = ? AND rung = ? ORDER BY rowid"
        return [
            TrialRecord.from_json(json.loads(row["document"]))
            for row in self._connection.execute(query, (search.id, rung))
        ]

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
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite takes some transactions back by itself, such as one for which the disk has no room.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & PRIMARY not in _OUTSIDE:
                raise
            raise StoreError(
                f"the store {str(self.store)!r} cannot be written: {error}; what stands in it is safe: put that right"
                " and go on with `actsearch resume`."
            ) from error

    def _lock_path(self, search: SearchRecord) -> Path:
        return self.store / "locks" / f"{search.name}.lock"


def default_store() -> Path:
    """Folder of the default store: `$ACTSEARCH_STORE`, else `./actsearch-runs`."""
    return Path(os.environ.get("ACTSEARCH_STORE") or "actsearch-runs")


def _use(connection: sqlite3.Connection, search: SearchRecord, budget_seconds: float) -> None:
    """Write that so much of the budget is used, which never becomes less."""
    connection.execute(
        "UPDATE searches SET budget_seconds = max(budget_seconds, ?) WHERE id = ?", (budget_seconds, search.id)
    )


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


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
        gains=None if row["gains"] is None else json.loads(row["gains"]),
        fingerprint=row["fingerprint"],
        outcome=None if outcome is None else outcomes.from_json(json.loads(outcome)),
        seconds=row["seconds"],
    )
