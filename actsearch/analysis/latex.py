r"""Expressions as LaTeX, the way a paper writes them: `x\,\sigma(\beta x)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from actsearch.grammar.canonical import split_coefficient
from actsearch.grammar.expression import Apply, Constant, Expression, Input, Parameter, call
from actsearch.grammar.operators.gaussian import DENSITY, ROOT_HALF
from actsearch.grammar.statistic import statistic_of

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
"""How tightly a text holds together."""
_Text = tuple[str, int]

_GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
})  # fmt: skip
_NUMBERS: Mapping[float, str] = {
    math.pi: r"\pi", math.e: "e", DENSITY: r"\frac{1}{\sqrt{2\pi}}", ROOT_HALF: r"\frac{1}{\sqrt{2}}",
    2 / math.sqrt(math.pi): r"\frac{2}{\sqrt{\pi}}", math.sqrt(2): r"\sqrt{2}",
}  # fmt: skip
_FUNCTIONS: Mapping[str, str] = {
    "sigmoid": r"\sigma", "normal_cdf": r"\Phi", "log": r"\ln", "tanh": r"\tanh", "sinh": r"\sinh", "cosh": r"\cosh",
    "sin": r"\sin", "cos": r"\cos", "atan": r"\arctan", "asinh": r"\operatorname{arsinh}", "maximum": r"\max",
    "minimum": r"\min", **{f"bspline{degree}": f"B_{degree}" for degree in range(4)},
}  # fmt: skip
_MEANINGS: Mapping[str, Callable[..., Expression]] = {
    "silu": lambda u: u * call.sigmoid(u),
    "gelu": lambda u: u * call.normal_cdf(u),
    "mish": lambda u: u * call.tanh(call.softplus(u)),
    "softplus": lambda u: call.log(1 + call.exp(u)),
    "logsigmoid": lambda u: call.log(call.sigmoid(u)),
    "softsign": lambda u: u / (1 + call.abs(u)),
    "log1p": lambda u: call.log(1 + u),
    "expm1": lambda u: call.exp(u) + -1,
    "relu": lambda u: call.maximum(0, u),
    "subtract": lambda a, b: a + -1 * b,
    "square": lambda u: u**2,
    "sqrt": lambda u: u**0.5,
    "reciprocal": lambda u: u**-1,
    "divide": lambda a, b: a * b**-1,
    "negative": lambda u: -1 * u,
}  # fmt: skip


def latex(expression: Expression) -> str:
    """LaTeX for math mode; operators without a sign of their own are set as names."""
    return _print(expression)[0]


def _print(node: Expression) -> _Text:
    if isinstance(node, Constant):
        return _number(node.value)
    if isinstance(node, Parameter):
        return _name(node.name, node.index), _ATOM
    if isinstance(node, Input):
        return ("x" if node.name == "x" else rf"\mathrm{{{node.name}}}"), _ATOM
    if not isinstance(node, Apply):
        return rf"\mathrm{{{type(node).__name__}}}", _ATOM
    name, arguments = node.operator, node.arguments
    if name in _PRINTERS:
        return _PRINTERS[name](*arguments)
    if name in _MEANINGS:
        return _print(_MEANINGS[name](*arguments))
    return _function(name, arguments), _ATOM


def _in(node: Expression, tightness: int) -> str:
    """The text of a node, in parentheses where it does not hold together as tightly as asked."""
    text, own = _print(node)
    return text if own >= tightness else rf"\left({text}\right)"


def _function(name: str, arguments: Sequence[Expression]) -> str:
    inner = ", ".join(_print(argument)[0] for argument in arguments)
    tall = any(mark in inner for mark in (r"\frac", "^", r"\sum", r"\begin"))
    brackets = (r"\left(", r"\right)") if tall else ("(", ")")
    return f"{_symbol(name)}{brackets[0]}{inner}{brackets[1]}"


def _symbol(name: str) -> str:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    statistic = statistic_of(name)
    if statistic is not None:
        axis = rf"{statistic.axis} {statistic.groups}" if statistic.groups else statistic.axis
        return rf"\operatorname{{{statistic.kind}}}_{{\mathrm{{{axis}}}}}"
    return rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"


def _name(name: str, index: int | None) -> str:
    letters = name.rstrip("0123456789").rstrip("_")
    digits = name[len(letters) :].lstrip("_")
    if letters in _GREEK:
        text = rf"\{letters}"
    else:
        text = letters if len(letters) == 1 else rf"\mathrm{{{letters.replace('_', chr(92) + '_')}}}"
    below = ",".join([*([digits] if digits else []), *([str(index)] if index is not None else [])])
    return f"{text}_{{{below}}}" if below else text


def _number(value: float) -> _Text:
    if value < 0:
        return f"-{_number(-value)[0]}", _SUM
    if value in _NUMBERS:
        return _NUMBERS[value], _ATOM
    fraction = Fraction(value).limit_denominator(12)
    if fraction.denominator > 1 and fraction.numerator / fraction.denominator == value and fraction.numerator <= 12:
        return rf"\frac{{{fraction.numerator}}}{{{fraction.denominator}}}", _ATOM
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    if exponent:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", _PRODUCT
    return mantissa, _ATOM


def _add(*terms: Expression) -> _Text:
    text = ""
    # A sum that begins with a minus is read last.
    for term in sorted(terms, key=lambda term: split_coefficient(term)[0] < 0):
        coefficient, rest = split_coefficient(term)
        if coefficient < 0:
            turned = rest if coefficient == -1 else Constant(-coefficient) * rest
            shown = _in(Constant(-coefficient) if rest == Constant(1.0) else turned, _PRODUCT)
            text += f" - {shown}" if text else f"-{shown}"
        else:
            text += f" + {_in(term, _PRODUCT)}" if text else _in(term, _PRODUCT)
    return text, _SUM


def _multiply(*factors: Expression) -> _Text:
    """A product, what has a negative exponent below one fraction bar."""
    above: list[Expression] = []
    below: list[Expression] = []
    sign = 1.0
    for factor in _flat(factors):
        if isinstance(factor, Constant) and factor.value < 0:
            sign, factor = -sign, Constant(-factor.value)  # noqa: PLW2901
        if isinstance(factor, Apply) and factor.operator == "power" and _exponent(factor) < 0:
            base, n = factor.arguments[0], -_exponent(factor)
            below.append(base if n == 1 else base**n)
        elif factor != Constant(1.0):
            above.append(factor)
    minus = "-" if sign < 0 else ""
    if below:
        return f"{minus}\\frac{{{_joined(above)}}}{{{_joined(below)}}}", _SUM if minus else _PRODUCT
    return f"{minus}{_joined(above)}", _SUM if minus else _PRODUCT


def _joined(factors: Sequence[Expression]) -> str:
    if len(factors) < 2:
        return _print(factors[0])[0] if factors else "1"
    text = ""
    for factor in factors:
        # A number with a power of ten needs no parentheses in front.
        part = _print(factor)[0] if not text and isinstance(factor, Constant) else _in(factor, _POWER)
        if not text:
            text = part
        elif part[0].isdigit() or (part.startswith(r"\frac{1}") and text[-1].isdigit()):
            text += rf" \cdot {part}"
        else:
            text += f" {part}" if _is_short(factor) or part.startswith(r"\left(") else rf"\,{part}"
    return text


def _is_short(factor: Expression) -> bool:
    return isinstance(factor, Input | Parameter)


def _flat(factors: Sequence[Expression]) -> list[Expression]:
    found: list[Expression] = []
    for factor in factors:
        parts = factor.arguments if isinstance(factor, Apply) and factor.operator == "multiply" else (factor,)
        found += _flat(parts) if parts != (factor,) else [factor]
    return found


def _exponent(power: Apply) -> float:
    exponent = power.arguments[1]
    return exponent.value if isinstance(exponent, Constant) else 1.0


def _power(base: Expression, exponent: Expression) -> _Text:
    n = exponent.value if isinstance(exponent, Constant) else math.nan
    if n < 0:
        return _multiply(base**exponent.value if isinstance(exponent, Constant) else base)
    if n == 0.5:
        return rf"\sqrt{{{_print(base)[0]}}}", _ATOM
    return f"{_in(base, _ATOM)}^{{{_print(exponent)[0]}}}", _POWER


def _exp(u: Expression) -> _Text:
    return f"e^{{{_print(u)[0]}}}", _POWER


def _abs(u: Expression) -> _Text:
    return rf"\left|{_print(u)[0]}\right|", _ATOM


def _floor(u: Expression) -> _Text:
    return rf"\lfloor {_print(u)[0]} \rfloor", _ATOM


def _greater(a: Expression, b: Expression) -> _Text:
    return rf"\mathbf{{1}}[{_print(a)[0]} > {_print(b)[0]}]", _ATOM


def _equal(a: Expression, b: Expression) -> _Text:
    return rf"\mathbf{{1}}[{_print(a)[0]} = {_print(b)[0]}]", _ATOM


def _where(condition: Expression, a: Expression, b: Expression) -> _Text:
    if isinstance(condition, Apply) and condition.operator in {"greater", "equal"}:
        left, right = condition.arguments
        sign = ">" if condition.operator == "greater" else "="
        test = f"{_print(left)[0]} {sign} {_print(right)[0]}"
    else:
        test = rf"{_print(condition)[0]} \neq 0"
    first, second = _print(a)[0], _print(b)[0]
    return rf"\begin{{cases}} {first} & {test} \\ {second} & \text{{else}} \end{{cases}}", _ATOM


_PRINTERS: Mapping[str, Callable[..., _Text]] = {
    "add": _add, "multiply": _multiply, "power": _power, "exp": _exp, "abs": _abs, "floor": _floor,
    "greater": _greater, "equal": _equal, "where": _where,
}  # fmt: skip
