"""What a layer saves, in numbers and in a sentence."""

from __future__ import annotations

import torch

from actsearch.compile.saving.choice import AUTO, error_of, plan_of, refusal
from actsearch.compile.saving.plan import Plan
from actsearch.compile.stages import inputs_of
from actsearch.grammar.activation import Activation

_WHERE_UNTRUE = "a residual sum, dropout or a fused gate behind it does not, and then it counts in full"


def saved_bits(activation: Activation, dtype: torch.dtype, saving: str = AUTO, *, is_output_kept: bool = True) -> float:
    """Bits an element that a layer keeps for its backward, for inputs of a dtype.

    With `is_output_kept` the output costs nothing, because the next layer keeps that tensor anyway, as linear layers,
    convolutions and normalisations do; without, it counts. Raises `ConfigError` as `plan_of` does.
    """
    plan = plan_of(activation, saving, dtype)
    width = 8.0 * dtype.itemsize
    if plan is None:
        return width * len(inputs_of(activation))
    return plan.code_bits + (width if plan.keeps_output and not is_output_kept else 0.0)


def describe(activation: Activation, dtype: torch.dtype = torch.float32, saving: str = AUTO) -> str:
    """What a layer keeps for its backward, when that is memory of its own, and the gradient error, in a sentence."""
    plan = plan_of(activation, saving, dtype)
    kept = _kept(activation, dtype, plan)
    error = error_of(activation, saving, dtype)
    if error is None:
        return f"keeps {kept}."
    return (
        f"keeps {kept}; gradient error in {str(dtype).removeprefix('torch.')} for |x| <= 20: at most "
        f"{error.absolute:.1e} absolute, {_relative(error.relative)}, {error.root_mean_square:.1e} root mean square "
        f"for N(0, 1), where the derivative reaches {error.steepest:.3g}."
    )


def _kept(activation: Activation, dtype: torch.dtype, plan: Plan | None) -> str:
    width = 8 * dtype.itemsize
    if plan is None:
        what = "x and gate" if "gate" in activation.inputs else "the input"
        reason = refusal(activation)
        return f"{what}, {width * len(inputs_of(activation))} bits an element{f', as {reason}' if reason else ''}"
    code = f"a code of {plan.code_bits} bit{'s' * (plan.code_bits > 1)} an element"
    if not plan.keeps_output:
        if not plan.code_bits:
            return "nothing, as the derivative is a constant"
        return f"{code} for {'the slope' if plan.is_exact else 'the nearest level of the derivative'}, nothing else"
    bits = f" and {code} for the branch" if plan.code_bits else ""
    return f"the output{bits}; the output is no memory of its own where the next layer keeps it, but {_WHERE_UNTRUE}"


def _relative(relative: float) -> str:
    if relative > 1:
        return "relative more than 100 % in tails where the derivative vanishes"
    return "100 % relative in saturated tails" if relative > 0.99 else f"{relative:.1e} relative"
