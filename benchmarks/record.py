"""Rows of benchmarks: the machine they were measured on, tables beside the scripts, timings that take turns."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import datetime as dt
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # As malloc.h has them.


def machine(*packages: str) -> dict[str, str]:
    """Date, machine and versions, as the first columns of a table."""
    versions = " ".join(f"{name}-{metadata.version(name)}" for name in packages)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": f"python-{platform.python_version()} {versions}",
    }


def processor() -> str:
    """The processor's name where the system says it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{found[0]}, {platform.machine()}" if found else platform.machine()


def append(table: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a CSV file, with a header if it is new."""
    known = table.exists()
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        if not known:
            writer.writeheader()
        writer.writerow(row)


def write(table: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file anew."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def read(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none if there is no file."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def replace(table: Path, rows: Sequence[Mapping[str, Any]], *key: str) -> None:
    """Put rows into a CSV file, in the place of those that say the same in the columns `key`."""
    new = {tuple(str(row[column]) for column in key) for row in rows}
    kept = [old for old in read(table) if tuple(old[column] for column in key) not in new]
    write(table, [*kept, *rows])


def interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each of `runs`, which take turns so that what else the machine does hits all of them alike."""
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def keep_memory() -> None:
    """Have the C library keep the memory that is freed, where it is glibc.

    Else it depends on what was allocated before whether a call that returns a new tensor waits for the system to hand
    out its pages, and whom that hits is chance.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_MMAP_THRESHOLD, 32 << 20)
        library.mallopt(_TRIM_THRESHOLD, -1)


def milliseconds(values: Sequence[float]) -> tuple[float, float]:
    """Minimum and median, in milliseconds, four digits."""
    return tuple(float(f"{1e3 * value:.4g}") for value in (min(values), statistics.median(values)))  # type: ignore[return-value]
