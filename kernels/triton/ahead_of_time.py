"""Machine code of the kernels that an exported module holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from actsearch.compile.ahead_of_time import KernelArgument, KernelBinary
from actsearch.compile.artifact import install
from actsearch.compile.backend import sibling
from actsearch.compile.stages import stage_embedded
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import Activation

OFFLINE = sibling(__file__, "offline")
SOURCE = sibling(__file__, "source")
# Whether tiles are whole, so that nothing is masked, and what is a multiple of 16, so that accesses are wide.
_SIZES: Mapping[str, tuple[bool, tuple[str, ...]]] = {"aligned": (True, ("*", "i32")), "any": (False, ("*",))}


def binaries(activation: Activation, *, gain: float, targets: Sequence[str]) -> Iterator[KernelBinary]:
    """See `actsearch.compile.ahead_of_time.AheadOfTime`; tensors have fewer than 2^31 elements."""
    # All targets first, so that a wrong one is found before anything is compiled.
    settings = [OFFLINE.setting(target, dtype) for target in targets for dtype in OFFLINE.DTYPES]
    forward = stage_embedded(activation, gain=gain).sweep
    sweeps = (forward, vjp(forward))
    module = install(SOURCE.artifact(sweeps))
    for asked, sweep in itertools.product(settings, sweeps):
        setting = OFFLINE.launched(sweeps, asked)
        name = SOURCE.KERNEL.direction(sweep.order)
        kernel, plain = getattr(module, f"_{name}"), OFFLINE.signature_of(sweep, setting)
        for channels, sizes in itertools.product(_channels(plain.types), _SIZES):
            is_whole, aligned = _SIZES[sizes]
            types = {**plain.types, **_channels(plain.types)[channels], "WHOLE": is_whole}
            made = OFFLINE.compiled(name, kernel, replace(plain, types=types), setting, aligned_kinds=aligned)
            yield _described(made, types, (sizes, channels), kernel.arg_names)


def _channels(types: Mapping[str, Any]) -> Mapping[str | None, Mapping[str, Any]]:
    """Where channels may lie, and the tiles for that, as `_layout` of the generated file has them."""
    if "LAST" not in types:
        return {None: {}}
    columns = 64
    return {"inner": {}, "last": {"LAST": True, "ROWS": SOURCE.LAYOUT.BLOCK // columns, "COLUMNS": columns}}


def _described(
    made: Any, types: Mapping[str, Any], variant: tuple[str, str | None], names: Sequence[str]
) -> KernelBinary:
    taken = {argument.name: types[argument.name] for argument in made.arguments}
    aligned, setting = _SIZES[variant[0]][1], made.setting
    own = [
        KernelArgument(name=name, type=kind, is_multiple_of_16=kind.startswith(aligned)) for name, kind in taken.items()
    ]
    # Triton adds two pointers to scratch memory, which these kernels never read.
    scratch = [KernelArgument(name=name, type="*i8", is_multiple_of_16=False) for name in ("scratch", "profile")]
    return KernelBinary(
        symbol=made.symbol,
        direction=made.name,
        sizes=variant[0],
        channels=variant[1],
        target=setting.target,
        dtype=setting.dtype,
        content=made.cubin,
        block=setting.block,
        warps=setting.warps,
        threads=setting.warps * setting.gpu.warp_size,
        shared_bytes=made.shared_bytes,
        arguments=(*own, *scratch),
        compile_time={name: types[name] for name in names if name not in taken},
    )
