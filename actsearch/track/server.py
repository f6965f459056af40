"""MLflow's own server over a store, as a child process of `actsearch ui`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from actsearch.errors import ConfigError
from actsearch.store.journal import Journal
from actsearch.track import address, run
from actsearch.track.relocation import relocate

_START_SECONDS = 90.0
"""Bound on the time to the first answer, which takes a small part of that on two idle cores."""
_STOP_SECONDS = 10.0
# A proxy meant for the world outside must not come between this process and its child.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; leaving the context, `stop` and the end of `wait` all end it."""

    url: str
    """Page of the newest search's experiment."""
    address: str
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait for Ctrl-C (or SIGTERM, as containers send it), then stop the server."""
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.process.wait()
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, before)
            self.stop()

    def stop(self) -> None:
        """End the server and all that it started."""
        for name, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, None)):
            try:
                os.killpg(self.process.pid, name)
            except ProcessLookupError:
                break
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            # Its workers may outlive it for a moment; the group is gone when the last one is.
            time.sleep(0.1)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def serve(store: Path, host: str = "127.0.0.1", port: int = 5000, open_browser: bool = False) -> Server:  # noqa: FBT001, FBT002
    """Start a server that shows the runs and artifacts of `store`; returns once it answers.

    Port 0 takes any free one. Raises `ConfigError` if the port is taken or the server does not start, `StoreError`
    if the store holds no search.
    """
    port = _free(host, port)
    with Journal.open(store) as journal:
        experiment = run.experiment_name(journal.search())
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (a lookup, not a bind)
    name = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    relocate(store)
    log = store / "mlflow-server.log"
    with log.open("wb") as output:
        process = _start(store, host, port, output)
    try:
        _await_health(process, name, log)
        url = _page(name, experiment)
    except BaseException:
        Server(url=name, address=name, process=process).stop()
        raise
    if open_browser:
        webbrowser.open(url)
    return Server(url=url, address=name, process=process)


def _start(store: Path, host: str, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "actsearch.track.tether", "server", "--host", host, "--port", str(port), "--workers", "1",
        "--backend-store-uri", address.default_uri(store),
        "--default-artifact-root", address.artifacts(store).as_uri(), "--no-serve-artifacts",
    ]  # fmt: skip
    # Jobs serve features that nothing here uses, and cost a process each.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    # Nothing is written to its standard input: that it ends tells it that this process has ended.
    # A session of its own: Ctrl-C then reaches only this process, which ends the whole group in order.
    return subprocess.Popen(  # noqa: S603
        command, env={**quiet, **os.environ}, stdin=subprocess.PIPE, stdout=output, stderr=output,
        start_new_session=True,
    )  # fmt: skip


def _free(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As the server does it: a port that a closed server leaves waiting is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"port {port} on {host} cannot be used ({reason}): give another one with --port.") from None


def _await_health(process: subprocess.Popen[bytes], name: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with _DIRECT.open(f"{name}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise ConfigError(f"the MLflow server did not start; {str(log)!r} says why.")


def _page(name: str, experiment: str) -> str:
    """Page of the experiment, or the list of experiments if it has no run yet."""
    mode = "?workflowType=machine_learning"
    try:
        query = urllib.parse.urlencode({"experiment_name": experiment})
        found = _get(f"{name}/api/2.0/mlflow/experiments/get-by-name?{query}")
    except (OSError, KeyError):
        return f"{name}/#/experiments{mode}"
    return f"{name}/#/experiments/{found['experiment']['experiment_id']}/runs{mode}"


def _get(url: str) -> Mapping[str, Any]:
    with _DIRECT.open(url, timeout=10) as answer:
        document: Mapping[str, Any] = json.load(answer)
        return document
