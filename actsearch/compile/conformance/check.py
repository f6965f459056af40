"""A backend's results on a case, held against float64."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from actsearch.compile.backend import Backend, Function
from actsearch.compile.conformance.case import Case, sample
from actsearch.compile.noise import drawn_alike
from actsearch.compile.reference import Eager
from actsearch.compile.stages import inputs_of

TOLERANCES: Mapping[torch.dtype, float] = {
    # Some roundings of 1e-16, and the few ulp of a C library's vector functions.
    torch.float64: 1e-13,
    # Two dozen float32 roundings of 6e-8, and the few ulp of a GPU's exp, log and division.
    torch.float32: 1e-5,
    # Computed in float32 and rounded once: half an ulp of 2^-10 and 2^-7, and the same again for what is above it.
    torch.float16: 2.0**-10,
    torch.bfloat16: 2.0**-7,
}

_SECOND = 8.0
"""Second derivatives are those of sums of squares of rounded sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How far one output (`y`, `dx`, `d_<parameter>`) is from float64, over what is allowed: at most 1 passes.

    `second_dx` and so on are the gradients of the sum of all squared first gradients.
    """

    case: str
    output: str
    excess: float


def check(
    backend: Backend,
    case: Case,
    device: torch.device | str = "cpu",
    *,
    gain: float = 1.0,
    cache: Path | None = None,
) -> tuple[Finding, ...]:
    """Run `case` on `backend`; a finding for the output and for each gradient. Raises what the backend raises.

    What is generated goes to the folder `cache` (None: the user's cache).
    """
    function = backend.compile(case.activation, gain=gain, cache=cache)
    inputs, upstream, parameters = sample(case, device)
    found = outputs(function, inputs, upstream, parameters, case.channel_dim, second=case.second)
    wide = ([tensor.double() for tensor in inputs], upstream.double(), [tensor.double() for tensor in parameters])
    expected = outputs(Eager(case.activation, gain), *wide, case.channel_dim, second=case.second)
    gradients = [f"d{name}" for name in inputs_of(case.activation)]
    gradients += [f"d_{spec.name}" for spec in case.activation.parameters]
    names = ["y", *gradients, *(f"second_{name}" for name in gradients)]
    findings = []
    for name, result, wanted in list(zip(names, found, expected, strict=False))[: 1 if case.edges else None]:
        a, b = result, wanted
        terms = max(upstream.numel() // max(b.numel(), 1), 1) if "d_" in name else 1
        if case.edges:
            # Where torch makes NaN of a number, the limit that a kernel finds is no worse.
            told = ~b.isnan() | inputs[0].isnan()
            a, b = a[told], b[told]
        allowance = _SECOND if name.startswith("second_") else 1.0
        findings.append(Finding(case=case.name, output=name, excess=_excess(a, b, case.dtype, terms) / allowance))
    return tuple(findings)


def outputs(
    function: Function,
    inputs: Sequence[Tensor],
    upstream: Tensor,
    parameters: Sequence[Tensor],
    channel_dim: int,
    *,
    second: bool = False,
) -> list[Tensor]:
    """Output of `function`, then its gradients by each input and by each parameter.

    With `second` the gradients of the sum of all squared gradients follow.
    """
    tensors = [tensor.detach().clone().requires_grad_() for tensor in (*inputs, *parameters)]
    with drawn_alike():
        y = function(tensors[: len(inputs)], tensors[len(inputs) :], channel_dim)
    first = _gradients(y, tensors, upstream, create_graph=second)
    found = [y, *first]
    if second:
        total = sum((gradient.double().square().sum() for gradient in first), start=torch.zeros(()))
        found += _gradients(total, tensors, torch.ones_like(total), create_graph=False)
    return [tensor.detach() for tensor in found]


def _gradients(y: Tensor, tensors: Sequence[Tensor], upstream: Tensor, *, create_graph: bool) -> list[Tensor]:
    if not y.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    found = torch.autograd.grad(
        y, tensors, upstream, allow_unused=True, materialize_grads=True, create_graph=create_graph
    )
    return list(found)


def _excess(found: Tensor, expected: Tensor, dtype: torch.dtype, terms: int) -> float:
    """Largest error over what is allowed; infinite where shapes, NaN or infinities differ."""
    if found.shape != expected.shape:
        return math.inf
    if not found.numel():
        return 0.0
    # What float64 holds and the dtype does not is infinite or 0 there.
    a, b = found.double(), expected.to(torch.float32 if terms > 1 else dtype).double()
    finite = b.isfinite()
    if not torch.equal(finite, a.isfinite()) or not torch.allclose(a[~finite], b[~finite], equal_nan=True):
        return math.inf
    # Relative above 1 and absolute below. A parameter's gradient is a sum in float32, whose rounding errors add like
    # the square root of the number of terms; parameters are float32 whatever the input is.
    tolerance = TOLERANCES[torch.float32 if terms > 1 else dtype]
    allowed = tolerance * (b[finite].abs() + math.sqrt(terms))
    return float(((a - b)[finite].abs() / allowed).max()) if bool(finite.any()) else 0.0
