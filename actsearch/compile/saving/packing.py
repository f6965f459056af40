"""Codes of 1 to 4 bits in bytes."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def packed_size(count: int, bits: int) -> int:
    """Bytes that `count` codes of `bits` bits take."""
    together, width = _group(bits)
    return -(-count // together) * width


def pack(codes: Tensor, bits: int) -> Tensor:
    """1-D codes, whole numbers below 2**`bits` of any dtype, as bytes: `packed_size` of them, uint8.

    Codes that lie in one byte are not neighbours but the same place of equal parts of `codes`, so that packing takes a
    few operations on whole rows.
    """
    together, width = _group(bits)
    rows = -(-codes.numel() // together)
    whole = torch.zeros(together * rows, dtype=torch.int32 if width > 1 else torch.uint8, device=codes.device)
    whole[: codes.numel()] = codes
    parts = whole.view(together, rows)
    total = parts[0].clone()
    for index in range(1, together):
        total |= parts[index] << (index * bits)
    if width == 1:
        return total
    return torch.stack([(total >> (8 * byte)) & 255 for byte in range(width)]).to(torch.uint8).view(-1)


def unpack(packed: Tensor, count: int, bits: int, dtype: torch.dtype) -> Tensor:
    """The `count` codes that were packed, 1-D, in `dtype`."""
    together, width = _group(bits)
    total = packed
    if width > 1:
        lanes = packed.view(width, -1).to(torch.int32)
        total = lanes[0].clone()
        for byte in range(1, width):
            total |= lanes[byte] << (8 * byte)
    whole = torch.empty(together, total.numel(), dtype=dtype, device=packed.device)
    for index in range(together):
        whole[index] = (total >> (index * bits)) & (2**bits - 1)
    return whole.view(-1)[:count]


def _group(bits: int) -> tuple[int, int]:
    """How many codes fill bytes without a rest, and how many bytes these are."""
    together = 8 // math.gcd(8, bits)
    return together, together * bits // 8
