"""Generated source files: named by their content, written whole or not at all, imported by path."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType

from actsearch.errors import StoreError


def install(text: str, cache: Path | None = None) -> ModuleType:
    """The module whose source is `text`, kept in the folder `cache` (None: `default_cache()`); loaded once a process.

    Raises `StoreError` if the folder cannot be written.
    """
    path = (cache or default_cache()) / f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:24]}.py"
    key = f"actsearch_kernel:{path}"
    with _INSTALLING:
        if key in sys.modules:
            return sys.modules[key]
        if not _holds(path, text):
            write_whole(path, text)
        spec = importlib.util.spec_from_file_location(key, path)
        if spec is None or spec.loader is None:
            raise StoreError(f"the generated kernel {path} cannot be imported.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
        return module


# Another thread does not see a module that is half there.
_INSTALLING = threading.Lock()


def default_cache() -> Path:
    """`kernels` in the store that ACTSEARCH_STORE names, else a folder of the user's cache."""
    store = os.environ.get("ACTSEARCH_STORE")
    if store:
        return Path(store) / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actsearch" / "kernels"


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees all of it or what stood there before. Raises `StoreError`."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees all of it or what stood there before. Raises `StoreError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            # mkstemp gives a file to its owner alone; a result is an ordinary file.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False
