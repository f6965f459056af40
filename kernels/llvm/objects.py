"""Compiled code on disk: a file for each kernel, which many processes may write and read at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from actsearch.compile.artifact import write_bytes_whole
from actsearch.errors import StoreError

_MAGIC = b"actsearch object 1\n"
_DIGEST = 32


def read(cache: Path, digest: str) -> bytes | None:
    """The object file called `digest`; None if there is none that is whole and this user's own."""
    try:
        with path(cache, digest).open("rb") as file:
            about = os.fstat(file.fileno())
            content = file.read()
    except OSError:
        return None
    # Code that somebody else may have written is not run.
    if about.st_uid != os.geteuid() or about.st_mode & 0o022:
        return None
    if not content.startswith(_MAGIC):
        return None
    checksum, code = content[len(_MAGIC) :][:_DIGEST], content[len(_MAGIC) + _DIGEST :]
    return code if checksum == _checksum(digest, code) else None


def write(cache: Path, digest: str, code: bytes) -> None:
    """Keep an object file; a folder that cannot be written costs the next process a compilation, nothing else."""
    with contextlib.suppress(StoreError):
        write_bytes_whole(path(cache, digest), _MAGIC + _checksum(digest, code) + code)


def _checksum(digest: str, code: bytes) -> bytes:
    # With the name, so that a file under another's name is not taken for it.
    return hashlib.sha256(digest.encode() + code).digest()


def path(cache: Path, digest: str) -> Path:
    """Where the object file called `digest` lies."""
    return cache / f"kernel_{digest}.o"
