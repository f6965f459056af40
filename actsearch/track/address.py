"""Addresses of MLflow, and how to show one without its secrets."""

from __future__ import annotations

import re
from pathlib import Path

_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(?<=[?&])([^=&#\s]+)=[^&#\s]*")
_HIDDEN = "***"
OWN = "sqlite:///mlflow.sqlite"
"""Name of the view in a store's own MLflow database."""


def database(store: Path) -> Path:
    """File of the store's own MLflow database."""
    return store.resolve() / "mlflow.sqlite"


def default_uri(store: Path) -> str:
    """Tracking address of the store's own MLflow database."""
    return f"sqlite:///{database(store)}"


def artifacts(store: Path) -> Path:
    """Folder of the artifacts that belong to the store's own MLflow database."""
    return store.resolve() / "artifacts"


def artifacts_of(artifacts: Path, experiment: str) -> Path:
    """Folder of the artifacts of the experiment called `experiment` in the folder `artifacts` of a store."""
    return artifacts / experiment.replace("/", "-")


def view(store: Path, uri: str | None = None) -> str:
    """Name under which the journal of `store` keeps the view at the tracking address `uri`, or at the store's own.

    It holds no secret, and of the store's own database not the path, so that it lasts when the store is moved.
    """
    return OWN if uri is None or uri == default_uri(store) else redact(uri)


def redact(uri: str) -> str:
    """`uri` without user, password and the values of its query: fit to be shown, logged and stored."""
    head, mark, rest = uri.partition("://")
    if not mark or head.startswith("sqlite"):
        return uri
    # The last `@` before the query ends the credentials, whatever unescaped characters a password holds.
    address, question, query = rest.partition("?")
    credentials, at, host = address.rpartition("@")
    shown = f"{_HIDDEN}@{host}" if at and credentials else address
    return f"{head}://{shown}" + _QUERY.sub(rf"\1={_HIDDEN}", question + query)


def redact_text(text: str, uri: str) -> str:
    """`text`, such as an error of a library, with every credential in it hidden."""
    known = text.replace(uri, redact(uri)) if uri else text
    return _CREDENTIALS.sub(f"{_HIDDEN}@", known)
