"""Compiled code on disk, which many processes may write and read at once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actsearch.compile.artifact import write_bytes_whole
from actsearch.errors import StoreError

_MAGIC = b"actsearch object 2\n"
_DIGEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object file, and the names of its functions by the digest of each kernel that is in it."""

    names: Mapping[str, tuple[str, ...]]
    code: bytes


def read(cache: Path, digest: str) -> Stored | None:
    """The object file that has the kernel `digest`; None if there is none that is whole and this user's own."""
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
    checksum, body = content[len(_MAGIC) :][:_DIGEST], content[len(_MAGIC) + _DIGEST :]
    if checksum != hashlib.sha256(body).digest():
        return None
    table, _, code = body.partition(b"\n")
    names = json.loads(table)
    # A file under another's name is not taken for it.
    return Stored(names=names, code=code) if digest in names else None


def write(cache: Path, stored: Stored) -> None:
    """Keep an object file under the name of each of its kernels.

    A folder that cannot be written costs the next process a compilation, nothing else.
    """
    body = json.dumps(stored.names).encode() + b"\n" + stored.code
    first, *others = (path(cache, digest) for digest in stored.names)
    with contextlib.suppress(StoreError, OSError):
        write_bytes_whole(first, _MAGIC + hashlib.sha256(body).digest() + body)
        for other in others:
            _link(first, other)


def path(cache: Path, digest: str) -> Path:
    """Where the object file that has the kernel `digest` lies."""
    return cache / f"kernel_{digest}.o"


def _link(existing: Path, name: Path) -> None:
    """Give a file another name, which may be that of a file already."""
    temporary = name.with_name(f".{name.name}.{os.getpid()}")
    try:
        os.link(existing, temporary)
        temporary.replace(name)
    finally:
        # Where both are the same file already, replacing leaves the temporary name.
        temporary.unlink(missing_ok=True)
