"""How far a kernel's arithmetic is from the truth, in units of the last place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from actsearch.compile.eager import evaluate
from actsearch.compile.program import Literal, Program, Temporary
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Apply, Constant, Parameter

_EXPONENTS = range(-8, 4)
"""Inputs are the bfloat16 numbers of these exponents, of both signs: up to 16."""
_MANTISSAS = 128
# What makes inputs that are read together meet in other pairs: a number without common divisors with theirs.
_STRIDE = 1237


def max_ulp(sweep: Sweep, values: Mapping[str, float], dtype: torch.dtype) -> float | None:
    """The largest error of the outputs of a sweep without statistics, in units of the last place of the true value.

    `values` are those of its parameters and constants. The primitives are run one by one in float32 and the results
    rounded to `dtype`; the truth is float64. Outputs count where the truth is a normal number of `dtype`; None if
    there is no such one. What a GPU's special functions and fused multiply-add round otherwise is not in it.
    """
    inputs = {name: _inputs(index) for index, name in enumerate(sweep.elements)}
    given = {**inputs, **{name: torch.tensor(value) for name, value in values.items()}}
    found = run(sweep.program(), given)
    true = run(sweep.program(exact=True), {name: tensor.double() for name, tensor in given.items()})
    worst: float | None = None
    for name, _ in sweep.outputs:
        errors = _errors(found[name].to(dtype).double(), true[name], dtype)
        if errors.numel():
            worst = max(worst or 0.0, errors.max().item())
    return worst


def run(
    program: Program, values: Mapping[str, Tensor], rules: Mapping[str, Callable[..., Tensor]] | None = None
) -> dict[str, Tensor]:
    """The outputs of a program by torch, primitive by primitive, in the dtype of the `values` of what it reads.

    `rules` says what primitives are that only a backend has. The first of the `values` has the shape of all.
    """
    like = next(iter(values.values()))
    results: list[Tensor] = []

    def value(operand: Any) -> Tensor:
        if isinstance(operand, Temporary):
            return results[operand.index]
        if isinstance(operand, Constant | Literal):
            return torch.full_like(like, operand.value)
        return values[operand.name]

    for instruction in program.instructions:
        if rules and instruction.operator in rules:
            results.append(rules[instruction.operator](*map(value, instruction.operands)))
            continue
        names = [f"v{index}" for index in range(len(instruction.operands))]
        arguments = dict(zip(names, map(value, instruction.operands), strict=True))
        results.append(evaluate(Apply(instruction.operator, tuple(map(Parameter, names))), arguments))
    return {name: value(operand).expand_as(like) for name, operand in program.outputs}


def _inputs(index: int) -> Tensor:
    """Float32; of the first element in order, of the others shuffled."""
    scale = 2.0 ** torch.tensor(list(_EXPONENTS), dtype=torch.float32)
    positive = (scale[:, None] * (1 + torch.arange(_MANTISSAS) / _MANTISSAS)).flatten()
    both = torch.cat([-positive, positive])
    return both[torch.arange(len(both)) * pow(_STRIDE, index, len(both)) % len(both)]


def _errors(found: Tensor, true: Tensor, dtype: torch.dtype) -> Tensor:
    about = torch.finfo(dtype)
    size = true.abs()
    counted = true.isfinite() & (size >= about.smallest_normal) & (size <= about.max)
    _, exponent = torch.frexp(size[counted])
    # frexp's mantissa is below 1, so that the unit is eps times half its power of two.
    unit = torch.ldexp(torch.full_like(size[counted], about.eps / 2), exponent)
    return ((found[counted] - true[counted]).abs() / unit).nan_to_num(torch.inf)
