"""A quiet MLflow client that gives up soon: MLflow may be down, and standard output is not its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from actsearch.track.address import artifacts_of, default_uri
from actsearch.track.relocation import relocate

if TYPE_CHECKING:
    from mlflow import MlflowClient

# No retries: the caller tries again by itself, and MLflow's own wait of minutes would hold up the end of a search.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def connect(store: Path, uri: str) -> MlflowClient:
    """Client for the tracking `uri`; makes the store's own database if that is meant and missing.

    Takes 2-4 s the first time in a process (the import), and 3 s more for a new database. MLflow reads the
    environment, so what the user has set there wins over `QUIET`.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # Two processes that create one database meet in its migrations: the second waits for the first.
    with _alone(store):
        if uri == default_uri(store):
            relocate(store)
        return MlflowClient(tracking_uri=uri)


def experiment(client: MlflowClient, name: str, artifacts: Path | None) -> str:
    """Id of the experiment called `name`, made if missing, brought back if deleted.

    `artifacts` is the folder its artifacts go to; None leaves that to the server.
    """
    from mlflow import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = None if artifacts is None else artifacts_of(artifacts, name).as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    path = store / "locks" / "mlflow.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
