"""Tapes of many activations on the slices of one tensor, in one native call; see README.md."""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.stages import Staged
from actsearch.compile.sweep import Sweep, gradient_name, vjp
from actsearch.errors import UnsupportedError

DRIVER = sibling(__file__, "driver")
MACHINE = sibling(__file__, "machine")
OPERATIONS = sibling(__file__, "operations")
TAPE = sibling(__file__, "tape")
TYPES = sibling(__file__, "types")
BLOCK = 512
"""Elements of a block, or as many rows of channels as have at most that number, but one: the registers of most tapes then
fit into a cache of 32 KB, and starting an operation costs little against what it does."""
_FEW = 1 << 14
"""Elements below which handing out work costs more than it brings."""
_HEADER = 20
"""Numbers of a population's table before the members."""
_NEXT, _SCRATCH, _PARAMETERS, _SUMS, _INPUTS, _OUTPUTS = 2, 8, 9, 10, 12, 16
_FOUR = 4
"""Most inputs and most outputs."""
_LINE, _APART = 64, 1024
"""Bytes of a cache line, and what registers are whole multiples of apart. Processors take a load for one of what a store
a little earlier wrote where both addresses end in the same 12 bits: an addition then took 4 ns a vector, not 0.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Where the numbers of a parameter are in the flat tensor of all, in elements of that.

    Those of the first slice of its member begin at `offset` and are `places`, one for all channels or one for each
    equal part of them; those of the next slice begin `stride` further.
    """

    offset: int
    stride: int
    places: int


class Taped:
    """The tape of one order of derivatives of one structure, and what the driver reads of it."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.tape = sweep, TAPE.tape_of(sweep)
        self.words = array.array("q", self.tape.words)
        self.address = self.words.buffer_info()[0]


@dataclass(frozen=True, slots=True)
class Member:
    """An activation's tapes, forward and backward, and the values of its constants."""

    taped: tuple[Taped, Taped]
    constants: tuple[float, ...]


class Compiler:
    """Makes members; those of one structure share their tapes."""

    def __init__(self) -> None:
        self._taped: dict[Sweep, tuple[Taped, Taped]] = {}

    def member(self, staged: Staged) -> Member:
        """Raises `UnsupportedError` for statistics, draws and parameters that are not per layer or channel."""
        if staged.noise:
            raise UnsupportedError("a tape takes nothing that is drawn.")
        sweep = staged.sweep
        if sweep not in self._taped:
            self._taped[sweep] = Taped(sweep), Taped(vjp(sweep))
        return Member(self._taped[sweep], tuple(value for _, value in staged.constants))

    def numbers(self, **options: int) -> Numbers:
        """See `Numbers`."""
        return Numbers(**options)

    def table(self, **options: Any) -> Table:
        """See `Table`."""
        return Table(**options)


@dataclass(slots=True, kw_only=True)
class Table:
    """Forward (`order` 0) or backward (1) of `members` for slices of one shape, each member on `copies` of them.

    `numbers` has for each member that of each of its sweep's parameters.
    """

    members: Sequence[Member]
    order: int
    copies: int
    numbers: Sequence[Sequence[Numbers]]
    channels: int
    elements: int
    inputs: tuple[str, ...]
    """Names of what a call is given: x, gate if some member reads it, upstream in a backward."""
    _kept: list[Any] = field(default_factory=list)
    """Arrays whose addresses stand in others."""
    _words: array.array[int] = field(init=False)
    _bytes: int = 0
    _driver: Any = None

    def __post_init__(self) -> None:
        machine = MACHINE.machine()
        lanes = machine.lanes(TYPES.ELEMENTS[torch.float32])
        outputs = ("y",) if self.order == 0 else tuple(map(gradient_name, self.inputs[:-1]))
        addresses = []
        for member, numbers in zip(self.members, self.numbers, strict=True):
            words, size = _member(member, member.taped[self.order], numbers, self, outputs, lanes, self._kept)
            self._kept.append(words)
            addresses.append(words.buffer_info()[0])
            self._bytes = max(self._bytes, size)
        add = OPERATIONS.operations().address["add", (False, False)]
        self._words = array.array("q", [
            len(self.members) * self.copies, self.copies, 0, 0, self._bytes, self.elements, len(self.inputs),
            len(outputs), 0, 0, 0, add, *[0] * 2 * _FOUR, *addresses,
        ])  # fmt: skip
        self._driver = DRIVER.population_driver(lanes)

    def run(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], parameters: Tensor, sums: Tensor | None) -> None:
        """Compute the outputs, and the sums of a backward, laid out like `parameters`; all contiguous, in float32."""
        slices = len(self.members) * self.copies
        few = slices * self.elements < _FEW
        threads = 1 if few else min(torch.get_num_threads(), slices)
        scratch = torch.empty(threads * self._bytes, dtype=torch.uint8)
        words = self._words[:]
        words[_SCRATCH], words[_PARAMETERS] = scratch.data_ptr(), parameters.data_ptr()
        if sums is not None:
            words[_SUMS] = sums.data_ptr()
        for at, tensor in enumerate(inputs, _INPUTS):
            words[at] = tensor.data_ptr()
        for at, tensor in enumerate(outputs, _OUTPUTS):
            words[at] = tensor.data_ptr()
        self._driver.run(words.buffer_info()[0], threads)


def _member(
    member: Member, taped: Taped, numbers: Sequence[Numbers], table: Table, outputs: Sequence[str], lanes: int,
    kept: list[Any],
) -> tuple[array.array[int], int]:  # fmt: skip
    """A member's part of the table, and the bytes of scratch that it needs."""
    sweep, tape = taped.sweep, taped.tape
    is_by_channel = any(granularity == "channel" for _, granularity in sweep.parameters)
    rows = max(1, BLOCK // table.channels) if is_by_channel else 1
    columns = table.channels if is_by_channel else BLOCK
    vectors = -(-rows * columns // lanes)
    size = _rounded(4 * lanes * vectors, _APART)
    constants = array.array("f", (*member.constants, *tape.literals))
    values = [
        number
        for own, spread in zip(numbers, tape.spread, strict=True)
        for number in (0, 4 * own.offset, 4 * own.stride, own.places, spread)
    ]
    values += [number for index in range(len(constants)) for number in (1, 4 * index, 0, 1, -1)]
    owners = {name: index for index, (name, _) in enumerate(sweep.parameters)}
    sums: list[int] = []
    totals = 0
    for (_, of, _), term, accumulator in zip(sweep.sums, tape.terms, tape.accumulators, strict=True):
        own = numbers[owners[of]]
        # One number for all: what the lanes have is added in the end, so that no sum waits for the one before it.
        is_one = sweep.granularities[of] == "layer"
        shape = (lanes, lanes, vectors) if is_one else (table.channels, own.places, rows)
        sums += [term, accumulator, *shape, int(is_one), totals, 4 * own.offset, 4 * own.stride]
        totals += 8 * shape[1]
    arrays = array.array("q", values), array.array("q", sums)
    kept += [*arrays, constants, taped]
    values_at = 8 * len(tape.words)
    totals_at = values_at + 8 * (len(values) // 5)
    registers_at = _rounded(totals_at + totals, _LINE)
    named = dict(zip(sweep.elements, tape.inputs, strict=True)) | dict(
        zip((name for name, _ in sweep.outputs), tape.outputs, strict=True)
    )
    words = array.array("q", [
        rows * columns, columns, size, tape.instructions, tape.once, len(values) // 5, len(sweep.sums), values_at,
        totals_at, registers_at, taped.address, *(one.buffer_info()[0] for one in (*arrays, constants)),
        *_registers(table.inputs, named), *_registers(outputs, named),
    ])  # fmt: skip
    return words, registers_at + size * tape.registers


def _registers(names: Sequence[str], known: Mapping[str, int]) -> list[int]:
    found = [known.get(name, -1) for name in names]
    return found + [-1] * (_FOUR - len(found))


def _rounded(size: int, unit: int) -> int:
    """`size`, rounded up to a whole multiple of `unit`."""
    return -(-size // unit) * unit
