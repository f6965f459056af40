"""Machine code beside an exported module: a folder of ELF files and a manifest that says what each is.

The module neither needs nor loads them. They are for programs that launch kernels themselves (`cuModuleLoadData`,
`hipModuleLoadData`), which find all that a launch takes in the manifest; no loader is part of this package, because
none can be tested without a GPU.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from actsearch import __version__
from actsearch.compile import backend as backends
from actsearch.compile.ahead_of_time import AheadOfTime, KernelBinary
from actsearch.compile.artifact import write_bytes_whole, write_whole
from actsearch.errors import ConfigError, StoreError, UnsupportedError
from actsearch.export import pointwise
from actsearch.grammar.activation import Activation, Candidate

MANIFEST = "manifest.json"
BACKEND = "triton"
NOTES = (
    "Not loaded by the module, and not tried on a GPU: loading and launching them is up to the program that does.",
    "Grid and partial sums (of a backward): as in _layout and _launch_* of the module, with the tiles of compile_time.",
    "sizes 'aligned': every size is a multiple of 16 and fills its tiles (_layout: WHOLE); sizes 'any': no condition.",
    "Tensors are contiguous and have fewer than 2^31 elements.",
    "Code for sm_90 and above runs on that architecture alone.",
    "scratch and profile are pointers that Triton adds: pass null.",
)


def folder_of(module: Path) -> Path:
    """Where the machine code of the file `module` lies: `swish.cubins` beside `swish.py`."""
    return module.with_suffix(".cubins")


def compiled(winner: Activation | Candidate, *, gain: float, targets: Sequence[str]) -> tuple[KernelBinary, ...]:
    """Forward and backward of the kernels in the module of `winner`, for each GPU and dtype.

    Raises `UnknownNameError` for a target that is none, `UnsupportedError` where the module has no kernels.
    """
    candidate = Candidate.everywhere(winner) if isinstance(winner, Activation) else winner
    if not candidate.is_everywhere or not pointwise.takes(candidate.activation):
        raise UnsupportedError(
            f"--cubin: the module of {candidate.text[:60]!r} has no kernels to compile: only functions of x, with "
            "a number per layer or channel for each parameter, have any; export it without --cubin."
        )
    backend = backends.load_backend(BACKEND)
    if not isinstance(backend, AheadOfTime):
        raise UnsupportedError(f"--cubin: the backend {BACKEND} compiles nothing ahead of time.")
    return backend.ahead_of_time(candidate.activation, gain=gain, targets=targets)


def check_place(module: Path) -> None:
    """Raise `ConfigError` if there is something where the machine code of `module` would lie, or no place for it."""
    folder = folder_of(module)
    if folder == module or (module.exists() and not module.is_file()):
        raise ConfigError(f"--cubin: no folder can lie beside {str(module)!r}: export to an ordinary .py file.")
    if folder.exists():
        raise ConfigError(f"--cubin: {str(folder)!r} is there already, of an earlier export: move or delete it first.")


def write(module: Path, source: str, kernels: Sequence[KernelBinary]) -> Path:
    """Write `kernels` and the manifest beside the file `module`, whose text is `source`; the folder.

    The manifest comes last: a folder without one is incomplete. Raises `StoreError`.
    """
    folder = folder_of(module)
    try:
        folder.mkdir()
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}.") from error
    for kernel in kernels:
        write_bytes_whole(folder / file_name(kernel), kernel.content)
    write_whole(folder / MANIFEST, json.dumps(manifest(module, source, kernels), indent=2) + "\n")
    return folder


def file_name(kernel: KernelBinary) -> str:
    """`backward-bf16-aligned-sm_90.cubin`."""
    suffix = "cubin" if kernel.target.startswith("sm_") else "hsaco"
    variant = kernel.sizes if kernel.channels is None else f"{kernel.sizes}-channels_{kernel.channels}"
    return f"{kernel.direction}-{kernel.dtype}-{variant}-{kernel.target}.{suffix}"


def manifest(module: Path, source: str, kernels: Sequence[KernelBinary]) -> Mapping[str, Any]:
    """What is known of the kernels: per file what it is, how it is launched, and its SHA-256."""
    return {
        "made_by": f"actsearch {__version__}",
        "module": {"file": module.name, "sha256": hashlib.sha256(source.encode()).hexdigest()},
        "notes": NOTES,
        "kernels": [_entry(kernel) for kernel in kernels],
    }


def _entry(kernel: KernelBinary) -> Mapping[str, Any]:
    about = {key: value for key, value in asdict(kernel).items() if key != "content"}
    return {"file": file_name(kernel), "sha256": hashlib.sha256(kernel.content).hexdigest(), **about}
