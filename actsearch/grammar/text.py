"""Text of expressions: a safe parser (Python's `ast`, a whitelist, bounded) and a printer that it reads back."""

from __future__ import annotations

import ast
import functools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from actsearch.errors import ParseError, unknown_name
from actsearch.grammar.combinators import COMBINATORS
from actsearch.grammar.expression import INPUTS, Apply, Constant, Expression, Parameter, X, walk
from actsearch.grammar.operators import OPERATORS, Operator
from actsearch.grammar.parameter import LONGEST_ARRAY, array_lengths
from actsearch.grammar.statistic import KINDS, MOST_GROUPS, Statistic, check_nesting, named

LONGEST_TEXT = 4096
DEEPEST = 48
LARGEST_EXPONENT = 64
LONGEST_NAME = 32
_CONSTANTS = {"pi": math.pi, "e": math.e}
_ALIASES = {"max": "maximum", "min": "minimum"}
_TIGHT, _PRODUCT, _SUM = 3, 2, 1
_CONSTRUCTS = {
    ast.Lambda: "a lambda", ast.Attribute: "an attribute", ast.Compare: "a comparison", ast.IfExp: "a condition",
    ast.List: "a list", ast.Tuple: "a tuple", ast.Dict: "a dict", ast.JoinedStr: "a string", ast.Starred: "a star",
    ast.NamedExpr: "an assignment", ast.BoolOp: "and, or", ast.UnaryOp: "not, ~",
}  # fmt: skip


def read(text: str, lengths: Mapping[str, int] | None = None) -> Expression:
    """The expression that `text` says, as written (not in normal form), but for sums and products, which are flat.

    The name of an array alone, as in `pwpoly(x, c)`, stands for all its entries where it is the only coefficient;
    `lengths` says how many the arrays have. Any other expression is itself, and so is `+c`.

    Raises `ParseError` if `text` is not in the language, longer than 4096 characters or deeper than 48 levels, if its
    statistics stand more than two deep in each other, or if a parameter is an array at one place only.
    """
    if len(text) > LONGEST_TEXT:
        raise ParseError(f"{_excerpt(text)} has {len(text)} characters, at most {LONGEST_TEXT} are read: shorten it.")
    if not text.isascii():
        # Python reads a full-width x as x, so that two texts that look different would be one.
        strange = next(character for character in text if not character.isascii())
        raise ParseError(f"in {_excerpt(text)}: the character {strange!a} is not ASCII.")
    if not text.strip():
        raise ParseError("the expression is empty: write one such as 'x * sigmoid(x)'.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on how it would have been written better.
            tree = ast.parse(text.strip(), mode="eval")
    except (RecursionError, MemoryError):
        raise ParseError(f"{_excerpt(text)} is no expression: it is nested too deep.") from None
    except (SyntaxError, ValueError) as error:
        # Which of the two says that there is a null byte depends on Python's version.
        reason = error.msg.split(". ")[0].rstrip("?") if isinstance(error, SyntaxError) else str(error)
        raise ParseError(f"{_excerpt(text)} is no expression: {reason}.") from None
    reader = _Reader(text, lengths or {})
    expression = reader.visit(tree.body, 0)
    reader.check(expression)
    return expression


def write(expression: Expression) -> str:
    """Text of `expression`; `read` gives the same tree back for one in normal form, up to `canonical`."""
    return _write(expression)[0]


class _Reader:
    def __init__(self, text: str, lengths: Mapping[str, int]) -> None:
        self._text = text
        self._lengths = lengths

    def check(self, expression: Expression) -> None:
        """Refuse what only the whole tree shows."""
        try:
            check_nesting(expression)
            array_lengths(expression)
        except ParseError as error:
            raise self._named(error) from None

    def visit(self, node: ast.expr, depth: int) -> Expression:
        if depth > DEEPEST:
            raise ParseError(f"{_excerpt(self._text)} is nested deeper than {DEEPEST} levels: simplify it.")
        # Signs are no levels: the normal form of minimum(u, 0) is -relu(-u).
        is_negative = False
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            is_negative ^= isinstance(node.op, ast.USub)
            node = node.operand
        value = self._unsigned(node, depth)
        return _negated(value) if is_negative else value

    def _unsigned(self, node: ast.expr, depth: int) -> Expression:
        if isinstance(node, ast.Constant):
            return self._number(node.value)
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.BinOp):
            return self._binary(node, depth)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.Subscript):
            return self._entry(node)
        kind = _CONSTRUCTS.get(type(node), f"the construct {type(node).__name__}")
        return self._refuse(f"{kind} is not part of the language")

    def _number(self, value: object) -> Constant:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(f"{_excerpt(repr(value))} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._refuse("a number is too large for float64")
        return Constant(number)

    def _name(self, name: str) -> Expression:
        if name in INPUTS:
            return INPUTS[name]
        if name in _CONSTANTS:
            return Constant(_CONSTANTS[name])
        if name.lower() in ("nan", "inf", "infinity"):
            self._refuse(f"{name} is not allowed")
        if name in OPERATORS or name in _ALIASES or name in COMBINATORS:
            self._refuse(f"{name} is an operator, write {name}(...)")
        if len(name) > LONGEST_NAME or name.startswith("_"):
            self._refuse(f"a parameter's name is at most {LONGEST_NAME} ASCII letters, digits and inner underscores")
        return Parameter(name)

    def _entry(self, node: ast.Subscript) -> Parameter:
        """The entry of an array parameter."""
        if not isinstance(node.value, ast.Name):
            self._refuse("only a parameter has entries, as in a[0]")
        name, index = node.value.id, getattr(node.slice, "value", None)
        if name in KINDS and not isinstance(node.slice, ast.Constant):
            self._refuse(f"a statistic is called, as in {name}[last](...)")
        parameter = self._name(name)
        if not isinstance(parameter, Parameter):
            self._refuse(f"{name} is no parameter, and only a parameter has entries, as in a[0]")
        if type(index) is not int or not 0 <= index < LONGEST_ARRAY:
            self._refuse(f"an entry of {name} is named by a literal integer from 0 to {LONGEST_ARRAY - 1}")
        return Parameter(name, index)

    def _binary(self, node: ast.BinOp, depth: int) -> Expression:
        if isinstance(node.op, ast.Pow):
            return self._power(self.visit(node.left, depth + 1), self.visit(node.right, depth + 1))
        if isinstance(node.op, ast.BitXor):
            self._refuse("^ is not power, write **")
        if isinstance(node.op, ast.Add | ast.Sub):
            terms = [(self.visit(term, depth + 1), minus) for term, minus in _operands(node, ast.Add, ast.Sub)]
            return _sum(terms)
        if isinstance(node.op, ast.Mult | ast.Div):
            factors = [(self.visit(factor, depth + 1), below) for factor, below in _operands(node, ast.Mult, ast.Div)]
            return _quotient(factors)
        return self._refuse("only + - * / ** stand between operands")

    def _power(self, base: Expression, exponent: Expression) -> Expression:
        if not _is_exponent(exponent):
            self._refuse(f"an exponent is a literal number of at most {LARGEST_EXPONENT}; write pow(u, a) for u**a")
        return Apply("power", (base, exponent))

    def _call(self, node: ast.Call, depth: int) -> Expression:
        if isinstance(node.func, ast.Subscript) and isinstance(node.func.value, ast.Name):
            return self._statistic(self._statistic_of(node.func.value.id, node.func.slice), node, depth)
        if not isinstance(node.func, ast.Name):
            self._refuse("only an operator can be called")
        name = _ALIASES.get(node.func.id, node.func.id)
        if name in KINDS:
            self._refuse(f"{name} is a statistic, which says over what it is taken, as in {name}[last](...)")
        if name not in OPERATORS and name not in COMBINATORS:
            raise self._named(ParseError(str(unknown_name("operator", name, [*OPERATORS, *COMBINATORS]))))
        if node.keywords:
            self._refuse("operators take no keywords")
        arguments = [self.visit(argument, depth + 1) for argument in node.args]
        if name == "power":
            self._refuse("write ** or pow(u, v) for power")
        if name == "pow" and len(arguments) == 2 and _is_exponent(arguments[1]):
            return Apply("power", tuple(arguments))
        if name in COMBINATORS:
            return self._combined(name, arguments)
        operator = OPERATORS[name]
        if operator.most_coefficients and len(arguments) == 2 and isinstance(node.args[1], ast.Name):
            arguments = self._with_entries(operator, *arguments)
        if not operator.takes(len(arguments)):
            self._refuse(f"{name} takes {operator.signature}, not {len(arguments)}")
        for index, order in operator.orders.items():
            given = arguments[index]
            if not isinstance(given, Constant) or not order.takes(given.value):
                self._refuse(f"{order} in {name}")
        return Apply(name, tuple(arguments))

    def _combined(self, name: str, arguments: list[Expression]) -> Apply:
        combinator = COMBINATORS[name]
        if len(arguments) != combinator.arity:
            self._refuse(f"{name} takes {combinator.signature}, not {len(arguments)}")
        if any(INPUTS["gate"] in walk(argument) for argument in arguments):
            self._refuse(f"{name} takes a function of x alone")
        if any(X in walk(argument) for argument in arguments[1:]):
            self._refuse(f"the second argument of {name} is a number or a parameter")
        return Apply(name, tuple(arguments))

    def _with_entries(self, operator: Operator, argument: Expression, only: Expression) -> list[Expression]:
        """The arguments with all entries of an array where its name is the `only` coefficient."""
        if not isinstance(only, Parameter):
            return [argument, only]
        name = only.name
        if name not in self._lengths:
            self._refuse(
                f"{operator.name} takes all entries of the array {name}: give {name} as a list of numbers, as in "
                f"{name}=[0.1, 0.2, 0.3], or write +{name} for one coefficient"
            )
        return [argument, *(Parameter(name, index) for index in range(self._lengths[name]))]

    def _statistic_of(self, kind: str, axis: ast.expr) -> Statistic:
        """The statistic before the parentheses: `rms`, and `last` or `group:32`."""
        groups = None
        if isinstance(axis, ast.Slice) and axis.lower is not None and axis.step is None:
            groups = getattr(axis.upper, "value", None)
            if type(groups) is not int or not 1 <= groups <= MOST_GROUPS:
                self._refuse(f"the number of groups is a literal integer from 1 to {MOST_GROUPS}")
            axis = axis.lower
        if kind in KINDS and not isinstance(axis, ast.Name):
            self._refuse(f"{kind} is taken over one axis: batch, instance, layer, group:N or last")
        try:
            return named(kind, getattr(axis, "id", ""), groups)
        except ParseError as error:
            raise self._named(error) from None

    def _statistic(self, statistic: Statistic, node: ast.Call, depth: int) -> Expression:
        if node.keywords:
            self._refuse("statistics take no keywords")
        if len(node.args) != statistic.arity:
            self._refuse(f"{statistic.name} takes {statistic.arity} argument(s), not {len(node.args)}")
        arguments = [self.visit(argument, depth + 1) for argument in node.args]
        for level in arguments[1:]:
            if not isinstance(level, Constant) or not 0 <= level.value <= 1:
                self._refuse("the level of a quantile is a literal number from 0 to 1")
        return statistic(*arguments)

    def _named(self, error: ParseError) -> ParseError:
        return ParseError(f"in {_excerpt(self._text)}: {error}")

    def _refuse(self, reason: str) -> NoReturn:
        raise ParseError(f"in {_excerpt(self._text)}: {reason}.")


def _operands(
    node: ast.expr, plain: type[ast.operator], inverse: type[ast.operator]
) -> Iterator[tuple[ast.expr, bool]]:
    """What stands between + and - (or * and /), left to right, and whether it counts inversely."""
    stack = [(node, False)]
    while stack:
        node, is_inverted = stack.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, (plain, inverse)):
            stack.append((node.right, is_inverted ^ isinstance(node.op, inverse)))
            stack.append((node.left, is_inverted))
        else:
            yield node, is_inverted


def _sum(terms: Sequence[tuple[Expression, bool]]) -> Expression:
    if len(terms) == 2 and terms[1][1]:
        return terms[0][0] - terms[1][0]
    return Apply("add", tuple(_negated(term) if is_negative else term for term, is_negative in terms))


def _quotient(factors: Sequence[tuple[Expression, bool]]) -> Expression:
    above = _product([factor for factor, is_below in factors if not is_below])
    below = [factor for factor, is_below in factors if is_below]
    return above / _product(below) if below else above


def _product(factors: Sequence[Expression]) -> Expression:
    return factors[0] if len(factors) == 1 else Apply("multiply", tuple(factors))


def _is_exponent(node: Expression) -> bool:
    return isinstance(node, Constant) and abs(node.value) <= LARGEST_EXPONENT


def _negated(inner: Expression) -> Expression:
    return Constant(-inner.value) if isinstance(inner, Constant) else -inner


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@functools.lru_cache(maxsize=1 << 14)
def _write(node: Expression) -> tuple[str, int]:
    """Text of a node and how tightly it binds."""
    if isinstance(node, Constant):
        return _write_number(node.value)
    if isinstance(node, Parameter) and node.index is not None:
        return f"{node.name}[{node.index}]", _TIGHT
    if not isinstance(node, Apply):
        return node.name, _TIGHT  # type: ignore[attr-defined]
    if node.operator in ("add", "subtract"):
        return _write_sum(node), _SUM
    if node.operator in ("multiply", "divide", "power", "negative"):
        return _write_product(node)
    written = [write(argument) for argument in node.arguments]
    if _is_one_coefficient(node):
        # Without the sign it would be the name of an array, which stands for all its entries.
        written[1] = f"+{written[1]}"
    return f"{node.operator}({', '.join(written)})", _TIGHT


def _is_one_coefficient(node: Apply) -> bool:
    operator = OPERATORS.get(node.operator)
    if operator is None or not operator.most_coefficients or len(node.arguments) != 2:
        return False
    coefficient = node.arguments[1]
    return isinstance(coefficient, Parameter) and coefficient.index is None


def _write_number(value: float) -> tuple[str, int]:
    for name, constant in _CONSTANTS.items():
        if abs(value) == constant:
            return (name, _TIGHT) if value > 0 else (f"-{name}", _SUM)
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return text, _TIGHT if value >= 0 else _SUM


def _write_sum(node: Apply) -> str:
    if node.operator == "subtract":
        left, right = node.arguments
        return f"{write(left)} - {_parenthesised(right, _PRODUCT)}"
    terms = [write(term) for term in node.arguments]
    # `1 - beta` reads better than `-beta + 1`; the normal form puts the order back.
    front = next((index for index, term in enumerate(terms) if not term.startswith("-")), 0)
    terms.insert(0, terms.pop(front))
    return terms[0] + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:])


def _write_product(node: Apply) -> tuple[str, int]:
    above: list[Expression] = []
    below: list[Expression] = []
    sign = _collect_factors(node, above, below)
    numerator = " * ".join(_write_factor(factor) for factor in above) or "1"
    text = numerator
    if below:
        written = " * ".join(_write_factor(factor) for factor in below)
        text = f"{numerator} / {written if len(below) == 1 else f'({written})'}"
    return (f"-{text}", _SUM) if sign < 0 else (text, _PRODUCT)


def _collect_factors(node: Expression, above: list[Expression], below: list[Expression]) -> int:
    """Factors above and below the fraction bar, and the sign of the whole."""
    if isinstance(node, Apply) and node.operator == "negative":
        return -_collect_factors(node.arguments[0], above, below)
    if isinstance(node, Apply) and node.operator == "multiply":
        return math.prod(_collect_factors(factor, above, below) for factor in node.arguments)
    if isinstance(node, Apply) and node.operator == "divide":
        return _collect_factors(node.arguments[0], above, below) * _collect_factors(node.arguments[1], below, above)
    if isinstance(node, Apply) and node.operator == "power":
        base, exponent = node.arguments
        # 0 below the fraction bar would make a 0 of what else is there.
        if isinstance(exponent, Constant) and exponent.value < 0 and base != Constant(0.0):
            below.append(base if exponent.value == -1 else Apply("power", (base, Constant(-exponent.value))))
            return 1
    if isinstance(node, Constant) and node.value < 0:
        if node.value != -1:
            above.append(Constant(-node.value))
        return -1
    above.append(node)
    return 1


def _write_factor(node: Expression) -> str:
    if isinstance(node, Apply) and node.operator == "power":
        base, exponent = node.arguments
        return f"{_parenthesised(base, _TIGHT, also_power=True)}**{_parenthesised(exponent, _TIGHT)}"
    return _parenthesised(node, _TIGHT)


def _parenthesised(node: Expression, needed: int, *, also_power: bool = False) -> str:
    text, binds = _write(node)
    is_power = isinstance(node, Apply) and node.operator == "power"
    if is_power and not also_power:
        return text
    return f"({text})" if binds < needed else text
