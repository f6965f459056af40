"""Compiled code in memory: found on disk or compiled, quickly or thoroughly, many kernels in one go if asked ahead."""

from __future__ import annotations

import functools
import hashlib
import queue
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
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


class Loader:
    """Code of this process. Addresses by name hold as long as the mapping they are in."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._loaded: weakref.WeakValueDictionary[tuple[Path, str], Any] = weakref.WeakValueDictionary()
        self._ahead: queue.SimpleQueue[tuple[Code, Future[Mapping[str, int]]]] = queue.SimpleQueue()

    def functions(self, code: Code, *, thorough: bool = True) -> Mapping[str, int]:
        """Addresses of functions by name; thoroughly compiled ones also where quickly compiled ones would do."""
        with self._lock:
            known = self._known(code, thorough=thorough)
            return self._compiled([code], thorough=thorough) if known is None else known

    def ahead(self, code: Code, worker: Executor) -> Future[Mapping[str, int]]:
        """Have `worker` compile code quickly, in one go with whatever else waits for it when its turn comes.

        What lasts is the code generator's setting up for a module, and handing Python's lock from thread to thread.
        """
        found: Future[Mapping[str, int]] = Future()
        self._ahead.put((code, found))
        worker.submit(self._compile_waiting)
        return found

    def is_known(self, code: Code) -> bool:
        """Whether code is in memory or, as it seems, on disk."""
        digests = self._digests(code, thorough=False)
        return any(
            (code.cache, digest) in self._loaded or OBJECTS.path(code.cache, digest).exists() for digest in digests
        )

    def _compile_waiting(self) -> None:
        waiting = []
        while not self._ahead.empty():
            waiting.append(self._ahead.get())
        with self._lock:
            try:
                self._deliver(waiting)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is to see it
                for _, found in waiting:
                    if not found.done():
                        found.set_exception(error)

    def _deliver(self, waiting: Iterable[tuple[Code, Future[Mapping[str, int]]]]) -> None:
        missing: dict[Path, list[tuple[Code, Future[Mapping[str, int]]]]] = {}
        for code, found in waiting:
            known = self._known(code, thorough=False)
            if known is None:
                missing.setdefault(code.cache, []).append((code, found))
            else:
                found.set_result(known)
        for pairs in missing.values():
            library = self._compiled(list({code.key: code for code, _ in pairs}.values()), thorough=False)
            for _, found in pairs:
                found.set_result(library)

    def _digests(self, code: Code, *, thorough: bool) -> list[str]:
        """The names of what will do on disk, the best first."""
        levels = ("thorough",) if thorough else ("thorough", "quick")
        identity = self._machine.identity
        return [hashlib.sha256(f"{identity}\n{level}\n{code.key}".encode()).hexdigest()[:32] for level in levels]

    def _known(self, code: Code, *, thorough: bool) -> Mapping[str, int] | None:
        for digest in self._digests(code, thorough=thorough):
            loaded = self._loaded.get((code.cache, digest))
            if loaded is not None:
                return loaded  # type: ignore[no-any-return]
            stored = OBJECTS.read(code.cache, digest)
            if stored is not None:
                return self._linked(stored, code.cache)
        return None

    def _compiled(self, codes: Sequence[Code], *, thorough: bool) -> Mapping[str, int]:
        """All of `codes`, which share a cache, from one module."""
        machine_code = self._machine.object(_module([code.text() for code in codes]), thorough=thorough)
        names = {self._digests(code, thorough=thorough)[-1]: code.names for code in codes}
        stored = OBJECTS.Stored(names=names, code=machine_code)
        OBJECTS.write(codes[0].cache, stored)
        return self._linked(stored, codes[0].cache)

    def _linked(self, stored: Any, cache: Path) -> Mapping[str, int]:
        library: Mapping[str, int] = self._machine.link(
            stored.code, [name for names in stored.names.values() for name in names]
        )
        for digest in stored.names:
            self._loaded[cache, digest] = library
        return library


def _module(texts: Sequence[str]) -> str:
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
