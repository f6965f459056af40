"""exp and log of vectors: float32 inlined, float64 by the C library."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

# exp(r) = 1 + r + r*r*P(r), |r| <= ln(2)/2: error of P 3.9e-9. log(1+f) = f - f*f/2 + f*f*f*Q(f), sqrt(1/2) <= 1+f <=
# sqrt(2): error of Q 6.6e-8. `benchmarks/fit_polynomials.py` fits both.
EXP = (0.5, 0.16666667, 0.04166653, 0.008333245, 0.0013928739, 0.00019908755)
LOG = (
    0.3333333, -0.24999994, 0.200007, -0.16668047, 0.14249621, -0.124205284, 0.116751514, -0.11511358, 0.07037631,
)  # fmt: skip
# ln(2) in two parts, the first with so few bits that its multiples by an exponent are exact (Cody and Waite).
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_OF_TWO = frozenset({"pow"})
"""Functions of two arguments; all others have one."""
_ROUND = 12582912.0  # 1.5 * 2^23: adding it to |n| < 2^22 leaves n in the low bits.


class Emitter(Protocol):
    """What a rule needs of the writer: see `printer.Writer`."""

    vector: Any

    def add(self, line: str) -> str:
        """Emit `line`; the name of its value."""

    def number(self, value: float) -> str:
        """A constant."""

    def fma(self, a: str, b: str, c: str) -> str:
        """a*b + c, rounded once."""

    def arithmetic(self, operation: str, a: str, b: str) -> str:
        """`fadd`, `fsub`, `fmul` or `fdiv`."""

    def select(self, condition: str, a: str, b: str) -> str:
        """`a` where `condition`, else `b`."""

    def compare(self, predicate: str, a: str, b: str) -> str:
        """A comparison's mask."""


def exp(w: Emitter, u: str) -> str:
    """Exp in float32, below 1 ulp; 0 where the result would be no normal number."""
    v, i = w.vector.text, w.vector.integer
    shifted = w.fma(u, w.number(math.log2(math.e)), w.number(_ROUND))
    n = w.arithmetic("fsub", shifted, w.number(_ROUND))
    r = w.fma(n, w.number(-_LN2_HIGH), u)
    r = w.fma(n, w.number(-_LN2_LOW), r)
    p = _horner(w, EXP, r)
    square = w.arithmetic("fmul", r, r)
    p = w.arithmetic("fadd", w.fma(square, p, r), w.number(1.0))
    bits = w.add(f"bitcast {v} {shifted} to {i}")
    exponent = w.add(f"shl {i} {bits}, {w.vector.integers(23)}")
    mantissa = w.add(f"bitcast {v} {p} to {i}")
    scaled = w.add(f"add {i} {mantissa}, {exponent}")
    result = w.add(f"bitcast {i} {scaled} to {v}")
    too_large = w.compare("ogt", u, w.number(88.72283))
    result = w.select(too_large, w.number(math.inf), result)
    too_small = w.compare("olt", u, w.number(-87.33654))
    return w.select(too_small, w.number(0.0), result)


def log(w: Emitter, u: str) -> str:
    """Log in float32, below 1 ulp."""
    v, i = w.vector.text, w.vector.integer
    is_small = w.compare("olt", u, w.number(2.0**-126))
    # Numbers below the normal range are scaled into it; so are 0 and negative ones, which are seen to at the end.
    normal = w.select(is_small, w.arithmetic("fmul", u, w.number(2.0**23)), u)
    bits = w.add(f"bitcast {v} {normal} to {i}")
    above = w.add(f"sub {i} {bits}, {w.vector.integers(0x3F3504F3)}")
    exponent = w.add(f"ashr {i} {above}, {w.vector.integers(23)}")
    back = w.add(f"shl {i} {exponent}, {w.vector.integers(23)}")
    mantissa = w.add(f"bitcast {i} {w.add(f'sub {i} {bits}, {back}')} to {v}")
    n = w.add(f"sitofp {i} {exponent} to {v}")
    n = w.arithmetic("fsub", n, w.select(is_small, w.number(23.0), w.number(0.0)))
    f = w.arithmetic("fsub", mantissa, w.number(1.0))
    square = w.arithmetic("fmul", f, f)
    tail = w.arithmetic("fmul", w.arithmetic("fmul", f, square), _horner(w, LOG, f))
    tail = w.fma(n, w.number(_LN2_LOW), tail)
    tail = w.fma(square, w.number(-0.5), tail)
    result = w.fma(n, w.number(_LN2_HIGH), w.arithmetic("fadd", f, tail))
    is_positive = w.compare("ogt", u, w.number(0.0))
    is_zero = w.compare("oeq", u, w.number(0.0))
    outside = w.select(is_zero, w.number(-math.inf), w.number(math.nan))
    result = w.select(is_positive, result, outside)
    return w.select(w.compare("oeq", u, w.number(math.inf)), u, result)


def of_vectors(name: str, lanes: int) -> str:
    """What the function `name` of float64 is called where the C library has it for vectors."""
    return f"_ZGVdN{lanes}{'vv' if name in _OF_TWO else 'v'}_{name}"


def library(name: str) -> Callable[..., str]:
    """The C library's function `name`, lane by lane, or of vectors where it has one for them."""

    def rule(w: Any, *operands: str) -> str:
        vector = w.vector
        if name in w.vectorised:
            symbol = of_vectors(name, vector.lanes)
            w.declarations.add(f"declare {vector.text} @{symbol}({', '.join([vector.text] * len(operands))})")
            given = ", ".join(f"{vector.text} {operand}" for operand in operands)
            return str(w.add(f"call {vector.text} @{symbol}({given})"))
        w.declarations.add(f"declare {vector.scalar} @{name}({', '.join([vector.scalar] * len(operands))})")
        result = "poison"
        for lane in range(vector.lanes):
            of_lane = [w.add(f"extractelement {vector.text} {operand}, i32 {lane}") for operand in operands]
            given = ", ".join(f"{vector.scalar} {one}" for one in of_lane)
            value = w.add(f"call {vector.scalar} @{name}({given})")
            result = w.add(f"insertelement {vector.text} {result}, {vector.scalar} {value}, i32 {lane}")
        return result

    return rule


def _horner(w: Emitter, coefficients: tuple[float, ...], variable: str) -> str:
    result = w.number(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = w.fma(result, variable, w.number(coefficient))
    return result
