"""The processor and its code generator: from LLVM assembly to object files and to functions in memory."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

import actsearch
from actsearch.compile.backend import sibling


class Machine:
    """Compiles for the processor it runs on."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._target = llvm.Target.from_default_triple()
        self.processor = llvm.get_host_cpu_name()
        self.features = llvm.get_host_cpu_features().flatten()
        # Quickly means half the time and less, and code that took 1.15 times as long on 2^20 elements.
        self._quick, self._thorough = self._generator(0), self._generator(2)
        # JITLink lays the sections of an object side by side. The other linker takes them from wherever there is room,
        # and ends the process where that is more than 2 GB apart, as it may be in a large one.
        self._linker = llvm.create_lljit_compiler(
            self._target.create_target_machine(cpu=self.processor, features=self.features, opt=2, jit=True),
            use_jit_link=True,
        )
        self._numbers = itertools.count()

    def _generator(self, level: int) -> llvm.TargetMachine:
        return self._target.create_target_machine(
            cpu=self.processor, features=self.features, opt=level, reloc="pic", codemodel="small", jit=True
        )

    @functools.cached_property
    def identity(self) -> str:
        """What compiled code depends on besides what is compiled: the processor, LLVM, the C library, our own code."""
        processor = f"{self._target.triple} {self.processor} {self.features}"
        return f"{processor} llvmlite {llvmlite.__version__} {sorted(self.vectorised)} {_own_code()}"

    def lanes(self, element: Any) -> int:
        """How many elements of a type are computed at once."""
        return self.vector_bytes // {"float": 4, "double": 8}[element.computed]

    @functools.cached_property
    def vector_bytes(self) -> int:
        """Size of the widest vectors that the processor computes with at full speed."""
        features = llvm.get_host_cpu_features()
        if features.get("avx512f"):
            return 64
        return 32 if features.get("avx2") and features.get("fma") else 16

    @functools.cached_property
    def vectorised(self) -> frozenset[str]:
        """The C library's float64 functions that it also has for vectors of four (glibc's, with AVX2)."""
        if self.vector_bytes < 32 or platform.machine() != "x86_64":
            return frozenset()
        try:
            library = ctypes.CDLL("libmvec.so.1", mode=ctypes.RTLD_GLOBAL)
        except OSError:
            return frozenset()
        printer, functions = sibling(__file__, "printer"), sibling(__file__, "functions")
        return frozenset(name for name in printer.LIBRARY if hasattr(library, functions.of_vectors(name, 4)))

    def assembly(self, text: str) -> str:
        """The processor's own instructions for LLVM assembly."""
        return str(self._thorough.emit_assembly(llvm.parse_assembly(text)))

    def object(self, text: str, *, thorough: bool) -> bytes:
        """An object file of LLVM assembly. What it computes is the same bit for bit, however it is compiled."""
        return bytes((self._thorough if thorough else self._quick).emit_object(llvm.parse_assembly(text)))

    def link(self, code: bytes, names: Iterable[str]) -> Mapping[str, int]:
        """Load an object file: the addresses of the functions `names`, which hold as long as the mapping."""
        library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name in names:
            library.export_symbol(name)
        return library.link(self._linker, f"library_{next(self._numbers)}")  # type: ignore[no-any-return]


@functools.cache
def _own_code() -> str:
    """Digest of the code that makes kernels: a cache outlives a change of it."""
    package = Path(actsearch.__file__).parent
    folders = (package / "grammar", package / "compile", Path(__file__).parent)
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".in"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@functools.cache
def machine() -> Machine:
    """The machine of this process."""
    return Machine()
