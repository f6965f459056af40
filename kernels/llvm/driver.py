"""The native driver: walks a tensor tile by tile on the threads of the OpenMP runtime that torch uses."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import torch

from actsearch.compile.artifact import default_cache
from actsearch.compile.backend import sibling

LOADER = sibling(__file__, "loader")
_RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_RUN_ALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_RUN_PARALLEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)
_SYMBOLS = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
_DECLARATIONS = """
declare i32 @omp_get_thread_num()
declare i32 @omp_get_num_threads()
declare void @GOMP_parallel(ptr, ptr, i32, i32)
"""


@dataclass(frozen=True, slots=True)
class Driver:
    """Runs programs (see README.md) whose sums are computed in one scalar type."""

    function: Callable[..., None]
    parallel: Callable[..., None] | None
    code: Any

    def run(self, place: int, chunks: int, threads: int) -> None:
        """Run the program at an address on up to `threads` threads; returns when all its chunks are done."""
        if threads < 2:
            self.function(place, 0, chunks)
        elif self.parallel is not None:
            self.parallel(place, threads)
        else:
            bounds = [chunks * thread // threads for thread in range(threads + 1)]
            pool = _pool(threads, os.getpid())
            for done in [pool.submit(self.function, place, first, last) for first, last in itertools.pairwise(bounds)]:
                done.result()


@functools.cache
def driver(scalar: str) -> Driver:
    """The driver for sums in `scalar`, an LLVM type; compiled once a process."""
    is_parallel = _find_openmp()
    parts = {"openmp": _DECLARATIONS, "parallel": _text("openmp.ll.in")} if is_parallel else _NO_THREADS
    widths = {"widen": "fpext", "narrow": "fptrunc"} if scalar == "float" else {"widen": "bitcast", "narrow": "bitcast"}
    text = string.Template(_text("driver.ll.in")).substitute(scalar=scalar, **widths, **parts)
    names = ("run", "run_parallel") if is_parallel else ("run",)
    code = LOADER.loader().library(LOADER.Code(names=names, key=text, text=lambda: text, cache=default_cache()))
    parallel = _RUN_PARALLEL(code["run_parallel"]) if is_parallel else None
    return Driver(_RUN(code["run"]), parallel, code)


@dataclass(frozen=True, slots=True)
class PopulationDriver:
    """Runs tapes (see README.md) of all members of a population."""

    function: Callable[..., None]
    parallel: Callable[..., None] | None
    code: Any

    def run(self, place: int, threads: int) -> None:
        """Run the table at an address on up to `threads` threads, each of which takes slices until none is left."""
        if threads < 2:
            self.function(place)
        elif self.parallel is not None:
            self.parallel(place, threads)
        else:
            pool = _pool(threads, os.getpid())
            for done in [pool.submit(self.function, place) for _ in range(threads)]:
                done.result()


@functools.cache
def population_driver(lanes: int) -> PopulationDriver:
    """The driver of tapes whose operations compute `lanes` elements at once; compiled once a process."""
    is_parallel = _find_openmp()
    parts = {"openmp": _DECLARATIONS, "parallel": _TAKE_ALL} if is_parallel else _NO_THREADS
    text = string.Template(_text("population.ll.in")).substitute(lanes=lanes, lanes_less_one=lanes - 1, **parts)
    names = ("run", "run_parallel") if is_parallel else ("run",)
    code = LOADER.loader().library(LOADER.Code(names=names, key=text, text=lambda: text, cache=default_cache()))
    parallel = _RUN_PARALLEL(code["run_parallel"]) if is_parallel else None
    return PopulationDriver(_RUN_ALL(code["run"]), parallel, code)


_NO_THREADS = {"openmp": "", "parallel": ""}
_TAKE_ALL = """
define void @run_parallel(ptr %population, i32 %threads) {
  call void @GOMP_parallel(ptr @run, ptr %population, i32 %threads, i32 0)
  ret void
}
"""


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


@functools.cache
def _find_openmp() -> bool:
    """Whether torch brought the GNU OpenMP runtime into this process; a second one would bring its own threads."""
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*")):
        library = ctypes.CDLL(str(path))
        if all(hasattr(library, name) for name in _SYMBOLS):
            for name in _SYMBOLS:
                llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
            return True
    return False


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a forked process has none of our threads
    return ThreadPoolExecutor(threads, thread_name_prefix="actsearch")
