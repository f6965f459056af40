"""Tapes of many activations on the slices of one tensor, in one native call; see README.md."""

from __future__ import annotations

import array
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.backend import sibling
from actsearch.compile.derive import derive
from actsearch.compile.population.slots import BACKWARD, FORWARD
from actsearch.compile.stages import Staged
from actsearch.compile.sweep import Sweep, gradient_name, vjp
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import Input

DRIVER = sibling(__file__, "driver")
MACHINE = sibling(__file__, "machine")
OPERATIONS = sibling(__file__, "operations")
TAPE = sibling(__file__, "tape")
TYPES = sibling(__file__, "types")
BLOCK = 512
"""Elements of a block, or as many rows of channels as have at most that number, and at least one: the registers of most
tapes then fit into a cache of 32 KB, and starting an operation costs little against what it does."""
_FEW = 1 << 14
"""Elements below which handing out work costs more than it brings."""
_SCRATCH, _PARAMETERS, _SUMS, _INPUTS, _OUTPUTS = 8, 9, 10, 12, 16
"""Positions of addresses in the table."""
_MOST = 4
"""Inputs and outputs that there is room for in the table."""
_LINE, _APART = 64, 1024
"""Bytes of a cache line, and what registers are whole multiples of apart. A processor takes a load for one of what has
just been stored where both addresses end in the same 12 bits: an addition then took 4 ns a vector, not 0.7."""


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


class Tapes:
    """The tapes of one structure, each written when it is first asked for, the forward at once."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._written = {FORWARD: Taped(sweep)}

    def __getitem__(self, kind: int) -> Taped:
        if kind not in self._written:
            self._written[kind] = Taped(vjp(self._sweep) if kind == BACKWARD else _with_slope(self._sweep))
        return self._written[kind]


def _with_slope(sweep: Sweep) -> Sweep:
    """The forward of x with its derivative by x as another output."""
    ((name, value),) = sweep.outputs
    return replace(sweep, outputs=((name, value), (gradient_name("x"), derive(value, Input("x")))))


@dataclass(frozen=True, slots=True)
class Member:
    """An activation's tapes, and the values of its constants."""

    taped: Tapes
    constants: tuple[float, ...]


class Compiler:
    """Makes members; those of one structure share their tapes."""

    def __init__(self) -> None:
        self._taped: dict[Sweep, Tapes] = {}

    def member(self, staged: Staged) -> Member:
        """Raises `UnsupportedError` for statistics, draws and parameters that are not per layer or channel."""
        if staged.noise:
            raise UnsupportedError("a tape takes nothing that is drawn.")
        sweep = staged.sweep
        if sweep not in self._taped:
            self._taped[sweep] = Tapes(sweep)
        return Member(self._taped[sweep], tuple(value for _, value in staged.constants))

    def numbers(self, **options: int) -> Numbers:
        """See `Numbers`."""
        return Numbers(**options)

    def table(self, **options: Any) -> Table:
        """See `Table`."""
        return Table(**options)


@dataclass(slots=True, kw_only=True)
class Table:
    """What `kind` says of `members`, for slices of one shape, each member on `copies` of them.

    The forward, the backward, or the forward with the slope, all of whose members are functions of x alone.

    `numbers` has for each member that of each of its sweep's parameters.
    """

    members: Sequence[Member]
    kind: int
    copies: int
    numbers: Sequence[Sequence[Numbers]]
    channels: int
    elements: int
    inputs: tuple[str, ...]
    """Names of what a call is given: x, gate if some member reads it, upstream in a backward."""
    _lanes: int = field(init=False)
    _driver: Any = field(init=False)
    _words: array.array[int] = field(init=False)
    _bytes: int = 0
    _kept: list[Any] = field(default_factory=list)
    """Arrays whose addresses stand in others."""

    def __post_init__(self) -> None:
        self._lanes = MACHINE.machine().lanes(TYPES.ELEMENTS[torch.float32])
        self._driver = DRIVER.population_driver(self._lanes)
        places = [self._member(one, numbers) for one, numbers in zip(self.members, self.numbers, strict=True)]
        slices, add = len(self.members) * self.copies, OPERATIONS.operations().address["add", (False, False)]
        sizes = (slices, self.copies, 0, 0, self._bytes, self.elements, len(self.inputs), len(self._outputs))
        self._words = array.array("q", (*sizes, 0, 0, 0, add, *[0] * 2 * _MOST, *places))

    def run(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], parameters: Tensor, sums: Tensor | None) -> None:
        """Compute the outputs, and the sums of a backward, laid out like `parameters`; all contiguous, in float32."""
        slices = len(self.members) * self.copies
        threads = 1 if slices * self.elements < _FEW else min(torch.get_num_threads(), slices)
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

    @property
    def _outputs(self) -> tuple[str, ...]:
        if self.kind == BACKWARD:
            return tuple(map(gradient_name, self.inputs[:-1]))
        return ("y",) if self.kind == FORWARD else ("y", gradient_name("x"))

    def _member(self, member: Member, numbers: Sequence[Numbers]) -> int:
        """Write a member's part of the table; its address."""
        taped = member.taped[self.kind]
        sweep, tape = taped.sweep, taped.tape
        rows, columns = _block(sweep, self.channels)
        vectors = math.ceil(rows * columns / self._lanes)
        size = _rounded(4 * self._lanes * vectors, _APART)
        constants = array.array("f", (*member.constants, *tape.literals))
        values = [
            number
            for own, spread in zip(numbers, tape.spread, strict=True)
            for number in (0, 4 * own.offset, 4 * own.stride, own.places, spread)
        ]
        values += [number for index in range(len(constants)) for number in (1, 4 * index, 0, 1, -1)]
        sums, totals = self._sums(taped, numbers, rows, vectors)
        values_at = 8 * len(tape.words)
        totals_at = values_at + 8 * (len(values) // 5)
        registers_at = _rounded(totals_at + totals, _LINE)
        arrays = (taped.words, array.array("q", values), array.array("q", sums), constants)
        words = array.array("q", (
            rows * columns, columns, size, tape.instructions, tape.once, len(values) // 5, len(sweep.sums), values_at,
            totals_at, registers_at, *(one.buffer_info()[0] for one in arrays), *self._registers(taped),
        ))  # fmt: skip
        self._bytes = max(self._bytes, registers_at + size * tape.registers)
        self._kept += [*arrays, words]
        return words.buffer_info()[0]

    def _sums(self, taped: Taped, numbers: Sequence[Numbers], rows: int, vectors: int) -> tuple[list[int], int]:
        """What the table says of sums, and the bytes that their totals take."""
        sweep, tape = taped.sweep, taped.tape
        owners = {name: own for (name, _), own in zip(sweep.parameters, numbers, strict=True)}
        sums: list[int] = []
        totals = 0
        for (_, of, _), term, accumulator in zip(sweep.sums, tape.terms, tape.accumulators, strict=True):
            own, is_one = owners[of], sweep.granularities[of] == "layer"
            # Of one number for all each lane has a total, lest every addition wait for the one before it.
            columns, places, length = (
                (self._lanes, self._lanes, vectors) if is_one else (self.channels, own.places, rows)
            )
            sums += [term, accumulator, columns, places, length, is_one, totals, 4 * own.offset, 4 * own.stride]
            totals += 8 * places
        return sums, totals

    def _registers(self, taped: Taped) -> Iterator[int]:
        """Those of the population's inputs and outputs, -1 for what the tape does not read or write."""
        sweep, tape = taped.sweep, taped.tape
        known = dict(zip(sweep.elements, tape.inputs, strict=True))
        known |= dict(zip((name for name, _ in sweep.outputs), tape.outputs, strict=True))
        for names in (self.inputs, self._outputs):
            yield from (known.get(name, -1) for name in names)
            yield from [-1] * (_MOST - len(names))


def _block(sweep: Sweep, channels: int) -> tuple[int, int]:
    """Rows and columns of a block; rows are needed where parameters differ by channel."""
    if all(granularity == "layer" for _, granularity in sweep.parameters):
        return 1, BLOCK
    return max(1, BLOCK // channels), channels


def _rounded(size: int, unit: int) -> int:
    """`size`, rounded up to a whole multiple of `unit`."""
    return math.ceil(size / unit) * unit
