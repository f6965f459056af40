"""Measure how accurate kernels are in float32: each operator and random compositions, values and slopes.

    python benchmarks/accuracy.py [--backend lowered|torch|llvm|triton] [--compositions 100]

Inputs are all bfloat16 numbers with 2^-8 <= |x| <= 2^6 (sin, cos, tan: 2^15) where the true value is a normal number. A
result is held against float64, in units of the last place of the true value, in float32 as it comes and in bfloat16
after rounding. `scaled` are these units times the condition number |x f'/f| where that is above 1, i.e. what an input
that is wrong by half a unit may move: at a zero only such a measure says something. Where float64 says that a function
is bad, it is asked again with 60 decimal digits. `lowered` runs the kernels'
primitives one by one in torch, without fused multiply-add. Writes its rows of `benchmarks/accuracy.csv` anew and
leaves those of other backends.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import platform
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import mpmath
import record
import sympy
import torch
from torch import Tensor

from actsearch.compile.backend import load_backend
from actsearch.compile.derive import derive
from actsearch.compile.eager import evaluate
from actsearch.compile.program import Literal, Program, Temporary, lower
from actsearch.compile.stability import stabilise
from actsearch.compile.symbolic import formula, symbol
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, X, call, fold, parameter_names
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.space import read_space
from actsearch.grammar.text import write
from actsearch.plugins import find

TABLE = Path(__file__).with_suffix(".csv")
PACKAGES = ("torch", "triton")
PARAMETER = 1.25
"""Value of every parameter of a composition: a bfloat16, and none that makes terms vanish."""
FLOAT32_DIGITS, BFLOAT16_DIGITS, SMALLEST, LARGEST = 24, 8, 2.0**-126, 3.38e38
DIGITS, GOOD_SHARE = 60, 0.99
"""Decimal digits of the truth for functions that would have a smaller share of good results by a truth in float64."""
EXPONENTS = (-3.0, -2.0, -0.5, 0.5, 1.5, 2.7, 3.0, 7.0)
POLES = ("divide", "reciprocal", "safe_divide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A function to be measured."""

    expression: Expression
    kind: str
    largest_exponent: int = 6

    @property
    def inputs(self) -> Tensor:
        """Bfloat16 numbers as float32, both signs."""
        exponents = torch.arange(-8, self.largest_exponent, dtype=torch.float32)
        positive = (2 ** exponents[:, None] * (1 + torch.arange(128) / 128)).flatten()
        positive = torch.cat([positive, torch.tensor([2.0**self.largest_exponent])])
        return torch.cat([-positive.flip(0), positive])


def operators() -> Iterable[Case]:
    """One case for each unary operator, quotients and powers."""
    for name, operator in OPERATORS.items():
        if operator.arity == 1:
            yield Case(
                expression=Apply(name, (X,)),
                kind="operator",
                largest_exponent=15 if name in ("sin", "cos", "tan") else 6,
            )
    for name in ("divide", "safe_divide"):
        yield Case(expression=Apply(name, (Constant(PARAMETER), X)), kind="operator")
    for exponent in EXPONENTS:
        yield Case(expression=X**exponent, kind="operator")


def compositions(count: int, seed: int = 0) -> Iterable[Case]:
    """Different functions of the space `swish`, as its sampler draws them."""
    space, rng = read_space(find("search_spaces", "swish")), random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        activation = space.activation(space.sample(rng))
        if activation.text not in seen and X in _leaves(activation.expression):
            seen.add(activation.text)
            yield Case(expression=activation.expression, kind="composition")


def _leaves(expression: Expression) -> set[Expression]:
    found: set[Expression] = set()
    fold(expression, found.add, lambda *_: None)
    return found


def slope(expression: Expression) -> Expression:
    """The slope f' as the compiler has it."""
    return derive(expression, X)


def lowered(expression: Expression, values: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Values of f and f' by the primitives that kernels are made of."""
    stable = stabilise(expression)
    return tuple(_run(lower({"y": wanted}), values).expand_as(values["x"]) for wanted in (stable, slope(stable)))  # type: ignore[return-value]


def _run(program: Program, values: Mapping[str, Tensor]) -> Tensor:
    results: list[Tensor] = []

    def value(operand: Any) -> Tensor:
        if isinstance(operand, Temporary):
            return results[operand.index]
        if isinstance(operand, Constant | Literal):
            return torch.full_like(values["x"], operand.value)
        return values[operand.name]

    for instruction in program.instructions:
        names = [f"v{index}" for index in range(len(instruction.operands))]
        arguments = dict(zip(names, map(value, instruction.operands), strict=True))
        results.append(evaluate(Apply(instruction.operator, tuple(map(Parameter, names))), arguments))
    return value(program.outputs[0][1])


def compiled(name: str) -> Callable[[Expression, Mapping[str, Tensor]], tuple[Tensor, Tensor]]:
    """What computes f and f' by a backend."""
    backend = load_backend(name)
    device = torch.device("cuda" if "cuda" in backend.devices and torch.cuda.is_available() else "cpu")

    def compute(expression: Expression, values: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        activation = Activation.of(expression)
        parameters = [values[spec.name].reshape(1).to(device) for spec in activation.parameters]
        x = values["x"].to(device).requires_grad_()
        y = backend.compile(activation)([x], parameters, 0)
        # Of a constant, or of what is detached, torch has no gradient to give.
        gradient = torch.autograd.grad(y.sum(), x)[0] if y.requires_grad else torch.zeros_like(x)
        return y.detach().cpu(), gradient.cpu()

    return compute


def exact(expression: Expression, values: Mapping[str, Tensor]) -> Tensor:
    """The value in float64, where torch's own functions lose digits by forms that do not."""

    def apply(name: str, arguments: list[Expression]) -> Expression:
        rule = _EXACT.get(name)
        return rule(*arguments) if rule else Apply(name, tuple(arguments))

    wide = {name: value.double() for name, value in values.items()}
    return evaluate(fold(expression, lambda leaf: leaf, apply), wide).expand_as(wide["x"])


def in_many_digits(expression: Expression, values: Mapping[str, Tensor], true: Tensor) -> Tensor:
    """The value, rounded to float64 from many digits, where float64 has one, which is `true`."""
    names = [name for name in values if name != "x"]
    closed = sympy.lambdify([symbol(X), *(symbol(Parameter(name)) for name in names)], formula(expression), "mpmath")
    parameters = [values[name].item() for name in names]

    def value(x: float) -> float:
        try:
            return float(closed(mpmath.mpf(x), *map(mpmath.mpf, parameters)))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    with mpmath.workdps(DIGITS):
        kept = zip(values["x"].tolist(), true.tolist(), strict=True)
        return torch.tensor([value(x) if math.isfinite(y) else y for x, y in kept], dtype=torch.float64)


def _exact_sinc(u: Expression) -> Expression:
    k = call.floor(u + 0.5)
    sine = (1 - 2 * (k - 2 * call.floor(0.5 * k))) * call.sin(torch.pi * (u - k))
    return call.where(call.equal(u, 0), 1, sine / (torch.pi * u))


_EXACT: Mapping[str, Callable[..., Expression]] = {
    # torch computes these by 1 + erf, with a threshold of 20, and without reducing the argument.
    "gelu": lambda u: u * call.normal_cdf(u),
    "softplus": lambda u: call.maximum(u, 0) + call.log1p(call.exp(-call.abs(u))),
    "mish": lambda u: u * call.tanh(call.maximum(u, 0) + call.log1p(call.exp(-call.abs(u)))),
    "sinc": _exact_sinc,
}


def measure(
    case: Case, compute: Callable[[Expression, Mapping[str, Tensor]], tuple[Tensor, Tensor]]
) -> Iterable[dict[str, Any]]:
    """One row for f and one for f'."""
    values = {"x": case.inputs}
    values |= {name: torch.tensor(PARAMETER) for name in parameter_names(case.expression)}
    first = slope(case.expression)
    wanted = (case.expression, first, slope(first))
    truths = [exact(expression, values) for expression in wanted]
    for index, (name, found) in enumerate(zip(("f", "f'"), compute(case.expression, values), strict=True)):
        errors = _errors(values["x"], found, *truths[index : index + 2])
        if errors.get("within_1_bf16_ulp_scaled", 1) < GOOD_SHARE:
            # float64 may be what has lost its digits: here the slope of sigmoid(x)*sinh(x) is 0 below -37.
            precise = [in_many_digits(wanted[place], values, truths[place]) for place in (index, index + 1)]
            errors = _errors(values["x"], found, *precise)
        yield {"function": write(case.expression), "kind": case.kind, "of": name} | errors


def _errors(x: Tensor, found: Tensor, true: Tensor, steepness: Tensor) -> dict[str, Any]:
    size = true.abs()
    counted = true.isfinite() & (size >= SMALLEST) & (size <= LARGEST) | (true == 0)
    x, found, true, size, steepness = (t[counted] for t in (x, found, true, size, steepness))
    moved = torch.maximum(size, (x.double() * steepness).abs().nan_to_num(0, 0, 0))
    in_float32 = ((found.double() - true).abs() / _unit(moved, FLOAT32_DIGITS)).nan_to_num(torch.inf)
    rounded = (found.bfloat16().double() - true).abs().nan_to_num(torch.inf)
    row: dict[str, Any] = {"inputs": len(x)}
    if len(x):
        row |= {
            "within_1_bf16_ulp": round((rounded <= _unit(size, BFLOAT16_DIGITS)).double().mean().item(), 5),
            "within_1_bf16_ulp_scaled": round((rounded <= _unit(moved, BFLOAT16_DIGITS)).double().mean().item(), 5),
            "max_float32_ulp_scaled": round(in_float32.max().item(), 2),
            "worst_at": x[in_float32.argmax()].item(),
        }
    return row


def _unit(size: Tensor, digits: int) -> Tensor:
    """The unit in the last place of numbers of this size with so many binary digits."""
    _, exponent = torch.frexp(size.clamp(min=SMALLEST))
    return torch.ldexp(torch.ones_like(size), exponent - digits)


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else model


def main() -> None:
    """Measure, print what is off, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="lowered", help="lowered, or the name of a backend")
    parser.add_argument("--compositions", type=int, default=100, help="how many random functions")
    arguments = parser.parse_args()
    compute = lowered if arguments.backend == "lowered" else compiled(arguments.backend)
    about = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": _machine(),
        "versions": " ".join(
            [f"python-{platform.python_version()}", *(f"{name}-{metadata.version(name)}" for name in PACKAGES)]
        ),
        "backend": arguments.backend,
    }
    cases = [*operators(), *compositions(arguments.compositions)]
    rows = [about | row for case in cases for row in measure(case, compute)]
    record.replace(TABLE, rows, "backend")
    for row in rows:
        if row["inputs"] and (row["within_1_bf16_ulp_scaled"] < 1 or row["max_float32_ulp_scaled"] > 4):
            print(" ".join(f"{value}" for key, value in row.items() if key not in about))


if __name__ == "__main__":
    main()
