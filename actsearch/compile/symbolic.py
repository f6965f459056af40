"""The sympy stage: derivatives, shared subexpressions and closed forms.

Every operator enters sympy as a function of its own whose derivative is the operator's, so sympy neither rewrites
`sigmoid` into exponentials nor turns a kink into a Dirac delta. Sums, products, quotients and integer powers are
sympy's, which is where it finds what to merge and to share.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from actsearch.compile.derive import product_of, sum_of
from actsearch.errors import UnsupportedError
from actsearch.grammar.expression import INPUTS, Apply, Constant, Expression, Input, Parameter, fold, parameter_names
from actsearch.grammar.operators import OPERATORS

_NATIVE = frozenset({"add", "subtract", "multiply", "divide", "negative", "square", "reciprocal"})
_LARGEST_DENOMINATOR = 1024
_INPUT_NAMES = frozenset(INPUTS)


def to_sympy(expression: Expression, leaves: Mapping[Expression, Any] | None = None) -> Any:
    """`expression` in sympy, with real symbols and one opaque function per operator.

    `leaves` says what other sympy expression than its symbol an input or parameter becomes.
    """
    known = leaves or {}

    def leaf(node: Any) -> Any:
        return known[node] if node in known else number(node.value) if isinstance(node, Constant) else symbol(node)

    def apply(name: str, arguments: list[Any]) -> Any:
        if name in _NATIVE or (name == "power" and arguments[1].is_Integer):
            return OPERATORS[name].closed(sympy, *arguments)
        return opaque(name)(*arguments)

    return fold(expression, leaf, apply)


def from_sympy(value: Any, leaves: Mapping[Any, Expression] | None = None) -> Expression:
    """The expression that `to_sympy` would turn into `value`; `leaves` says what its symbols stand for."""
    known = leaves or {}
    if value in known:
        return known[value]
    if value.is_Symbol:
        return Input(value.name) if value.name in _INPUT_NAMES else Parameter(value.name)
    if _is_number(value):
        return _constant(value)
    if value.is_Add:
        return sum_of(from_sympy(term, known) for term in value.args)
    if value.is_Mul:
        return _quotient([(from_sympy(base, known), exponent) for base, exponent in map(_split, value.args)])
    if value.is_Pow:
        base, exponent = _split(value)
        return _quotient([(from_sympy(base, known), exponent)])
    name = type(value).__name__
    if name not in OPERATORS:
        raise TypeError(f"sympy made {name} of an expression, which is no operator")
    return Apply(name, tuple(from_sympy(argument, known) for argument in value.args))


def sympy_gradients(expression: Expression) -> tuple[Any, Any, dict[str, Any]]:
    """In sympy: `expression`, its derivative by `x`, and those by each parameter, by name."""
    value = to_sympy(expression)
    by_parameter = {name: sympy.diff(value, symbol(Parameter(name))) for name in parameter_names(expression)}
    return value, sympy.diff(value, symbol(INPUTS["x"])), by_parameter


def share(values: Iterable[Any], elements: Iterable[str] = INPUTS) -> list[Expression]:
    """The sympy expressions `values` as ours, what they have in common being the same subtree in all of them.

    `elements` are the names of the inputs.
    """
    replacements, reduced = sympy.cse(list(values), symbols=sympy.numbered_symbols("_shared", real=True))
    leaves: dict[Any, Expression] = {symbol(Input(name)): Input(name) for name in elements}
    for name, definition in replacements:
        leaves[name] = from_sympy(definition, leaves)
    return [from_sympy(value, leaves) for value in reduced]


def formula(expression: Expression) -> Any:
    """The closed form of `expression` in sympy's own functions: for documents, proofs and `latex`."""

    def leaf(node: Any) -> Any:
        return number(node.value) if isinstance(node, Constant) else symbol(node)

    return fold(expression, leaf, lambda name, arguments: OPERATORS[name].closed(sympy, *arguments))


def latex(expression: Expression) -> str:
    """The closed form of `expression` as LaTeX."""
    return str(sympy.latex(formula(expression)))


def symbol(node: Input | Parameter) -> Any:
    """The symbol of an input or parameter."""
    # A parameter may have the name of an input that users cannot write, such as `upstream`.
    is_written = isinstance(node, Parameter) or node.name in _INPUT_NAMES
    return sympy.Symbol(node.name if is_written else f"_{node.name}", real=True)


def number(value: float) -> Any:
    """A float as sympy's number: exact where it is a simple fraction, because `1.0*x` is not `x` there."""
    if abs(value) == math.pi:
        return sympy.pi if value > 0 else -sympy.pi
    fraction = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    exact = abs(value) < 1e15 and fraction.numerator / fraction.denominator == value
    return sympy.Rational(fraction.numerator, fraction.denominator) if exact else sympy.Float(value, 17)


@functools.cache
def opaque(name: str) -> Any:
    """The sympy function that stands for the operator `name`."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        places = [
            _constant(argument) if _is_number(argument) else Parameter(f"_{index}")
            for index, argument in enumerate(self.args)
        ]
        partial = OPERATORS[name].derivative(*places)[argindex - 1]
        return to_sympy(partial, dict(zip(places, self.args, strict=True)))

    def choice_derivative(self: Any, variable: Any) -> Any:
        condition, chosen, otherwise = self.args
        pieces = sympy.diff(chosen, variable), sympy.diff(otherwise, variable)
        return pieces[0] if pieces[0] == pieces[1] else opaque(name)(condition, *pieces)

    body = {"_eval_derivative": choice_derivative} if name == "where" else {"fdiff": fdiff}
    return type(name, (sympy.Function,), {"nargs": OPERATORS[name].arity, **body})


def _is_number(value: Any) -> bool:
    """Whether it is a number by itself, and not a function of numbers."""
    return bool(value.is_Number or value.is_NumberSymbol or value is sympy.zoo)


def _constant(value: Any) -> Constant:
    if not value.is_finite:
        raise UnsupportedError("the expression divides by zero or overflows wherever it is evaluated.")
    return Constant(float(value))


def _split(value: Any) -> tuple[Any, int]:
    """Base and integer exponent of a factor."""
    if value.is_Pow:
        if not value.exp.is_Integer:
            raise TypeError(f"sympy made the power {value} of an expression, whose exponent is no integer")
        return value.base, int(value.exp)
    return value, 1


def _quotient(factors: list[tuple[Expression, int]]) -> Expression:
    """The product of powers of expressions, those with negative exponents below one fraction bar."""
    above = product_of(_raised(base, exponent) for base, exponent in factors if exponent > 0)
    below = product_of(_raised(base, -exponent) for base, exponent in factors if exponent < 0)
    return above if below == Constant(1.0) else Apply("divide", (above, below))


def _raised(base: Expression, exponent: int) -> Expression:
    return base if exponent == 1 else Apply("power", (base, Constant(float(exponent))))
