"""The tables of the journal, and how a store of an older version is brought up to this one's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from actsearch.errors import StoreError

_FIRST = """
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
) STRICT
"""
# The views of a store's own MLflow database were kept under its absolute path, which a move of the store changes.
_SECOND = """
ALTER TABLE searches ADD COLUMN budget_seconds REAL NOT NULL DEFAULT 0;
ALTER TABLE candidates ADD COLUMN gains TEXT;
CREATE TABLE failures (
    search INTEGER NOT NULL, rung TEXT NOT NULL, subject TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (search, rung, subject)
) STRICT;
CREATE TABLE sources (
    search INTEGER NOT NULL, generation INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (search, generation)
) STRICT;
CREATE TABLE stops (search INTEGER PRIMARY KEY) STRICT;
CREATE TABLE plans (
    search INTEGER NOT NULL, digest TEXT NOT NULL, written TEXT NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE TABLE trials (
    search INTEGER NOT NULL, rung TEXT NOT NULL, subject TEXT NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (search, rung, subject, number)
) STRICT;
UPDATE OR REPLACE views SET uri = 'sqlite:///mlflow.sqlite' WHERE uri LIKE 'sqlite:////%/mlflow.sqlite';
UPDATE OR REPLACE views SET uri = 'sqlite:///mlflow.sqlite#complete'
    WHERE uri LIKE 'sqlite:////%/mlflow.sqlite#complete'
"""
_MIGRATIONS = (_FIRST, _SECOND)
"""Statements that bring a journal of version i to version i + 1; a new one takes all of them."""
VERSION = len(_MIGRATIONS)
"""Version of the schema that this version of actsearch writes."""


def migrate(connection: sqlite3.Connection, store: Path) -> None:
    """Bring the journal of `store` up to `VERSION`, all of it or, if that breaks off, none.

    Raises `StoreError` if a newer version of actsearch made it, or if the database is no journal.
    """
    version = _version(connection)
    if version > VERSION:
        raise StoreError(
            f"the store {str(store)!r} has schema {version}, this version reads up to {VERSION}: update actsearch."
        )
    if version and connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'searches'").fetchone() is None:
        raise _another_s(store)
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        version = _version(connection)
        if not version:
            _refuse_tables(connection, store)
        for statements in _MIGRATIONS[version:]:
            for statement in statements.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_tables(connection: sqlite3.Connection, store: Path) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise _another_s(store)


def _another_s(store: Path) -> StoreError:
    return StoreError(f"the store {str(store)!r} cannot be used: its journal.sqlite is another's database.")
