"""Codes of 1 to 4 bits in words of a whole number of bytes.

The codes of one word do not belong to neighbours but to the same place of equal parts, the planes, of all elements. So
packing is a sweep over all planes at once, and unpacking is part of what a sweep over one plane computes: whole vectors
all the way, and no code is ever there as a number of its own. A word is a whole number below 2**24, which float32 has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from actsearch.grammar.expression import Expression, Input, Parameter, X, call, substitute

WORD, SHIFT = Input("word"), Parameter("shift")
"""A word, and 2 to the power of minus the bits below the code in it."""


@dataclass(frozen=True, slots=True)
class Words:
    """How `count` codes of `bits` bits are packed."""

    bits: int
    count: int

    @property
    def planes(self) -> int:
        """Codes in a word."""
        return 8 // math.gcd(8, self.bits)

    @property
    def rows(self) -> int:
        """Words, and elements of each plane but the last ones, which may be shorter or empty."""
        return -(-self.count // self.planes)

    @property
    def full(self) -> int:
        """Words to which each plane gives an element."""
        return max(0, self.count - (self.planes - 1) * self.rows)

    def place(self, plane: int, low: int, high: int) -> slice:
        """Which elements have their codes in the words from `low` to before `high`, as the code number `plane`."""
        start = min(plane * self.rows + low, self.count)
        return slice(start, min(plane * self.rows + high, (plane + 1) * self.rows, self.count))

    def of_short(self, x: Tensor) -> Tensor:
        """The elements of 1-D `x` for the words that are not full, a row a plane; the last one stands for none."""
        rows = torch.arange(self.planes, device=x.device)[:, None] * self.rows
        return x[(rows + torch.arange(self.full, self.rows, device=x.device)).clamp(max=self.count - 1)]

    def shift(self, plane: int) -> float:
        """The value of SHIFT for a plane."""
        return 2.0 ** -(plane * self.bits)


def element(plane: int) -> str:
    """What the elements of a plane are called in a sweep that packs."""
    return f"x{plane}"


def packed(code: Expression, words: Words) -> Expression:
    """A word of the codes, given as an expression of x, of an element of each plane."""
    total: Expression = substitute(code, {X: Input(element(0))})
    for plane in range(1, words.planes):
        total = total + 2.0 ** (plane * words.bits) * substitute(code, {X: Input(element(plane))})
    return total


def unpacked(bits: int) -> Expression:
    """The code that SHIFT says of WORD."""
    rest = call.floor(WORD * SHIFT)
    return rest - 2.0**bits * call.floor(2.0**-bits * rest)


def to_bytes(words: Tensor, bits: int) -> Tensor:
    """Words as bytes, uint8, of the shape (bytes a word, words)."""
    width = Words(bits, 0).planes * bits // 8
    if width == 1:
        return words.to(torch.uint8).unsqueeze(0)
    whole = words.to(torch.int32)
    return torch.stack([(whole >> (8 * byte)).bitwise_and_(255).to(torch.uint8) for byte in range(width)])


def from_bytes(kept: Tensor, dtype: torch.dtype) -> Tensor:
    """The words that such bytes are, in `dtype`."""
    total = kept[0].to(dtype)
    for byte in range(1, kept.shape[0]):
        total += kept[byte].to(dtype) * 256.0**byte
    return total
