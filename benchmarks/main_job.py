"""Time the main job as a newcomer meets it: `make search` in a bare clone, up to the exported winner.

    python benchmarks/main_job.py [--ready]

Clones the checkout into a temporary folder, runs `make search` there and watches the journal. With `--ready` the
environment of this checkout is used, which leaves out the installation. Appends one row to `benchmarks/main_job.csv`:
seconds from the start of the command to the installed environment, to the first scored candidate and to the end, then
what the search itself counted. Times of one machine compare with nothing but themselves; the row says which machine.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import record

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".csv")
PACKAGES = ("torch", "ray", "mlflow")


def main() -> None:
    """Run, watch, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ready", action="store_true", help="use the environment of this checkout")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "actsearch"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        row = record.machine(*PACKAGES) | _timed(clone, ready=arguments.ready)
    record.append(TABLE, row)
    print(json.dumps(row, indent=2))


def _timed(clone: Path, *, ready: bool) -> dict[str, Any]:
    store = clone / "actsearch-runs"
    started = time.monotonic()
    if ready:
        script = [str(ROOT / ".venv/bin/actsearch"), "search", "swish", "--task", "digits", "--budget", "2m"]
        process = subprocess.Popen(script, cwd=clone)
    else:
        process = subprocess.Popen(["make", "search"], cwd=clone)
    installed = first = None
    while process.poll() is None:
        time.sleep(0.2)
        now = time.monotonic() - started
        if installed is None and (ready or (clone / ".venv/.installed").exists()):
            installed = 0.0 if ready else now
        if first is None and _is_scored(store / "journal.sqlite"):
            first = now
    total = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"the main job ended with {process.returncode}")
    program = ROOT / ".venv/bin/actsearch" if ready else clone / ".venv/bin/actsearch"
    top = subprocess.run([str(program), "top", "--json"], cwd=clone, capture_output=True, check=True, text=True)
    return _row(json.loads(top.stdout), installed or 0.0, first or 0.0, total)


def _row(result: dict[str, Any], installed: float, first: float, total: float) -> dict[str, Any]:
    counts = result["counts"]
    trained = counts["evaluated"] + counts["rejected"].get("quality", 0)
    stages = ("duplicate", "domain", "trivial", "gradient", "quality")
    return {
        "installed_seconds": round(installed, 1),
        "first_scored_seconds": round(first, 1),
        "total_seconds": round(total, 1),
        "search_seconds": round(result["seconds"], 1),
        "generated": counts["generated"],
        "scored": counts["evaluated"],
        "single_trainings": counts["trained"],
        "candidates_through_training_a_second": round(trained / result["seconds"], 2),
    } | {f"share_{stage}": round(counts["rejected"].get(stage, 0) / counts["generated"], 3) for stage in stages}


def _is_scored(journal: Path) -> bool:
    if not journal.exists():
        return False
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=1) as connection:
            query = "SELECT 1 FROM candidates WHERE json_extract(outcome, '$.kind') = 'scored' LIMIT 1"
            return connection.execute(query).fetchone() is not None
    except sqlite3.Error:
        # The file is there a moment before its tables are.
        return False


if __name__ == "__main__":
    main()
