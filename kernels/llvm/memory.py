"""Vectors of elements in memory: loads and stores of every dtype."""

from __future__ import annotations

from typing import Any


def load(vector: Any, element: Any, at: str) -> tuple[list[str], str]:
    """Lines that load a vector of `element`s (`types.Element`), and the name of what is computed with."""
    stored = f"<{vector.lanes} x {element.memory}>"
    if element.memory == element.computed:
        return [f"  {at}_value = load {stored}, ptr {at}, align {element.bytes}"], f"{at}_value"
    read = f"  {at}_read = load {stored}, ptr {at}, align {element.bytes}"
    if element.memory == "half":
        return [read, f"  {at}_value = fpext {stored} {at}_read to {vector.text}"], f"{at}_value"
    return [
        read,
        f"  {at}_wide = zext {stored} {at}_read to {vector.integer}",
        f"  {at}_bits = shl {vector.integer} {at}_wide, {vector.integers(16)}",
        f"  {at}_value = bitcast {vector.integer} {at}_bits to {vector.text}",
    ], f"{at}_value"


def store(vector: Any, element: Any, value: str, at: str) -> list[str]:
    """Lines that round `value` to `element` and store it."""
    stored = f"<{vector.lanes} x {element.memory}>"
    if element.memory == element.computed:
        return [f"  store {stored} {value}, ptr {at}, align {element.bytes}"]
    if element.memory == "half":
        rounded = [f"  {at}_rounded = fptrunc {vector.text} {value} to {stored}"]
    else:
        rounded = _rounded_to_bfloat16(vector, at, value)
    return [*rounded, f"  store {stored} {at}_rounded, ptr {at}, align {element.bytes}"]


def _rounded_to_bfloat16(vector: Any, at: str, value: str) -> list[str]:
    """To nearest, ties to even, as integers: processors with an instruction for it are few."""
    integer = vector.integer
    return [
        f"  {at}_word = bitcast {vector.text} {value} to {integer}",
        f"  {at}_high = lshr {integer} {at}_word, {vector.integers(16)}",
        f"  {at}_odd = and {integer} {at}_high, {vector.integers(1)}",
        f"  {at}_half = add {integer} {at}_odd, {vector.integers(0x7FFF)}",
        f"  {at}_sum = add {integer} {at}_word, {at}_half",
        f"  {at}_nan = fcmp uno {vector.text} {value}, zeroinitializer",
        f"  {at}_kept = select {vector.mask} {at}_nan, {integer} {vector.integers(0x7FC00000)}, {integer} {at}_sum",
        f"  {at}_cut = lshr {integer} {at}_kept, {vector.integers(16)}",
        f"  {at}_rounded = trunc {integer} {at}_cut to <{vector.lanes} x i16>",
    ]
