"""Expressions as readable torch: `x * torch.sigmoid(beta * x)`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from actsearch.compile.backend import sibling
from actsearch.compile.fractions import with_fractions
from actsearch.compile.printing import (
    ATOM,
    COMPARISON,
    FACTOR,
    INFIX,
    LONGEST_INLINE,
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
from actsearch.grammar.expression import Expression, Input, Parameter, X
from actsearch.grammar.operators import OPERATORS

CALLS = sibling(__file__, "calls")
_RESERVED = ("x", "gate", "torch", "float", "channel_dim", "training")
_LONGEST_LINE, _INDENT = 120, " " * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a printed function takes, in that order: tensors that broadcast against x, numbers, and what it is told.

    `running` are the names under which running estimates stand in the expression, which begin with an underscore,
    because no parameter does.
    """

    name: str
    inputs: tuple[str, ...] = ("x",)
    parameters: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def source(expression: Expression, signature: Signature) -> str:
    """The function of `signature`, and after it those that it calls where torch has none; see `CALLS.as_calls`."""
    text = function(expression, signature)
    called = CALLS.functions(text, _operator)
    return "\n\n\n".join([text.rstrip(), *called]) + "\n"


def function(expression: Expression, signature: Signature, *, about: str = "") -> str:
    """Source of the function alone, `about` being its docstring."""
    estimates = {name: name.removeprefix("_") for name in signature.running}
    names = identifiers([*signature.parameters, *signature.scalars], (*_RESERVED, *estimates.values())) | estimates
    lines = _lines(CALLS.filled(with_fractions(expression)), names)
    return _defined(signature, names, [*([f'"""{about}"""'] if about else []), *lines])


def _lines(expression: Expression, names: Mapping[str, str], indents: int = 1) -> list[str]:
    """The statements that return the value of `expression`, short enough to stand that far in."""
    rules = {**TORCH.rules, **CALLS.rules(expression, _tensor)}
    program = lower({"y": expression}, kept=frozenset(rules))
    found: list[str] = []
    for longest in (LONGEST_INLINE, LONGEST_INLINE // 2, 0):
        lines, (result,) = print_program(program, replace(TORCH, rules=rules), names, longest_inline=longest)
        found = [*lines, f"return {result}"]
        if max(map(len, found)) <= _LONGEST_LINE - indents * len(_INDENT):
            break
    return found


def _defined(signature: Signature, names: Mapping[str, str], body: Sequence[str]) -> str:
    return "\n".join([_head(signature, names), *(f"{_INDENT}{line}" for line in body)]) + "\n"


def _head(signature: Signature, names: Mapping[str, str]) -> str:
    tensors = [*signature.inputs, *(names[name] for name in signature.parameters)]
    arguments = [
        *(f"{name}: torch.Tensor" for name in tensors),
        *(f"{names[name]}: float" for name in signature.scalars),
        *(f"{names[name]}: torch.Tensor" for name in signature.running),
        *(f"{name}: {_TOLD[name]}" for name in signature.told),
    ]
    line = f"def {signature.name}({', '.join(arguments)}) -> torch.Tensor:"
    if len(line) <= _LONGEST_LINE:
        return line
    return "\n".join(
        [f"def {signature.name}(", *(f"{_INDENT}{argument}," for argument in arguments), ") -> torch.Tensor:"]
    )


_TOLD = {"channel_dim": "int", "training": "bool"}


def _operator(name: str) -> str:
    """The function of an operator that torch has not, from its definition."""
    operator = OPERATORS[name]
    assert operator.definition is not None  # noqa: S101 - what torch has not is defined
    if operator.drawn is None:
        return function(operator.definition(X), Signature(name=f"_{name}"), about=CALLS.SPLINES[name])
    own = tuple(inspect.signature(operator.definition).parameters)
    arguments = [Parameter(argument) for argument in own]
    body = [
        '"""Drawn for each element of x in training, otherwise what is to be expected."""',
        "if training:",
        f"{_INDENT}noise = torch.rand_like(x)",
        *(f"{_INDENT}{line}" for line in _lines(operator.drawn(Input("noise"), *arguments), {}, 2)),
        *_lines(operator.definition(*arguments), {}),
    ]
    signature = Signature(name=f"_{name}", parameters=own, told=("training",))
    return _defined(signature, {argument: argument for argument in own}, body)


def _number(value: float) -> str:
    text = literal(value)
    return text.removesuffix(".0") if "e" not in text else text


def _tensor(operand: Text) -> str:
    """An operand for a function that takes tensors only."""
    return f"torch.full_like(x, {operand.source})" if operand.is_number else operand.source


def _call(name: str) -> Rule:
    return lambda *operands: Text(f"torch.{name}({', '.join(map(_tensor, operands))})")


def _power(base: Text, exponent: Text) -> Text:
    # As formatters write it: close together where the base is a name.
    sign = "**" if base.source.isidentifier() else " ** "
    return Text(f"{base.within(ATOM)}{sign}{exponent.within(POWER)}", POWER)


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
        # Formatters put a power behind a sign in parentheses.
        "negative": lambda u: Text(f"-{u.within(ATOM)}", FACTOR),
        "power": _power,
        "greater": _indicator(">"),
        "equal": _indicator("=="),
        "where": _where,
    },
    conditions=_CONDITIONS,
    number=_number,
)
