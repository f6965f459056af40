"""MLflow as a view that is fed from the journal: it may be down, lag or be lost, and is filled in later.

Nothing here is the truth. Every push is idempotent: it may be cut off anywhere and repeated.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from actsearch.errors import ActsearchError, StoreError
from actsearch.store.front import wanted
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from actsearch.store.summary import summarise
from actsearch.track import address, client, finish, run
from actsearch.track.material import Reader, mark
from actsearch.track.progress import Progress, progress

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

_LINEAGE_SECONDS = 30.0
_METRICS_A_BATCH = 1000


class Tracker:
    """Feeds the view of one search. Not thread-safe; opens a journal of its own for every `sync`."""

    def __init__(self, store: Path, search: SearchRecord, uri: str | None = None) -> None:
        self._store = store
        self._uri = uri or address.default_uri(store)
        self._view = address.view(store, self._uri)
        self._reader = Reader(search.name)
        self._client: MlflowClient | None = None
        self._run: Run | None = None
        self._drawn = -_LINEAGE_SECONDS

    def sync(self, final: bool = False) -> None:  # noqa: FBT001, FBT002
        """Push what the view lacks; with `final`, for a search that has ended, also its runs, tables and lineage.

        Raises `StoreError`, without any secret, if MLflow cannot be used.
        """
        # Until this one succeeds: a run that somebody deletes meanwhile must not be written to for ever.
        known, self._run = self._run, None
        with Journal.open(self._store) as journal, _explained(self._uri):
            material = self._reader.read(journal)
            search = material.search
            mlflow = self._client = self._client or client.connect(self._store, self._uri)
            parent = known or self._parent(mlflow, journal, search)
            identity = parent.info.run_id
            if final and journal.view(search, _completed(self._view)) == (identity, material.mark):
                return
            if not final and parent.info.status != "RUNNING":  # it was stopped and synced, and goes on
                mlflow.update_run(identity, status="RUNNING")
                parent = mlflow.get_run(identity)
            view = journal.view(search, self._view)
            last = -1 if view is None else view[1]
            whole = final and search.status == "finished"
            rows = progress(material.candidates, material.searched, whole=whole, objectives=wanted(search))
            for generation, metrics in _batches([r for r in rows if r.generation > last], search):
                mlflow.log_batch(identity, metrics=metrics)
                journal.record_view(search, self._view, identity, generation)
            if final:
                finish.finish(mlflow, parent, summarise(journal, search), material.candidates)
                journal.record_view(search, _completed(self._view), identity, material.mark)
                return
            if material.candidates and time.monotonic() - self._drawn >= _LINEAGE_SECONDS:
                finish.draw(mlflow, identity, summarise(journal, search), material.candidates)
                self._drawn = time.monotonic()
            self._run = parent

    def _parent(self, mlflow: MlflowClient, journal: Journal, search: SearchRecord) -> Run:
        view = journal.view(search, self._view)
        found = None if view is None else _find(mlflow, view[0])
        if found is not None:
            return found
        own = self._uri == address.default_uri(self._store)
        experiment = client.experiment(
            mlflow, run.experiment_name(search), address.artifacts(self._store) if own else None
        )
        key = _key(self._store, search)
        # A process that died between making the run and writing it down has left one to adopt.
        left = mlflow.search_runs([experiment], f"tags.`actsearch.key` = '{key}'", max_results=1)
        parent: Run = left[0] if left else mlflow.create_run(
            experiment, start_time=run.milliseconds(search.created), tags=run.tags(search, key), run_name=search.name
        )  # fmt: skip
        _log_parameters(mlflow, parent.info.run_id, run.parameters(search))
        journal.record_view(search, self._view, parent.info.run_id, -1)
        return parent


def backfill(store: Path, uri: str | None = None) -> list[str]:
    """Sync every ended search whose view at `uri` is incomplete; names of those that were filled in.

    Imports MLflow only if something is missing. Raises `StoreError` if MLflow cannot be used.
    """
    view_name = address.view(store, uri)
    lost = view_name == address.OWN and not address.database(store).exists()
    filled = []
    with Journal.open(store) as journal:
        for search in journal.searches():
            if search.status == "running" and journal.is_running(search):
                continue
            view = journal.view(search, _completed(view_name))
            if lost or view is None or view[1] != mark(journal, search):
                Tracker(store, search, uri).sync(final=True)
                filled.append(search.name)
    return filled


def _completed(view: str) -> str:
    """Name under which the journal keeps the mark of the last complete view, beside its last generation."""
    return f"{view}#complete"


def _key(store: Path, search: SearchRecord) -> str:
    """What tells this search from others at a shared server, without telling the path."""
    text = f"{store.resolve()}\n{search.name}\n{search.created}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _find(mlflow: MlflowClient, identity: str) -> Run | None:
    """The run, or None if it was deleted, or lost with its database."""
    from mlflow import MlflowException

    try:
        found: Run = mlflow.get_run(identity)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return found if found.info.lifecycle_stage == "active" else None


def _log_parameters(mlflow: MlflowClient, identity: str, parameters: dict[str, str]) -> None:
    from mlflow.entities import Param

    rows = [Param(key, value) for key, value in parameters.items()]
    for start in range(0, len(rows), 100):
        mlflow.log_batch(identity, params=rows[start : start + 100])


def _batches(rows: Sequence[Progress], search: SearchRecord) -> Iterator[tuple[int, list[Metric]]]:
    """Metrics of whole generations, as many as MLflow takes at a time, with the last generation of each batch.

    Times come from the journal, so that a push repeated after a cut gives the same points and not twice as many.
    """
    from mlflow.entities import Metric

    batch: list[Metric] = []
    last = -1
    for row in rows:
        if batch and len(batch) + len(row.metrics) > _METRICS_A_BATCH:
            yield last, batch
            batch = []
        time_ms = run.milliseconds(search.created) + round(1000 * row.seconds)
        batch += [Metric(key, value, time_ms, row.generation) for key, value in row.metrics.items()]
        last = row.generation
    if batch:
        yield last, batch


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn what MLflow, its database or the network raise into one sentence without secrets."""
    try:
        yield
    except ActsearchError:
        raise
    except Exception as error:
        if not isinstance(error, OSError | ImportError) and _origin(error) not in {"mlflow", "sqlalchemy"}:
            raise
        reason = f"{type(error).__name__}: " + address.redact_text(str(error), uri).partition("\n")[0][:300]
        if "requests" in {_origin(error), _origin(error.__context__)}:
            reason = "it does not answer"
        # Without its cause: a library's own traceback may hold the password.
        raise StoreError(f"MLflow at {address.redact(uri)} cannot be used ({reason})") from None


def _origin(error: BaseException | None) -> str:
    return type(error).__module__.partition(".")[0]
