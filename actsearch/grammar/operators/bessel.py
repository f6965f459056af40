"""The modified Bessel functions of the first kind, scaled by exp(-|u|), of orders 0 and 1.

float64 has Chebyshev series on two pieces, float32 rationals and polynomials. `i0e_slope` is the derivative of `i0e`:
the difference of the two functions has lost log2(2|u|) of its binary digits. At 0, where it jumps from 1 to -1, it is
torch's 0.

Source: Abramowitz and Stegun (1964), 9.6.10, 9.6.26-9.6.28 and 9.7.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.grammar.expression import Expression, call
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.pieces import clenshaw
from actsearch.grammar.operators.polynomials import (
    BESSEL_SPLIT,
    I0E_FAR,
    I0E_NEAR_ABOVE,
    I0E_NEAR_BELOW,
    I0E_SLOPE_FAR,
    I0E_SLOPE_NEAR_ABOVE,
    I0E_SLOPE_NEAR_BELOW,
    I1E_FAR,
    I1E_NEAR_ABOVE,
    I1E_NEAR_BELOW,
    horner,
)

_SERIES_SPLIT = 8.0
# exp(-a)*I0(a) for 0 <= a <= 8, and the same times sqrt(a) for 0 <= 1/a <= 1/8; then exp(-a)*I1(a)/a and, again, that
# of I1 times sqrt(a): `benchmarks/fit_polynomials.py` prints all four.
_I0E_SERIES_NEAR = (
    0.6767952744094761, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764, 0.04930528423967071,
    -0.02373741480589947, 0.010546460394594998, -0.004324309995050576, 0.0016394756169413357, -0.0005763755745385824,
    0.00018850288509584165, -5.754195010082104e-05, 1.6448448070728896e-05, -4.4167383584587505e-06,
    1.1173875391201037e-06, -2.670793853940612e-07, 6.046995022541919e-08, -1.300025009986248e-08,
    2.6598237246823866e-09, -5.189795601635263e-10, 9.675809035373237e-11, -1.726826291441556e-11, 2.95505266312964e-12,
    -4.856446783111929e-13, 7.676185498604936e-14, -1.1685332877993451e-14, 1.715391285555133e-15,
    -2.431279846547955e-16, 3.3307945188222384e-17,
)  # fmt: skip
_I0E_SERIES_FAR = (
    0.8044904110141088, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06, 2.0489185894690638e-07,
    2.266668990498178e-08, 3.3962320257083865e-09, 4.94060238822497e-10, 1.1889147107846439e-11,
    -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12, 7.180124451383666e-13,
    3.8527783827421426e-13, 1.54008621752141e-14, -4.150569347287222e-14, -9.554846698828307e-15,
    3.8116806693526224e-15, 1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16,
    3.461222867697461e-17, 4.46562142029676e-17,
)  # fmt: skip
_I1E_SERIES_NEAR = (
    0.25258718644363365, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499, 0.024726449030626516,
    -0.010564084894626197, 0.004156422944312888, -0.0015135724506312532, 0.0005122859561685758, -0.00016176081582589674,
    4.781565107550054e-05, -1.3273163656039436e-05, 3.4702513081376785e-06, -8.568720264695455e-07,
    2.0032947535521353e-07, -4.445059128796328e-08, 9.381537386495773e-09, -1.8872497517228294e-09,
    3.625590281552117e-10, -6.663489723502027e-11, 1.1736186298890901e-11, -1.9839743977649436e-12,
    3.223793365945575e-13, -5.042185504727912e-14, 7.600684294735408e-15, -1.1055969477353862e-15,
    1.5536319577362005e-16, -2.111421214358166e-17,
)  # fmt: skip
_I1E_SERIES_FAR = (
    0.7785762350182801, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06, -2.512236237870209e-07,
    -2.6314688468895196e-08, -3.835380385964237e-09, -5.589743462196584e-10, -1.8974958123505413e-11,
    3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12, -7.198551776245908e-13,
    -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14, 1.0420276984128802e-14,
    -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16, 2.96262899764595e-16,
    -3.209525921993424e-17, -4.650305368489358e-17,
)  # fmt: skip


def _pieces(u: Expression, near: Sequence[float], far: Sequence[float]) -> tuple[Expression, Expression]:
    """The two Chebyshev series at a = |u|, the second over sqrt(a)."""
    a = call.abs(u)
    inner = call.minimum(a, _SERIES_SPLIT)
    outer = call.maximum(a, _SERIES_SPLIT)
    below = clenshaw(near, inner * (2 / _SERIES_SPLIT) - 1)
    return below, clenshaw(far, 2 * _SERIES_SPLIT / outer - 1) / call.sqrt(outer)


def _is_near(u: Expression, split: float) -> Expression:
    return call.greater(split, call.abs(u))


def _odd_far(u: Expression, far: Expression) -> Expression:
    return call.where(call.greater(0, u), -far, far)


def _i0e(u: Expression) -> Expression:
    return call.where(_is_near(u, _SERIES_SPLIT), *_pieces(u, _I0E_SERIES_NEAR, _I0E_SERIES_FAR))


def _i1e(u: Expression) -> Expression:
    near, far = _pieces(u, _I1E_SERIES_NEAR, _I1E_SERIES_FAR)
    return call.where(_is_near(u, _SERIES_SPLIT), u * near, _odd_far(u, far))


def _lower_i0e(u: Expression) -> Expression:
    a = call.abs(u)
    r = 1 / a
    near = horner(I0E_NEAR_ABOVE, a) / horner(I0E_NEAR_BELOW, a)
    return call.where(_is_near(u, BESSEL_SPLIT), near, call.sqrt(r) * horner(I0E_FAR, r))


def _lower_i1e(u: Expression) -> Expression:
    a = call.abs(u)
    r = 1 / a
    near = u * horner(I1E_NEAR_ABOVE, a) / horner(I1E_NEAR_BELOW, a)
    return call.where(_is_near(u, BESSEL_SPLIT), near, _odd_far(u, call.sqrt(r) * horner(I1E_FAR, r)))


def _lower_slope(u: Expression) -> Expression:
    a = call.abs(u)
    r = 1 / a
    near = horner(I0E_SLOPE_NEAR_ABOVE, a) / horner(I0E_SLOPE_NEAR_BELOW, a)
    size = call.where(_is_near(u, BESSEL_SPLIT), near, r * call.sqrt(r) * horner(I0E_SLOPE_FAR, r))
    return -call.sign(u) * size


def _i1e_over(u: Expression) -> Expression:
    return call.where(call.equal(u, 0), 0.5, call.i1e(u) / u)


def _i1e_derivative(u: Expression) -> tuple[Expression, ...]:
    # i0e - |i1e| - i1e/u, the first two without what they have in common; at 0 the slope of i0e is that of both sides.
    difference = call.where(call.equal(u, 0), 1, -(call.sign(u) * call.i0e_slope(u)))
    return (difference - _i1e_over(u),)


def _slope_derivative(u: Expression) -> tuple[Expression, ...]:
    s = call.sign(u)
    return (-2 * s * call.i0e_slope(u) - (2 * s * s - 1) * _i1e_over(u),)


BESSEL = (
    Operator(
        name="i0e", torch="special.i0e", definition=_i0e, lower=_lower_i0e, parity="even", kinks=(0.0,),
        closed=lambda s, u: s.exp(-s.Abs(u)) * s.besseli(0, u),
        derivative=lambda u: (call.i0e_slope(u),),
    ),
    Operator(
        name="i1e", torch="special.i1e", definition=_i1e, lower=_lower_i1e, parity="odd",
        closed=lambda s, u: s.exp(-s.Abs(u)) * s.besseli(1, u),
        derivative=_i1e_derivative,
    ),
    Operator(
        name="i0e_slope", definition=lambda u: call.i1e(u) - call.sign(u) * call.i0e(u), lower=_lower_slope,
        parity="odd", kinks=(0.0,),
        closed=lambda s, u: s.exp(-s.Abs(u)) * (s.besseli(1, u) - s.sign(u) * s.besseli(0, u)),
        derivative=_slope_derivative,
    ),
)  # fmt: skip
