"""A store that is moved or copied."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from actsearch.errors import StoreError
from actsearch.store.journal import Journal
from actsearch.track import address
from actsearch.track.mlflow import Tracker, backfill
from actsearch.track.relocation import relocate


def test_a_moved_store_keeps_its_runs_and_their_artifacts(tell: Callable[..., Any], tmp_path: Path) -> None:
    before, now = tmp_path / "a store", tmp_path / "deep" / "another"
    told = tell(before).whole()
    Tracker(before, told.search).sync(final=True)
    client = MlflowClient(tracking_uri=address.default_uri(before))
    elsewhere = client.create_experiment("mine", artifact_location=(tmp_path / "mine").as_uri())
    now.parent.mkdir()
    shutil.move(before, now)

    assert backfill(now) == [], "nothing is missing"
    assert relocate(now) == 1
    assert relocate(now) == 0
    with Journal.open(now) as journal:
        run, _ = journal.view(told.search, address.OWN)
    client = MlflowClient(tracking_uri=address.default_uri(now))
    found = client.get_run(run)
    assert found.info.artifact_uri.startswith((now / "artifacts" / "actsearch-pointwise-digits").as_uri() + "/")
    page = client.download_artifacts(run, "lineage.html", str(tmp_path))
    assert Path(page).read_text(encoding="utf-8") == next(now.glob("artifacts/**/lineage.html")).read_text("utf-8")
    assert client.get_experiment(elsewhere).artifact_location == (tmp_path / "mine").as_uri()

    # What comes later goes to the same experiment, in the new place.
    second = tell(now, size=5).whole()
    assert backfill(now) == [second.search.name]
    assert not before.exists()
    runs = client.search_runs([found.info.experiment_id], "tags.`actsearch.search` != ''")
    assert {run.data.tags["actsearch.search"] for run in runs} == {told.search.name, second.search.name}
    assert len(runs) == 2
    assert all(run.info.artifact_uri.startswith(now.as_uri()) for run in runs)


def test_a_store_without_a_database_of_mlflow_has_nothing_to_move(tmp_path: Path) -> None:
    assert relocate(tmp_path) == 0
    sqlite3.connect(address.database(tmp_path)).close()
    address.database(tmp_path).touch()
    assert relocate(tmp_path) == 0


def test_what_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    address.database(tmp_path).write_text("no database " * 100, encoding="utf-8")
    with pytest.raises(StoreError, match=r"the MLflow database .* cannot be used: file is not a database\.$"):
        relocate(tmp_path)
