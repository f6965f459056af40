"""Expressions as readable torch: `x * torch.sigmoid(beta * x)`."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.compile.fractions import with_fractions
from actsearch.compile.printing import (
    ATOM,
    COMPARISON,
    INFIX,
    POWER,
    TERM,
    Language,
    Rule,
    Text,
    identifiers,
    literal,
    print_program,
)
from actsearch.compile.program import lower
from actsearch.grammar.expression import Expression, input_names, parameter_names
from actsearch.grammar.operators import OPERATORS

_RESERVED = ("x", "torch", "float")


def function(expression: Expression, parameters: Sequence[str], *, name: str, scalars: Sequence[str] = ()) -> str:
    """Source of the function `name` of x, the parameters (tensors that broadcast against x) and the scalars."""
    names = identifiers([*parameters, *scalars], _RESERVED)
    program = lower({"y": with_fractions(expression)}, kept=frozenset(TORCH.rules))
    lines, (result,) = print_program(program, TORCH, names)
    if not input_names(expression):
        filled = "torch.full_like(x, {})" if not parameter_names(expression) else "({}) * torch.ones_like(x)"
        result = filled.format(result)
    tensors = ["x", *(names[parameter] for parameter in parameters)]
    arguments = [f"{tensor}: torch.Tensor" for tensor in tensors] + [f"{names[scalar]}: float" for scalar in scalars]
    body = "\n".join(f"    {line}" for line in [*lines, f"return {result}"])
    return f"def {name}({', '.join(arguments)}) -> torch.Tensor:\n{body}\n"


def _number(value: float) -> str:
    text = literal(value)
    return text.removesuffix(".0") if "e" not in text else text


def _tensor(operand: Text) -> str:
    """An operand for a function that takes tensors only."""
    return f"torch.full_like(x, {operand.source})" if operand.is_number else operand.source


def _call(name: str) -> Rule:
    return lambda *operands: Text(f"torch.{name}({', '.join(map(_tensor, operands))})")


def _comparison(sign: str) -> Rule:
    return lambda a, b: Text(f"{a.within(TERM)} {sign} {b.within(TERM)}", COMPARISON)


def _indicator(sign: str) -> Rule:
    return lambda a, b: Text(f"({_comparison(sign)(a, b).source}).to(x.dtype)")


def _where(condition: Text, a: Text, b: Text) -> Text:
    # Two numbers alone would give torch's default dtype.
    chosen = _tensor(a) if b.is_number else a.source
    return Text(f"torch.where({condition.source}, {chosen}, {b.source})")


_CONDITIONS = {"greater": _comparison(">"), "equal": _comparison("==")}

TORCH = Language(
    name="torch",
    rules={
        **{operator.name: _call(operator.torch) for operator in OPERATORS.values() if operator.torch is not None},
        **INFIX,
        "power": lambda base, exponent: Text(f"{base.within(ATOM)}**{exponent.within(POWER)}", POWER),
        "greater": _indicator(">"),
        "equal": _indicator("=="),
        "where": _where,
    },
    conditions=_CONDITIONS,
    number=_number,
)
