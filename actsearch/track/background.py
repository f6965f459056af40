"""Feeds the MLflow view while a search goes on, without ever stopping or slowing it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from actsearch.store.record import SearchRecord
from actsearch.track import address
from actsearch.track.mlflow import Tracker

_BACKOFF = 5
"""How many intervals pass between two attempts while MLflow cannot be used."""
_LAST_SECONDS = 5.0
"""Bound on the final sync when the attempt before it failed."""


class BackgroundTracker:
    """Context manager: syncs in a daemon thread, and for the last time at exit, when the search has ended.

    The journal should say how the search ended before the context is left. `warn` is called from the thread, at
    most once for an MLflow that cannot be used, and once if the last sync does not end in `wait_seconds`.
    """

    def __init__(
        self,
        store: Path,
        search: SearchRecord,
        uri: str | None,
        warn: Callable[[str], None],
        *,
        interval_seconds: float = 3.0,
        wait_seconds: float = 30.0,
    ) -> None:
        self._shown = address.redact(uri or address.default_uri(store))
        self._tracker = Tracker(store, search, uri)
        self._warn = warn
        self._interval_seconds = interval_seconds
        self._wait_seconds = wait_seconds
        self._ended = threading.Event()
        self._failing = False
        self._warned = False
        self._thread = threading.Thread(target=self._feed, name="actsearch-mlflow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join(min(self._wait_seconds, _LAST_SECONDS) if self._failing else self._wait_seconds)
        if self._thread.is_alive() and not self._warned:
            self._warned = True
            self._warn(f"MLflow at {self._shown} is slow: the rest of the runs is filled in later.")

    def _feed(self) -> None:
        while True:
            self._attempt()
            late = self._ended.is_set()
            if late or self._ended.wait(self._interval_seconds * (_BACKOFF if self._failing else 1)):
                break
        # The end of the search waits for this thread: one attempt that failed meanwhile is enough.
        if not (late and self._failing):
            self._attempt(final=True)

    def _attempt(self, *, final: bool = False) -> None:
        try:
            self._tracker.sync(final=final)
        except Exception as error:  # noqa: BLE001 (a view never stops a search, whatever is wrong with it)
            self._failing = True
            if not self._warned:
                self._warned = True
                self._warn(f"{_sentence(error)}: the search goes on, and its runs are filled in later.")
        else:
            self._failing = False


def _sentence(error: Exception) -> str:
    return address.redact_text(str(error) or type(error).__name__, "")
