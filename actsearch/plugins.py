"""Plug-ins: files found by path, named by their file or folder, loaded on demand.

They stand inside `actsearch/` when installed from a wheel and beside it in a checkout; the user may give any
path instead of a name. The engine never imports one statically, and only names travel to workers.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Literal

from actsearch.errors import unknown_name

Kind = Literal["search_spaces", "kernels", "workers", "workers/profiles"]
_HERE = Path(__file__).resolve().parent
_PATTERNS: dict[Kind, str] = {
    "search_spaces": "*.yaml",
    "kernels": "*/backend.py",
    "workers": "*.py",
    "workers/profiles": "*.yaml",
}
_NOUNS: dict[Kind, str] = {
    "search_spaces": "search space",
    "kernels": "backend",
    "workers": "task",
    "workers/profiles": "profile",
}


def folder(kind: Kind) -> Path:
    """Folder of one kind: inside `actsearch/` in a wheel, beside it in a checkout."""
    inside = _HERE / kind
    return inside if inside.is_dir() else _HERE.parent / kind


def names(kind: Kind) -> list[str]:
    """Names of the plug-ins of one kind, sorted."""
    return sorted(_name(kind, path) for path in folder(kind).glob(_PATTERNS[kind]))


def find(kind: Kind, name: str) -> Path:
    """File of the plug-in called `name`, or the file at the path `name`.

    Raises `UnknownNameError` naming the nearest known names.
    """
    suffix = _PATTERNS[kind][-5:] if _PATTERNS[kind].endswith(".yaml") else ".py"
    if name.endswith(suffix) or "/" in name:
        path = Path(name)
        try:
            if path.is_file():
                return path.resolve()
        except OSError:  # A name too long for a file, a folder that may not be read.
            pass
        raise unknown_name(f"{_NOUNS[kind]} file", name, names(kind))
    for path in folder(kind).glob(_PATTERNS[kind]):
        if _name(kind, path) == name:
            return path
    raise unknown_name(_NOUNS[kind], name, names(kind))


def lasting(kind: Kind, name: str) -> str:
    """`name` as it is; a path made absolute, so that workers and a later `resume` find it from anywhere."""
    # os.path, because `Path.is_file` raises for a name that is too long for a file.
    return str(Path(name).resolve()) if os.path.isfile(name) and name not in names(kind) else name  # noqa: PTH113


def load(kind: Kind, name: str) -> ModuleType:
    """Module of the Python plug-in `name` (a name or a path), loaded once per file."""
    path = find(kind, name)
    # The module's name carries its path, so that two files called alike do not meet in `sys.modules`.
    key = f"actsearch_plugin:{path}"
    with _LOADING:
        if key in sys.modules:
            return sys.modules[key]
        spec = importlib.util.spec_from_file_location(key, path, loader=_Loader(key, str(path)))
        if spec is None or spec.loader is None:
            raise unknown_name(_NOUNS[kind], name, names(kind))
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
        return module


# Another thread does not see a module that is half there; a plug-in's file may load its siblings.
_LOADING = threading.RLock()


class _Loader(SourceFileLoader):
    """Leaves no bytecode beside a user's file: nothing stale, and nothing written where nothing was asked for."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def _name(kind: Kind, path: Path) -> str:
    return path.parent.name if kind == "kernels" else path.stem
