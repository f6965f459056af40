"""Eager torch: the reference, always there, on every device and dtype."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.program import Lifted
from actsearch.compile.reference import Eager
from actsearch.compile.stages import gain_as_argument, inputs_of, prepare, told_to
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Parameter

CALLS = sibling(__file__, "calls")
PRINTER = sibling(__file__, "printer")


class TorchBackend:
    """The backend protocol over eager torch; see `actsearch.compile.backend`."""

    name = "torch"
    devices: tuple[str, ...] = ()
    emits: tuple[str, ...] = ("source",)

    def unavailable(self, device: torch.device) -> str | None:  # noqa: ARG002
        """None: it computes wherever torch does."""
        return None

    def compile(self, activation: Activation, *, gain: float = 1.0, cache: Path | None = None) -> Eager:  # noqa: ARG002
        """`gain` times the activation; nothing is generated."""
        return Eager(activation, gain)

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:  # noqa: ARG002
        """A Python function of torch operations, in stable form, and those that it calls."""
        check_kind(self, kind)
        return f"import torch\n\n\n{_written(activation, 'activation')}"

    def embedded(self, activation: Activation, *, gain: float = 1.0, name: str = "_reference") -> str:
        """The function `name` and what it calls, without imports.

        It takes the inputs, the parameters (so that they broadcast against x, the entries of an array in front), the
        gain, the running estimates, and what `told_to` says.
        """
        return _written(activation, name, gain)


def _written(activation: Activation, name: str, gain: float | None = None) -> str:
    lifted = (
        Lifted(expression=activation.expression, constants=()) if gain is None else gain_as_argument(activation, gain)
    )
    # A draw is one in training only, so what is printed is the form of an evaluation.
    prepared = prepare(replace(activation, expression=lifted.expression), training=False)
    running = {node: Parameter(f"_running_{index}") for index, (_, node) in enumerate(prepared.batch)}
    signature = PRINTER.Signature(
        name=name,
        inputs=inputs_of(activation),
        parameters=tuple(spec.name for spec in activation.parameters),
        scalars=tuple(constant for constant, _ in lifted.constants),
        running=tuple(estimate.name for estimate in running.values()),
        told=told_to(activation),
    )
    text: str = PRINTER.source(CALLS.as_calls(prepared.expression, running), signature)
    return text


BACKEND = TorchBackend()
