"""Powers: with literal exponents, which become products and roots, and with any others."""

from __future__ import annotations

from actsearch.grammar.expression import Constant, Expression, call
from actsearch.grammar.operators.operator import Operator

_ZERO, _ONE = Constant(0.0), Constant(1.0)


def _power_rule(base: Expression, exponent: Expression) -> tuple[Expression, ...]:
    n = _exponent(exponent)
    return (n * base ** (n - 1) if n != 1 else _ONE, _ZERO)


def _lower_power(base: Expression, exponent: Expression) -> Expression:
    n = _exponent(exponent)
    if n < 0:
        return 1 / _lower_power(base, Constant(-n))
    if n == int(n):
        return _repeated_squares(base, int(n))
    if n == int(n) + 0.5:
        root = call.sqrt(base)
        return root if n == 0.5 else _repeated_squares(base, int(n)) * root
    # log(0) * n = -inf gives 0, as it must; a negative base gives NaN, as torch does.
    return call.exp(n * call.log(base))


def _repeated_squares(base: Expression, exponent: int) -> Expression:
    if exponent == 0:
        return _ONE
    if exponent == 1:
        return base
    half = _repeated_squares(base, exponent // 2)
    return half * half * base if exponent % 2 else half * half


def _exponent(exponent: Expression) -> float:
    if not isinstance(exponent, Constant):
        raise TypeError("the exponent of `power` is a literal number")
    return exponent.value


def _lower_pow(base: Expression, exponent: Expression) -> Expression:
    """`base` to any power by exp and log, which multiply the error of the logarithm by its product with the exponent.

    A base that is not positive has integer powers only; of the other ones the logarithm makes NaN.
    """
    whole = call.floor(exponent)
    size = call.where(call.equal(whole, exponent), call.abs(base), base)
    # 0*log(0) and infinity*log(1) are NaN, where the power is 1.
    is_one = call.maximum(call.equal(exponent, 0), call.equal(size, 1))
    power = call.where(is_one, 1, call.exp(exponent * call.log(size)))
    # Not 1 for infinity, from which infinity is subtracted here.
    is_odd = call.equal(whole - 2 * call.floor(0.5 * whole), 1)
    return call.where(call.greater(0, base) * is_odd, -power, power)


def _pow_rule(base: Expression, exponent: Expression) -> tuple[Expression, ...]:
    # As in torch: what does not depend on the base has no slope even where the base is 0, and neither has 0 to a power
    # that is not negative by the power.
    is_flat = call.equal(base, 0) * call.maximum(call.greater(exponent, 0), call.equal(exponent, 0))
    return (
        call.where(call.equal(exponent, 0), 0, exponent * call.pow(base, exponent - 1)),
        call.where(is_flat, 0, call.pow(base, exponent) * call.log(base)),
    )


POWERS = (
    Operator(
        name="power", arity=2, torch="pow", lower=_lower_power,
        closed=lambda _, u, n: u**n,
        derivative=_power_rule,
        test_range=(0.1, 4.0),
    ),
    Operator(
        # Both arguments may be anything. An exponent that `power` may have makes one of it in normal form.
        name="pow", arity=2, torch="pow", lower=_lower_pow,
        closed=lambda _, u, v: u**v,
        derivative=_pow_rule,
        test_range=(0.1, 4.0),
    ),
    Operator(
        name="square", torch="square", parity="even", lower=lambda u: u * u,
        closed=lambda _, u: u**2,
        derivative=lambda u: (2 * u,),
    ),
    Operator(
        name="reciprocal", torch="reciprocal", parity="odd", lower=lambda u: 1 / u,
        closed=lambda _, u: 1 / u,
        derivative=lambda u: (-((1 / u) * (1 / u)),),
        test_range=(0.1, 6.0),
    ),
    Operator(
        name="sqrt", torch="sqrt", primitive=True,
        closed=lambda s, u: s.sqrt(u),
        derivative=lambda u: (0.5 / call.sqrt(u),),
        test_range=(0.1, 9.0),
    ),
)  # fmt: skip
