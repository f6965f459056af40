"""The processor's code generator: from LLVM assembly to functions in memory, by way of a cache of object files."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import platform
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

import actsearch
from actsearch.compile.backend import sibling

OBJECTS = sibling(__file__, "objects")


class Machine:
    """Compiles for the processor it runs on."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._target = llvm.Target.from_default_triple()
        self.processor = llvm.get_host_cpu_name()
        self.features = llvm.get_host_cpu_features().flatten()
        self._generator = self._target.create_target_machine(
            cpu=self.processor, features=self.features, opt=1, reloc="pic", codemodel="small", jit=True
        )
        self._linker = llvm.create_lljit_compiler(
            self._target.create_target_machine(cpu=self.processor, features=self.features, opt=2, jit=True)
        )
        self._lock = threading.Lock()
        self._loaded: weakref.WeakValueDictionary[tuple[Path, str], Any] = weakref.WeakValueDictionary()
        self._count = 0

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
        printer = sibling(__file__, "printer")
        return frozenset(name for name in printer.LIBRARY if hasattr(library, f"_ZGVdN4v_{name}"))

    def assembly(self, text: str) -> str:
        """The processor's own instructions for LLVM assembly."""
        with self._lock:
            return str(self._generator.emit_assembly(llvm.parse_assembly(text)))

    def functions(self, names: Sequence[str], key: str, text: Callable[[], str], cache: Path) -> Mapping[str, int]:
        """Addresses of the functions `names` of the LLVM assembly that `text` makes; they hold as long as the mapping.

        `key` names the code in the folder `cache`.
        """
        digest = self._digest(key)
        with self._lock:
            loaded = self._loaded.get((cache, digest))
            if loaded is None:
                loaded = self._loaded[cache, digest] = self._load(names, digest, text, cache)
            return loaded

    def is_known(self, key: str, cache: Path) -> bool:
        """Whether code with that key is in memory or, as it seems, on disk."""
        digest = self._digest(key)
        return (cache, digest) in self._loaded or bool(OBJECTS.path(cache, digest).exists())

    def _digest(self, key: str) -> str:
        return hashlib.sha256(f"{self.identity}\n{key}".encode()).hexdigest()[:32]

    def _load(self, names: Sequence[str], digest: str, text: Callable[[], str], cache: Path) -> Mapping[str, int]:
        code = OBJECTS.read(cache, digest)
        if code is None:
            code = self._generator.emit_object(llvm.parse_assembly(text()))
            OBJECTS.write(cache, digest, code)
        self._count += 1
        library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name in names:
            library.export_symbol(name)
        return library.link(self._linker, f"{digest}_{self._count}")  # type: ignore[no-any-return]


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
