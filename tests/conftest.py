"""What every test may rely on: no setting of the user gets in, and nothing is written outside temporary folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Set before anything imports Ray or MLflow, and inherited by the programs that tests start.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
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
