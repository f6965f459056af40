"""How kernels go over the elements of a tensor; the skeleton of the same name says it in Triton's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actsearch.compile.sweep import Sweep

BLOCK = 1024
"""Elements a program computes: with 128 threads 8 a thread, so that a bfloat16 access is 128 bits wide."""
_WARPS_OF_64, _WARPS_OF_32 = 2, 4
_CROWDED = 24
"""Tensors and sums of which a thread of the fewest warps cannot hold its elements, 8 of each, in registers."""
_REGISTERS, _MOST_REGISTERS = 1 << 16, 255
"""Of a multiprocessor of compute capability 8.0 to 12.0, and of a thread."""


def warps(sweeps: Sequence[Sweep] = (), *, is_nvidia: bool) -> int:
    """Warps of a program, of 32 threads on NVIDIA's GPUs and of 64 on AMD's: more where one of `sweeps` holds much."""
    if not is_nvidia:
        return _WARPS_OF_64
    most = max((len(sweep.elements) + len(sweep.outputs) + len(sweep.sums) for sweep in sweeps), default=0)
    return _WARPS_OF_32 * (2 if most > _CROWDED else 1)


def programs(*, is_nvidia: bool) -> tuple[int, ...]:
    """Warps that a program that keeps whole rows may have, the fewest first."""
    fewest = warps(is_nvidia=is_nvidia)
    return fewest, 2 * fewest, 4 * fewest


def registers(warps: int, *, is_nvidia: bool) -> int:
    """How many a thread of a program with so many warps can have."""
    return min(_MOST_REGISTERS, _REGISTERS // (32 * warps)) if is_nvidia else _MOST_REGISTERS


def options(warps: int, *, is_nvidia: bool) -> dict[str, object]:
    """What Triton is told of a kernel with so many warps.

    Contracting a*b + c into one instruction is faster and rounds once; it is said because Triton's default changes.
    NVIDIA's assembler may use as many registers as a thread can have: else it saves some of 48 by computing special
    functions twice, and kernels that wait for memory have warps enough with 48.
    """
    most = {"maxnreg": registers(warps, is_nvidia=True)} if is_nvidia else {}
    return {"num_warps": warps, "enable_fp_fusion": True, **most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The words that depend on the layout.

    Templates have the holes `pointer` and `sum`, `index` and `count` of the sum among the sweep's sums.
    """

    name: str
    place: tuple[str, ...]
    """What `_tile` gives."""
    sizes: tuple[str, ...]
    tile_sizes: tuple[str, ...]
    """Those of the sizes that `_tile` takes."""
    tile: Mapping[str, int]
    """The tile's shape for a large tensor, its dimensions in the order of the arguments."""
    loads: Mapping[str, str]
    """By granularity, how a parameter is loaded."""
    partial: str
    """Stores a partial sum."""
    partials_shape: str
    totals: Mapping[str, str]
    """By granularity, the sum of the partial sums."""
    sums_first: bool
    """Whether the partial sums are summed over the slots first, into `sums`."""

    def of_block(self, block: int) -> Mapping[str, int]:
        """The tile for a large tensor, with `block` elements a program."""
        narrow = min(self.tile["COLUMNS"], block) if self.tile.get("ROWS", 1) > 1 else block
        sizes = {"BLOCK": block, "COLUMNS": narrow, "ROWS": block // narrow}
        return {**self.tile, **{name: size for name, size in sizes.items() if name in self.tile}}


_SCALAR = "tl.load($pointer).to(tl.float32)"

FLAT = Layout(
    name="flat",
    place=("offsets", "mask", "slot"),
    sizes=("count",),
    tile_sizes=("count",),
    tile={"LONG": False, "WHOLE": True, "BLOCK": BLOCK},
    loads={"layer": _SCALAR},
    partial="tl.store(partials_pointer + $row, tl.sum(tl.where(mask, $sum, 0.0)))",
    partials_shape="slots, $count",
    totals={"layer": "sums[$index]"},
    sums_first=True,
)
CHANNELS = Layout(
    name="channels",
    place=("offsets", "mask", "channel", "slot"),
    sizes=("outer", "channels", "inner"),
    tile_sizes=("outer", "channels", "inner"),
    tile={"LAST": False, "LONG": False, "WHOLE": True, "ROWS": 1, "COLUMNS": BLOCK},
    loads={"layer": _SCALAR, "channel": "_of_channel($pointer, channel, channels, LAST)"},
    partial="_store_partial(partials_pointer, $sum, mask, channel, channels, $row, LAST)",
    partials_shape="slots, $count, sizes[1]",
    totals={"layer": "sums[$index].sum()", "channel": "sums[$index]"},
    sums_first=True,
)
ELEMENTS = Layout(
    name="elements",
    place=("offsets", "mask", "column", "slot"),
    sizes=("rows", "columns", "sample", "channels", "inner"),
    tile_sizes=("rows", "columns"),
    tile={"LONG": False, "WHOLE": True, "ROWS": BLOCK // 64, "COLUMNS": 64},
    loads={
        "layer": _SCALAR,
        "channel": "_of_column($pointer, column // inner % channels, column, columns)",
        "element": "_of_column($pointer, column % sample, column, columns)",
    },
    partial="_store_partial(partials_pointer, $sum, mask, column, columns, $row)",
    partials_shape="slots, $count, sizes[1]",
    totals={
        "layer": "partials[:, $index].sum()",
        "channel": "_total(partials[:, $index], sizes[3], sizes[4]).sum(1)",
        "element": "_total(partials[:, $index], sizes[2])",
    },
    sums_first=False,
)

ROWS = Layout(
    name="rows",
    place=("offsets", "mask", "row", "column", "slot", "block"),
    sizes=("rows", "columns", "kinds"),
    tile_sizes=("rows", "columns"),
    tile={"LONG": False, "WHOLE": True, "ROWS": 1, "COLUMNS": BLOCK},
    # `rows` says how values are loaded and partial sums stored and added up.
    loads={},
    partial="",
    partials_shape="",
    totals={},
    sums_first=False,
)


def layout_of(sweep: Sweep) -> Layout:
    """The simplest layout for the granularities of the sweep's parameters, which its derivatives share."""
    granularities = {granularity for _, granularity in sweep.parameters}
    return ELEMENTS if "element" in granularities else CHANNELS if "channel" in granularities else FLAT
