"""The normal form of an expression: equal functions get equal trees as far as cheap rules can see.

Sums and products are flattened, sorted and collected (`x + x` is `2*x`, `x * x` is `x**2`); subtraction, division,
negation, squares and reciprocals become sums, products and powers; parity moves signs outwards; `maximum(u, 0)` is
`relu(u)`; `std`, `rms` and `min` are said by `var`, `mean` and `max`, from which constant factors come out. `detach`
hides what is in it: nothing cancels or collects through it. Functions that differ at isolated removable points only
count as equal (`x/x` is 1). What these rules miss, the numeric fingerprint catches.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable
from operator import itemgetter

from actsearch.grammar.combinators import COMBINATORS
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, as_expression, walk
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import Statistic, said_by_others, statistic_of

_Key = tuple[int, int, str, tuple["_Key", ...]]
_ZERO, _ONE, _MINUS_ONE = Constant(0.0), Constant(1.0), Constant(-1.0)
_INFINITY = Apply("power", (_ZERO, _MINUS_ONE))
"""What `1 / 0` says, and every constant power beyond float64."""
_LARGEST_EXPONENT = 64
_UNORDERED = frozenset({"add", "multiply", "maximum", "minimum"})
_REMEMBERED = 1 << 15
"""Nodes whose normal form or order is kept: what a search proposes is made of the same parts over and over."""


def canonical(expression: Expression) -> Expression:
    """The normal form of `expression`; applying it twice changes nothing more."""
    # By identity, which asks for no hash; what is equal but not the same object meets in `_built`.
    done: dict[int, Expression] = {}

    def visit(node: Expression) -> Expression:
        if not isinstance(node, Apply):
            return _leaf(node)
        found = done.get(id(node))
        if found is None:
            found = done[id(node)] = _built(node.operator, *map(visit, node.arguments))
        return found

    return visit(expression)


def build(operator: str, arguments: Iterable[Expression]) -> Expression:
    """Normal form of an operator applied to arguments in normal form."""
    return _built(operator, *arguments)


def normal_again(expression: Expression) -> Expression:
    """`canonical` of an expression whose arguments are in normal form."""
    return _built(expression.operator, *expression.arguments) if isinstance(expression, Apply) else _leaf(expression)


@functools.lru_cache(maxsize=_REMEMBERED)
def _built(operator: str, *arguments: Expression) -> Expression:
    statistic = statistic_of(operator)
    if statistic:
        return _one(_statistic(statistic, *arguments))
    if operator in COMBINATORS:
        return canonical(COMBINATORS[operator].expand(*arguments))
    rule = _RULES.get(operator)
    return _one(rule(*arguments) if rule else _apply(operator, *arguments))


@functools.lru_cache(maxsize=_REMEMBERED)
def _one(expression: Expression) -> Expression:
    """The same object for equal expressions: whoever looks one up compares objects, not trees."""
    return expression


@functools.lru_cache(maxsize=_REMEMBERED)
def sort_key(expression: Expression) -> _Key:
    """Order of terms and factors: constants, parameters (blind to names), inputs, then applications by size."""
    if not isinstance(expression, Apply):
        return _leaf_key(expression)
    keys = tuple(map(sort_key, expression.arguments))
    return (3, 1 + sum(key[1] for key in keys), expression.operator, keys)


def is_ordered_by_names(expression: Expression) -> bool:
    """Whether the order of some terms or factors of a normal form hangs on what its parameters are called."""
    for node in walk(expression):
        if type(node) is Apply and node.operator in _UNORDERED:
            # Terms are ordered without their coefficients.
            parts = (
                [split_coefficient(part)[1] for part in node.arguments] if node.operator == "add" else node.arguments
            )
            keys = list(map(sort_key, parts))
            if any(one == other for one, other in itertools.pairwise(keys)):
                return True
    return False


def split_coefficient(expression: Expression) -> tuple[float, Expression]:
    """`(c, e)` with `expression = c * e` and c the constant factor in front (1 if there is none)."""
    if isinstance(expression, Constant):
        return expression.value, _ONE
    if isinstance(expression, Apply) and expression.operator == "multiply":
        first, *rest = expression.arguments
        if isinstance(first, Constant):
            return first.value, rest[0] if len(rest) == 1 else Apply("multiply", tuple(rest))
    return 1.0, expression


@functools.lru_cache(maxsize=_REMEMBERED)
def _leaf(node: Expression) -> Expression:
    # Also -0.0, which equals it.
    return _ZERO if node == _ZERO else node


def _leaf_key(node: Expression) -> _Key:
    if isinstance(node, Constant):
        return (0, 1, f"{node.value:+.17e}", ())
    if isinstance(node, Parameter):
        return (1, 1, "" if node.index is None else f"{node.index:03}", ())
    return (2, 1, getattr(node, "name", ""), ())


def _order(expressions: Iterable[Expression]) -> list[Expression]:
    keyed = sorted(((sort_key(e), e) for e in expressions), key=itemgetter(0))
    if any(one == other for (one, _), (other, _) in itertools.pairwise(keyed)):
        # Ties (equal but for parameters' names) are broken by the names, so that the order is total.
        keyed.sort(key=lambda pair: (pair[0], repr(pair[1])))
    return [expression for _, expression in keyed]


def _add(*terms: Expression) -> Expression:
    coefficients: dict[Expression, float] = {}
    for term in terms:
        outer, inner = split_coefficient(term)
        parts = inner.arguments if isinstance(inner, Apply) and inner.operator == "add" else (inner,)
        for part in parts:
            coefficient, rest = split_coefficient(part)
            coefficients[rest] = coefficients.get(rest, 0.0) + outer * coefficient
    kept = {rest: c for rest, c in coefficients.items() if c != 0}
    if not all(math.isfinite(c) for c in kept.values()):
        return Apply("add", tuple(_order(_flat("add", terms))))
    constant = kept.pop(_ONE, 0.0)
    if not kept:
        return Constant(constant)
    if len(kept) == 1 and not constant:
        (rest, coefficient), = kept.items()  # fmt: skip
        return _scale(coefficient, rest)
    # A factor common to all terms comes out, so that c*f is seen to be a multiple of f.
    common = _common_factor([*kept.values(), constant] if constant else list(kept.values()))
    ordered = [_scale(kept[rest] / common, rest) for rest in _order(kept)]
    total = Apply("add", (*ordered, Constant(constant / common)) if constant else tuple(ordered))
    return total if common == 1 else _scale(common, total)


def _common_factor(coefficients: list[float]) -> float:
    first = coefficients[0]
    same = all(abs(c) == abs(first) for c in coefficients)
    return math.copysign(first, 1.0 if any(c > 0 for c in coefficients) else -1.0) if same else 1.0


def _scale(coefficient: float, expression: Expression) -> Expression:
    """`coefficient * expression`, the second in normal form."""
    own, rest = split_coefficient(expression)
    product = own * coefficient
    if not math.isfinite(product):
        return Apply("multiply", (Constant(coefficient), expression))
    if rest == _ONE or product == 0:
        return Constant(product + 0.0)
    if product == 1:
        return rest
    factors = rest.arguments if isinstance(rest, Apply) and rest.operator == "multiply" else (rest,)
    return Apply("multiply", (Constant(product), *factors))


def _multiply(*factors: Expression) -> Expression:
    coefficient = 1.0
    exponents: dict[Expression, int] = {}
    parts = _flat("multiply", factors)
    for part in parts:
        if isinstance(part, Constant):
            coefficient *= part.value
        else:
            base, exponent = _base_and_exponent(part)
            exponents[base] = exponents.get(base, 0) + exponent
    if not math.isfinite(coefficient):
        return _too_large(parts)
    counts = [(base, step) for base, total in exponents.items() for step in _steps(total)]
    powers = [_power(base, Constant(float(n))) for base, n in counts]
    if any(power != _raise(base, n) for power, (base, n) in zip(powers, counts, strict=True)):
        return _multiply(Constant(coefficient), *powers)
    if not powers or coefficient == 0:
        return Constant(coefficient + 0.0)
    ordered = _order(powers)
    return _scale(coefficient, ordered[0] if len(ordered) == 1 else Apply("multiply", tuple(ordered)))


def _too_large(factors: Iterable[Expression]) -> Expression:
    """The product of `factors` whose constants do not fit into one; the first of those carries the sign."""
    ordered = _order(factors)
    constants = [factor.value for factor in ordered if isinstance(factor, Constant)]
    first, *rest = sorted(map(abs, constants))
    signed = (Constant(first * math.prod(math.copysign(1.0, c) for c in constants)), *map(Constant, rest))
    return Apply("multiply", (*signed, *(factor for factor in ordered if not isinstance(factor, Constant))))


def _flat(operator: str, expressions: Iterable[Expression]) -> list[Expression]:
    parts: list[Expression] = []
    for expression in expressions:
        is_nested = isinstance(expression, Apply) and expression.operator == operator
        parts.extend(expression.arguments if is_nested else (expression,))  # type: ignore[attr-defined]
    return parts


def _steps(exponent: int) -> list[int]:
    """`exponent` as a sum of exponents that text can say."""
    whole, rest = divmod(abs(exponent), _LARGEST_EXPONENT)
    sign = 1 if exponent > 0 else -1
    return [sign * _LARGEST_EXPONENT] * whole + [sign * rest] * (rest > 0)


def _base_and_exponent(factor: Expression) -> tuple[Expression, int]:
    if isinstance(factor, Apply) and factor.operator == "power":
        base, exponent = factor.arguments
        if isinstance(exponent, Constant) and exponent.value == int(exponent.value):
            return base, int(exponent.value)
        if isinstance(exponent, Constant) and exponent.value < 0:
            return Apply("power", (base, Constant(-exponent.value))), -1
    return factor, 1


def _raise(base: Expression, exponent: int) -> Expression:
    if exponent == -1 and isinstance(base, Apply) and base.operator == "power":
        root, own = base.arguments
        if isinstance(own, Constant) and own.value != int(own.value):
            return Apply("power", (root, Constant(-own.value)))
    return base if exponent == 1 else Apply("power", (base, Constant(float(exponent))))


def _power(base: Expression, exponent: Expression) -> Expression:
    n = exponent.value if isinstance(exponent, Constant) else math.nan
    if n != int(n) if math.isfinite(n) else True:
        return _ONE if base == _ONE else Apply("power", (base, exponent))
    count = int(n)
    if count == 0:
        return _ONE
    if isinstance(base, Constant):
        return _constant_power(base.value, count)
    if isinstance(base, Apply) and base.operator == "multiply":
        return _multiply(*(_power(factor, exponent) for factor in base.arguments))
    inner, own = _base_and_exponent(base)
    if isinstance(inner, Constant):
        return _power(inner, Constant(float(own * count)))
    if inner != base and abs(own * count) <= _LARGEST_EXPONENT:
        return _raise(inner, own * count)
    if count % 2 == 0 and isinstance(base, Apply) and base.operator == "abs":
        return _power(base.arguments[0], exponent)
    return _raise(base, count)


def _pow(base: Expression, exponent: Expression) -> Expression:
    if isinstance(exponent, Constant) and abs(exponent.value) <= _LARGEST_EXPONENT:
        return _power(base, exponent)
    return Apply("pow", (base, exponent))


def _constant_power(base: float, exponent: int) -> Expression:
    try:
        return Constant(base**exponent + 0.0)
    except (OverflowError, ZeroDivisionError):
        return _scale(-1.0 if base < 0 and exponent % 2 else 1.0, _INFINITY)


def _apply(operator: str, *arguments: Expression) -> Expression:
    """An operator without a rule of its own: only its parity is used."""
    parity = OPERATORS[operator].parity
    if parity:
        (argument,) = arguments
        coefficient, rest = split_coefficient(argument)
        if coefficient < 0 and rest != _ONE:
            positive = Apply(operator, (_scale(-coefficient, rest),))
            return positive if parity == "even" else _scale(-1.0, positive)
    return Apply(operator, arguments)


def _relu(argument: Expression) -> Expression:
    coefficient, rest = split_coefficient(argument)
    if rest == _ONE:
        return Constant(max(coefficient, 0.0))
    if isinstance(rest, Apply) and rest.operator in ("relu", "abs", "exp", "sigmoid", "softplus") and coefficient > 0:
        return argument
    unit = rest if coefficient > 0 else _scale(-1.0, rest)
    return _scale(abs(coefficient), Apply("relu", (unit,)))


def _abs(argument: Expression) -> Expression:
    coefficient, rest = split_coefficient(argument)
    if rest == _ONE:
        return Constant(abs(coefficient))
    plain = isinstance(rest, Apply) and (
        rest.operator in ("relu", "abs", "exp", "sigmoid", "softplus")
        or (rest.operator == "power" and _base_and_exponent(rest)[1] % 2 == 0)
    )
    return _scale(abs(coefficient), rest if plain else Apply("abs", (rest,)))


def _extremum(operator: str, a: Expression, b: Expression) -> Expression:
    if a == b:
        return a
    if isinstance(a, Constant) and isinstance(b, Constant):
        return Constant(max(a.value, b.value) if operator == "maximum" else min(a.value, b.value))
    if _ZERO in (a, b):
        other = b if a == _ZERO else a
        return _relu(other) if operator == "maximum" else _scale(-1.0, _relu(_scale(-1.0, other)))
    return Apply(operator, tuple(_order((a, b))))


def _log(argument: Expression) -> Expression:
    if isinstance(argument, Apply) and argument.operator == "exp":
        return argument.arguments[0]
    return Apply("log", (argument,))


def _statistic(statistic: Statistic, argument: Expression, *level: Expression) -> Expression:
    """A statistic by those of the normal form, of an argument without a constant factor where that may come out."""
    said = said_by_others(statistic, argument)
    if said:
        return canonical(said)
    if argument == _ZERO:
        return _ZERO
    if isinstance(argument, Constant) and statistic.kind != "sum":
        return _ZERO if statistic.kind == "var" else argument
    coefficient, rest = split_coefficient(argument)
    outside, inside = _factors(statistic, coefficient)
    if outside == 0 or not math.isfinite(outside):
        return statistic(argument, *level)
    return _scale(outside, statistic(_scale(inside, rest), *level))


def _factors(statistic: Statistic, coefficient: float) -> tuple[float, float]:
    """What of a constant factor comes out of a statistic, and what stays inside."""
    if statistic.kind in ("mean", "sum"):
        return coefficient, 1.0
    if statistic.kind in ("max", "quantile"):
        return abs(coefficient), math.copysign(1.0, coefficient)
    # A running variance starts at 1 whatever the factor, so only the sign makes no difference to it.
    return (1.0, abs(coefficient)) if statistic.axis == "batch" else (coefficient * coefficient, 1.0)


def _detach(argument: Expression) -> Expression:
    is_detached = isinstance(argument, Apply) and argument.operator == "detach"
    moves = any(not isinstance(node, Constant | Apply) for node in walk(argument))
    return Apply("detach", (argument,)) if moves and not is_detached else argument


_RULES: dict[str, Callable[..., Expression]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, _scale(-1.0, b)),
    "negative": lambda u: _scale(-1.0, u),
    "multiply": _multiply,
    "divide": lambda a, b: _multiply(a, _power(b, _MINUS_ONE)),
    "reciprocal": lambda u: _power(u, _MINUS_ONE),
    "power": _power,
    "pow": _pow,
    "square": lambda u: _power(u, as_expression(2)),
    "relu": _relu,
    "abs": _abs,
    "maximum": lambda a, b: _extremum("maximum", a, b),
    "minimum": lambda a, b: _extremum("minimum", a, b),
    "log": _log,
    "detach": _detach,
}
