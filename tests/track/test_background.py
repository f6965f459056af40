"""MLflow beside a running search: up, down, and back again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from actsearch.errors import StoreError
from actsearch.store.journal import Journal
from actsearch.track import address
from actsearch.track.background import BackgroundTracker
from actsearch.track.mlflow import backfill

# Nothing listens on the discard port, and the password must not come out anywhere.
DOWN = "http://ann:s3cret@127.0.0.1:9"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose MLflow database is made once, since that takes seconds."""
    return tmp_path_factory.mktemp("store")


def test_follows_a_search_and_finishes_it(tell: Callable[..., Any], store: Path) -> None:
    story = tell(store)
    warnings: list[str] = []
    with BackgroundTracker(store, story.search, None, warnings.append, interval_seconds=0.1):
        story.generation(1)
        story.generation(2)
        deadline = time.monotonic() + 30
        while _logged(story) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _logged(story) == 2, "the view was not fed while the search went on"
        story.generation(3)
        story.end("stopped", "interrupted")
    assert warnings == []
    assert _logged(story) == 3
    client = MlflowClient(tracking_uri=address.default_uri(store))
    with Journal.open(store) as journal:
        view = journal.view(story.search, address.OWN)
    assert view is not None
    assert client.get_run(view[0]).info.status == "KILLED"
    assert backfill(store) == []


def test_unreachable_mlflow_gives_one_warning_and_is_filled_in_later(
    tell: Callable[..., Any], store: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    story = tell(store)
    warnings: list[str] = []
    began = time.monotonic()
    with BackgroundTracker(store, story.search, DOWN, warnings.append, interval_seconds=0.05):
        story.whole()
        time.sleep(1)
    assert time.monotonic() - began < 15
    (warning,) = warnings
    assert warning.startswith("MLflow at http://***@127.0.0.1:9 cannot be used")
    printed = capfd.readouterr()
    assert printed.out == ""
    for text in (warning, printed.err, caplog.text, (store / "journal.sqlite").read_bytes().decode("latin-1")):
        assert "s3cret" not in text
    with pytest.raises(StoreError, match=r"\*\*\*@127\.0\.0\.1:9 cannot be used") as caught:
        backfill(store, DOWN)
    assert "s3cret" not in str(caught.value)
    assert backfill(store) == [story.search.name]
    assert backfill(store) == []


def test_running_searches_are_left_to_their_drivers(tell: Callable[..., Any], tmp_path: Path) -> None:
    story = tell(tmp_path)
    with Journal.open(tmp_path) as journal, journal.driving(story.search):
        assert backfill(tmp_path) == []
    assert not address.database(tmp_path).exists()


def test_a_slow_end_is_not_waited_for(tell: Callable[..., Any], store: Path) -> None:
    story = tell(store)
    warnings: list[str] = []
    began = time.monotonic()
    # Ten runs take longer than the wait allows.
    with BackgroundTracker(store, story.search, None, warnings.append, wait_seconds=0.01):
        story.whole()
    assert time.monotonic() - began < 2
    assert len(warnings) == 1
    assert "filled in later" in warnings[0]
    for thread in threading.enumerate():
        if thread.name == "actsearch-mlflow":
            thread.join(60)


def _logged(story: Any) -> int:
    with Journal.open(story.store) as journal:
        view = journal.view(story.search, address.OWN)
    return -1 if view is None else int(view[1])
