"""Files that the user asked for, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from actsearch.errors import ConfigError


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` through a temporary file beside it; raises `ConfigError` if that cannot be done."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe or a device, such as /dev/stdout: a file must not take its place.
            path.write_text(text, encoding="utf-8")
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r}: {error.strerror}.") from None
