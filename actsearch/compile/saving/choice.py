"""Which plan an activation gets: what was asked for, or what keeps least within a budget of gradient error."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import torch

from actsearch.compile.saving.accuracy import GradientError, gradient_error
from actsearch.compile.saving.function import Function
from actsearch.compile.saving.levels import MOST_BITS, piecewise_linear_plan, quantised_plan
from actsearch.compile.saving.output import output_plan
from actsearch.compile.saving.plan import Plan, keeping_input
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation

INPUT, OUTPUT, AUTO, BITS = "input", "output", "auto", "bits"
BUDGETS: Mapping[torch.dtype, float] = {
    torch.bfloat16: 2.0**-5,
    torch.float16: 2.0**-7,
    torch.float32: 2.0**-10,
    torch.float64: 2.0**-26,
}
"""Largest gradient error that `auto` takes, as a share of the largest derivative. Near a turn, where the output hides
the derivative, the error is about the root of the output's rounding; everywhere else it is a few of these."""
_REQUEST = re.compile(rf"{INPUT}|{OUTPUT}|{AUTO}|{BITS}:[1-{MOST_BITS}]")


def check(request: str) -> None:
    """Raise `ConfigError` for what no layer can be asked to save."""
    if not (isinstance(request, str) and _REQUEST.fullmatch(request)):
        shown = repr(request)[:60]
        raise ConfigError(
            f"saving is {shown}: give 'input', 'output', 'auto', or 'bits:1' to 'bits:{MOST_BITS}' for a derivative "
            "rounded to a few levels."
        )


@functools.lru_cache(maxsize=512)
def plan_of(activation: Activation, request: str, dtype: torch.dtype, *, gain: float = 1.0) -> Plan | None:
    """The plan for tensors of a dtype; None for the one that every activation has, which keeps the input.

    Raises `ConfigError` where the activation cannot be saved in the way that was asked for.
    """
    check(request)
    if request == INPUT:
        return None
    reason = refusal(activation)
    if reason is not None:
        if request == AUTO:
            return None
        raise ConfigError(f"saving={request!r} is not for {activation.text[:60]!r}: {reason}.")
    if request == AUTO:
        return _cheapest(activation, dtype, gain)
    return _asked_for(activation, request, gain)


def refusal(activation: Activation) -> str | None:
    """Why a backward of the activation needs its input, in a clause; None where it may not."""
    if "gate" in activation.inputs:
        return "a product with a gate needs both inputs, from which the backward computes the rest again"
    if activation.parameters:
        names = ", ".join(spec.name for spec in activation.parameters)
        return f"the gradient of {names[:40]} needs the input, and learning moves what a code or an output says of it"
    if activation.statistics:
        return "its statistics depend on all inputs together"
    if activation.is_stochastic:
        return "what is drawn differs from call to call"
    return None


def error_of(activation: Activation, request: str, dtype: torch.dtype, *, gain: float = 1.0) -> GradientError | None:
    """The gradient error of the plan for tensors of a dtype; None where it cannot be said from x alone."""
    plan = plan_of(activation, request, dtype, gain=gain)
    if refusal(activation) is not None:
        return None
    function = Function(activation, gain)
    return gradient_error(function, plan or keeping_input(function.derivative), dtype)


def _asked_for(activation: Activation, request: str, gain: float) -> Plan:
    if request == OUTPUT:
        found = _output(activation, gain)
        if found is None:
            raise ConfigError(
                f"saving='output' is not for {activation.text[:60]!r}: its output, with two bits at most, does not say "
                f"what its derivative is; take 'auto' or 'bits:1' to 'bits:{MOST_BITS}'."
            )
        return found
    bits = int(request.removeprefix(f"{BITS}:"))
    exact = _straight(activation, gain)
    if exact is not None and exact.code_bits <= bits:
        return exact
    rounded = _rounded(activation, gain, bits)
    if rounded is None:
        raise ConfigError(f"saving={request!r} is not for {activation.text[:60]!r}: its derivative is not finite.")
    return rounded


def _cheapest(activation: Activation, dtype: torch.dtype, gain: float) -> Plan | None:
    """A code where that is exact, then the output, within the budget."""
    for plan in (_straight(activation, gain), _output(activation, gain)):
        if plan is None:
            continue
        if gradient_error(Function(activation, gain), plan, dtype).share <= BUDGETS.get(dtype, 0.0):
            return plan
    return None


@functools.lru_cache(maxsize=512)
def _straight(activation: Activation, gain: float) -> Plan | None:
    return piecewise_linear_plan(Function(activation, gain))


@functools.lru_cache(maxsize=512)
def _output(activation: Activation, gain: float) -> Plan | None:
    return output_plan(Function(activation, gain))


@functools.lru_cache(maxsize=512)
def _rounded(activation: Activation, gain: float, bits: int) -> Plan | None:
    return quantised_plan(Function(activation, gain), bits)
