"""Element types of tensors, and the vectors that a kernel computes with."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import torch


class Vector:
    """`lanes` numbers of one LLVM type, computed together; its attributes are LLVM types but for `bits`, of a lane."""

    def __init__(self, scalar: str, lanes: int) -> None:
        self.scalar, self.lanes = scalar, lanes
        self.bits = {"float": 32, "double": 64}[scalar]
        self.text = f"<{lanes} x {scalar}>"
        self.integer = f"<{lanes} x i{self.bits}>"
        self.mask = f"<{lanes} x i1>"

    def number(self, value: float) -> str:
        """A constant with `value` in every lane, rounded to the type."""
        return f"splat ({self.scalar} {_literal(self.bits, value)})"

    def integers(self, value: int) -> str:
        """A constant with the integer `value` in every lane."""
        return f"splat (i{self.bits} {value})"


@functools.lru_cache(maxsize=4096)
def _literal(bits: int, value: float) -> str:
    """`value` as LLVM writes it: the bits of a double, rounded to `bits` first."""
    if bits == 32:
        try:
            (value,) = struct.unpack("<f", struct.pack("<f", value))
        except OverflowError:
            value = math.copysign(math.inf, value)
    (pattern,) = struct.unpack("<Q", struct.pack("<d", value))
    return f"0x{pattern:016X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """How a tensor's elements lie in memory, and the type they are computed in."""

    name: str
    memory: str
    computed: str
    bytes: int


ELEMENTS: Mapping[torch.dtype, Element] = {
    torch.float32: Element(name="fp32", memory="float", computed="float", bytes=4),
    torch.float64: Element(name="fp64", memory="double", computed="double", bytes=8),
    torch.bfloat16: Element(name="bf16", memory="i16", computed="float", bytes=2),
    torch.float16: Element(name="fp16", memory="half", computed="float", bytes=2),
}
"""The dtypes that kernels take. float16 needs a processor that converts it, which every x86-64 with AVX2 and every
64-bit ARM does."""


def of(vector: Vector) -> Element:
    """The element that vectors compute with."""
    return ELEMENTS[torch.float32 if vector.scalar == "float" else torch.float64]


COMPUTED: Mapping[str, torch.dtype] = {"float": torch.float32, "double": torch.float64}
"""What a tensor of numbers that kernels compute with has for a dtype."""
