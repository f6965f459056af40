"""What `doctor` checks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch import __version__, plugins
from actsearch.errors import ActsearchError

_PACKAGES = ("torch", "ray", "mlflow", "sympy", "deap", "optuna", "triton", "scikit-learn", "pydantic")
_LEAST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    finding: str

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"name": self.name, "ok": self.ok, "finding": self.finding}


def run_checks(store: Path) -> list[Check]:
    """All checks, each whatever the others say."""
    checks = [_python(), *(_package(name) for name in _PACKAGES)]
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("devices", _devices),
        ("store", lambda: _store(store)),
        ("search spaces", _spaces),
        ("tasks", _tasks),
        ("profiles", _profiles),
        ("backends", _backends),
    )
    return checks + [_guarded(name, step) for name, step in steps]


def _guarded(name: str, step: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, finding=step())
    except (ActsearchError, ImportError, OSError, RuntimeError) as error:
        return Check(name=name, ok=False, finding=f"{type(error).__name__}: {error}")


def _python() -> Check:
    version = platform.python_version()
    finding = (
        f"Python {version} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, actsearch {__version__}"
    )
    return Check(name="python", ok=sys.version_info >= _LEAST_PYTHON, finding=finding)


def _package(name: str) -> Check:
    try:
        return Check(name=name, ok=True, finding=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        if name == "triton" and platform.system() != "Linux":
            return Check(name=name, ok=True, finding="not on this platform; the torch backend is used")
        return Check(name=name, ok=False, finding=f"not installed: pip install {name}")


def _devices() -> str:
    import torch

    if not torch.cuda.is_available():
        return "CPU only (native kernels by the backend llvm; Triton kernels are compiled offline)"
    return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _store(store: Path) -> str:
    from actsearch.store.journal import Journal

    if (store / "journal.sqlite").exists():
        with Journal.open(store) as journal:
            count = len(journal.searches())
        return f"{store}: {count} search(es), {_megabytes(store):.1f} MB"
    parent = next(folder for folder in (store, *store.absolute().parents) if folder.is_dir())
    with tempfile.TemporaryFile(dir=parent):
        return f"{store}: not there yet, can be made"


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _spaces() -> str:
    from actsearch.grammar.space import open_space

    names = plugins.names("search_spaces")
    for name in names:
        open_space(name)
    return ", ".join(names)


def _tasks() -> str:
    from actsearch.evaluate.task import load_task

    names = plugins.names("workers")
    for name in names:
        load_task(name)
    return ", ".join(names)


def _profiles() -> str:
    from actsearch.evaluate.profile import read_profile

    names = plugins.names("workers/profiles")
    for name in names:
        read_profile(name)
    return ", ".join(names)


def _backends() -> str:
    from actsearch.compile.backend import backends

    return "; ".join(f"{name}: {status}" for name, status, _ in backends())
