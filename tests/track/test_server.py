"""MLflow's server over a store."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from actsearch.errors import ConfigError, StoreError
from actsearch.store.journal import Journal
from actsearch.track import address, server
from actsearch.track.mlflow import Tracker, backfill


@pytest.fixture(scope="module")
def story(tell: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A synced search."""
    made = tell(tmp_path_factory.mktemp("a store")).whole()
    Tracker(made.store, made.search).sync(final=True)
    return made


@pytest.fixture(scope="module")
def running(story: Any) -> Iterator[server.Server]:
    """A server over its store."""
    with server.serve(story.store, port=0) as handle:
        yield handle


def fetch(url: str) -> str:
    """Body of an answer."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def test_answers(running: server.Server) -> None:
    assert fetch(f"{running.address}/health") == "OK"
    assert running.address.startswith("http://127.0.0.1:")


def test_url_is_the_page_of_the_experiment(running: server.Server) -> None:
    query = "experiments/get-by-name?experiment_name=actsearch/pointwise-digits"
    identity = json.loads(fetch(f"{running.address}/api/2.0/mlflow/{query}"))["experiment"]["experiment_id"]
    assert running.url == f"{running.address}/#/experiments/{identity}/runs?workflowType=machine_learning"
    assert "<html" in fetch(running.url)


def test_serves_the_lineage_page(story: Any, running: server.Server) -> None:
    with Journal.open(story.store) as journal:
        view = journal.view(story.search, address.OWN)
    assert view is not None
    # The address from which MLflow's own page takes an artifact.
    page = fetch(f"{running.address}/get-artifact?path=lineage.html&run_uuid={view[0]}")
    assert page == (next(story.store.glob("artifacts/**/lineage.html"))).read_text()


@pytest.mark.usefixtures("running")
def test_the_database_can_be_written_while_it_runs(story: Any, tell: Callable[..., Any]) -> None:
    second = tell(story.store, size=5)
    second.generation(1)
    second.end()
    Tracker(second.store, second.search).sync(final=True)
    assert backfill(second.store) == []


def test_other_stores_can_be_shown_by_it(running: server.Server, tell: Callable[..., Any], tmp_path: Path) -> None:
    guest = tell(tmp_path).whole()
    assert backfill(tmp_path, running.address) == [guest.search.name]
    assert backfill(tmp_path, running.address) == []
    with Journal.open(tmp_path) as journal:
        view = journal.view(guest.search, running.address)
    assert view is not None
    client = MlflowClient(tracking_uri=running.address)
    run = client.get_run(view[0])
    assert (run.info.status, run.data.metrics["generated"]) == ("FINISHED", 60)
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{view[0]}'")
    assert len(children) == 10
    assert not address.database(tmp_path).exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .*--port"):
            server.serve(tmp_path, port=port)


# Last: it ends the server that the others use.
def test_stops_with_all_its_processes(running: server.Server) -> None:
    group = running.process.pid
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    running.wait()
    running.stop()
    assert running.process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    with pytest.raises(OSError, match=r"refused|reset"):
        fetch(f"{running.address}/health")


OWNER = """
import sys, time
from pathlib import Path
from actsearch.track.server import serve
with serve(Path(sys.argv[1]), port=0) as server:
    print(server.process.pid, server.address, flush=True)
    time.sleep(600)
"""


def test_ends_with_the_process_that_started_it_even_if_that_is_killed(story: Any, root: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(story.store)], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        assert owner.stdout is not None
        group, url = owner.stdout.readline().split()
        assert fetch(f"{url}/health") == "OK"
    finally:
        owner.kill()
        owner.communicate()
    deadline = time.monotonic() + 20
    while is_alive(int(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(int(group))
    with pytest.raises(OSError, match=r"refused|reset"):
        fetch(f"{url}/health")


def is_alive(group: int) -> bool:
    """Whether a process of the group runs; one that has ended and that nobody has waited for does not."""
    found = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = (row.split() for row in found.stdout.splitlines())
    return any(int(of) == group and not state.startswith("Z") for of, state in rows)


def test_an_empty_store_has_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no searches"):
        server.serve(tmp_path, port=0)
