"""Compiled code in memory: found on disk or compiled, quickly or thoroughly, many kernels in one go if asked ahead."""

from __future__ import annotations

import functools
import hashlib
import queue
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.compile.backend import sibling

MACHINE = sibling(__file__, "machine")
OBJECTS = sibling(__file__, "objects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Functions that are compiled together.

    No other code's functions have their `names`, whatever it is; `key` is a text that is the same for the same code,
    `text` writes LLVM assembly, and `cache` is the folder where object files are kept.
    """

    names: tuple[str, ...]
    key: str
    text: Callable[[], str]
    cache: Path


class Library:
    """Code of one module: in memory from when it is first asked for an address, and as long as this object lives."""

    def __init__(self, machine: Any, cache: Path, stored: Any, *, is_new: bool) -> None:
        self._machine, self._cache, self._stored, self._is_new = machine, cache, stored, is_new
        self._addresses: Mapping[str, int] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Have it in memory, and on disk if it is new."""
        with self._lock:
            if self._stored is not None:
                if self._is_new:
                    OBJECTS.write(self._cache, self._stored)
                names = [name for names in self._stored.names.values() for name in names]
                self._addresses = self._machine.link(self._stored.code, names)
                self._stored = None

    def __getitem__(self, name: str) -> int:
        """The address of a function."""
        self.load()
        return self._addresses[name]


class Ahead(Future[Library]):
    """Code that a worker compiles; who asks for the result loads it, with whatever was compiled in one go with it.

    Loading is many short calls, after each of which a worker would wait for Python's lock while another thread is busy
    writing text: it takes that thread no longer, and leaves the worker to what is long.
    """

    def result(self, timeout: float | None = None) -> Library:
        """The loaded library."""
        library = super().result(timeout)
        library.load()
        return library


class Loader:
    """Code of this process."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[tuple[Path, str], Library] = weakref.WeakValueDictionary()
        self._waiting: queue.SimpleQueue[tuple[Code, Ahead]] = queue.SimpleQueue()

    def library(self, code: Code, *, thorough: bool = True) -> Library:
        """The library that has `code`; one compiled thoroughly also where one compiled quickly would do."""
        with self._lock:
            return self._found(code, thorough=thorough) or self._compiled([code], thorough=thorough)

    def ahead(self, code: Code, worker: Executor) -> Ahead:
        """Have `worker` compile code quickly, in one go with whatever else waits for it when its turn comes."""
        coming = Ahead()
        self._waiting.put((code, coming))
        worker.submit(self._compile_waiting)
        return coming

    def is_known(self, code: Code) -> bool:
        """Whether code is in memory or, as it seems, on disk."""
        digests = self._digests(code, thorough=False)
        return any(
            (code.cache, digest) in self._known or OBJECTS.path(code.cache, digest).exists() for digest in digests
        )

    def _compile_waiting(self) -> None:
        waiting = []
        while not self._waiting.empty():
            waiting.append(self._waiting.get())
        with self._lock:
            missing: dict[Path, list[tuple[Code, Ahead]]] = {}
            for code, coming in waiting:
                library = self._found(code, thorough=False)
                if library is None:
                    missing.setdefault(code.cache, []).append((code, coming))
                else:
                    coming.set_result(library)
            for pairs in missing.values():
                self._compile_together(pairs)

    def _compile_together(self, pairs: Sequence[tuple[Code, Ahead]]) -> None:
        try:
            library = self._compiled(list({code.key: code for code, _ in pairs}.values()), thorough=False)
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is to see it
            for _, coming in pairs:
                coming.set_exception(error)
        else:
            for _, coming in pairs:
                coming.set_result(library)

    def _digests(self, code: Code, *, thorough: bool) -> list[str]:
        """The names of what will do on disk, the best first."""
        levels = ("thorough",) if thorough else ("thorough", "quick")
        identity = self._machine.identity
        return [hashlib.sha256(f"{identity}\n{level}\n{code.key}".encode()).hexdigest()[:32] for level in levels]

    def _found(self, code: Code, *, thorough: bool) -> Library | None:
        """The library that has `code`, if it is known or on disk."""
        for digest in self._digests(code, thorough=thorough):
            library = self._known.get((code.cache, digest))
            if library is not None:
                return library
            stored = OBJECTS.read(code.cache, digest)
            if stored is not None:
                return self._new(code.cache, stored, is_new=False)
        return None

    def _compiled(self, codes: Sequence[Code], *, thorough: bool) -> Library:
        """All of `codes`, which share a cache, from one module."""
        machine_code = self._machine.object(joined([code.text() for code in codes]), thorough=thorough)
        names = {self._digests(code, thorough=thorough)[-1]: code.names for code in codes}
        return self._new(codes[0].cache, OBJECTS.Stored(names=names, code=machine_code), is_new=True)

    def _new(self, cache: Path, stored: Any, *, is_new: bool) -> Library:
        library = Library(self._machine, cache, stored, is_new=is_new)
        for digest in stored.names:
            self._known[cache, digest] = library
        return library


def joined(texts: Sequence[str]) -> str:
    """One module of several, which may declare the same functions."""
    if len(texts) == 1:
        return texts[0]
    lines = [line for text in texts for line in text.split("\n")]
    declarations = dict.fromkeys(line for line in lines if line.startswith("declare "))
    return "\n".join([*declarations, *(line for line in lines if line not in declarations)])


@functools.cache
def loader() -> Loader:
    """The loader of this process."""
    return Loader(MACHINE.machine())
