"""From an activation to the programs of its forward and backward: the driver that reads as its passes."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.compile.printing import identifiers
from actsearch.compile.program import Lifted, Program, lift, lower
from actsearch.compile.symbolic import share, sympy_gradients
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.expression import Apply, Constant, Expression, Input, Parameter

UPSTREAM = Input("upstream")
"""The gradient that arrives from above, of the output's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Forward and backward of `gain` times an activation, ready to be printed.

    `forward` computes `y` from `x`; `backward` computes `dx` and `d_<name>` for each parameter from `x` and
    `upstream`, before the sum over the elements that share a parameter. `constants` are run-time arguments of both.
    """

    expression: Expression
    parameters: tuple[ParameterSpec, ...]
    constants: tuple[tuple[str, float], ...]
    forward: Program
    backward: Program
    derivatives: tuple[tuple[str, Expression], ...]


def compile_stages(activation: Activation, *, gain: float = 1.0) -> Compiled:
    """The programs of `gain` times the activation, its non-integer constants being arguments.

    Raises `UnsupportedError` for an activation of two inputs.
    """
    refuse_gate(activation)
    return _compile(activation, lift(scaled(activation, gain)))


def compile_embedded(activation: Activation, *, gain: float = 1.0) -> Compiled:
    """The programs of `gain` times the activation for an exported file: only the gain is an argument."""
    refuse_gate(activation)
    return _compile(activation, gain_as_argument(activation, gain))


def gain_as_argument(activation: Activation, gain: float) -> Lifted:
    """The activation times an argument called `gain`."""
    name = identifiers(["gain"], [spec.name for spec in activation.parameters])["gain"]
    return Lifted(expression=Apply("multiply", (Parameter(name), activation.expression)), constants=((name, gain),))


def _compile(activation: Activation, lifted: Lifted) -> Compiled:
    """Differentiate with sympy, share subexpressions, lower to primitives."""
    value, by_x, by_parameter = sympy_gradients(lifted.expression)
    wanted = [spec.name for spec in activation.parameters]
    shared_value = share([value])
    derivatives = share([by_x, *(by_parameter[name] for name in wanted)])
    names = ["dx", *(f"d_{name}" for name in wanted)]
    return Compiled(
        expression=lifted.expression,
        parameters=activation.parameters,
        constants=lifted.constants,
        forward=lower({"y": shared_value[0]}),
        backward=lower({name: _upstream_times(d) for name, d in zip(names, derivatives, strict=True)}),
        derivatives=tuple(zip(names, derivatives, strict=True)),
    )


def scaled(activation: Activation, gain: float) -> Expression:
    """The expression of `gain` times the activation, otherwise as it stands."""
    return activation.expression if gain == 1 else Apply("multiply", (Constant(float(gain)), activation.expression))


def refuse_gate(activation: Activation) -> None:
    """Raise `UnsupportedError` if the activation reads a second input."""
    if "gate" in activation.inputs:
        raise UnsupportedError(
            f"two inputs (x and gate) are not supported by this version: {activation.text[:60]!r} reads gate."
        )


def _upstream_times(derivative: Expression) -> Expression:
    if derivative == Constant(0.0):
        return derivative
    return Apply("multiply", (UPSTREAM, derivative))
