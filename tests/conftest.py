"""What every test may rely on: no setting of the user gets in, and nothing is written outside temporary folders."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

# Set before anything imports Ray or MLflow, and inherited by the programs that tests start.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Ray runs its workers at nice 15, so that beside other work its tests would crawl.
os.environ.update(RAY_worker_niceness="0")
for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ACTSEARCH_STORE"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of the test's own, for whatever is called without `--store`."""
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path / "actsearch-runs"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's top folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def early_mypy(request: pytest.FixtureRequest, root: Path) -> Iterator[subprocess.Popen[str] | None]:
    """Mypy on the whole project, started with the suite: half a minute on a core that is idle otherwise.

    None where its test is not to come, or where other processes run tests already.
    """
    names = {item.name for item in request.session.items}
    if "test_mypy_finds_nothing" not in names or "PYTEST_XDIST_WORKER" in os.environ:
        yield None
        return
    with subprocess.Popen(
        [sys.executable, "-m", "mypy"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        yield started
        started.kill()


@pytest.fixture(scope="session", autouse=True)
def early_forks(request: pytest.FixtureRequest) -> None:
    """What drivers are forked from, where there are to be any: before the library starts one that knows less."""
    if any("drivers" in getattr(item, "fixturenames", ()) for item in request.session.items):
        from multiprocessing import forkserver

        from tests import forked  # noqa: F401 - which says what is imported there

        forkserver.ensure_running()


@pytest.fixture(scope="session")
def command() -> Callable[..., tuple[int, str, str]]:
    """Calls the command line in this process; gives exit code, standard output and standard error."""
    from actsearch.cli import main

    def call(*arguments: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", ["actsearch", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()

    return call
