"""Eager torch: the reference, always there, on every device and dtype."""

from __future__ import annotations

from pathlib import Path

import torch

from actsearch.compile.backend import check_kind, sibling
from actsearch.compile.reference import Eager
from actsearch.compile.stages import gain_as_argument, refuse_beyond_one_input
from actsearch.grammar.activation import Activation

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
        """A Python function of torch operations."""
        check_kind(self, kind)
        refuse_beyond_one_input(activation)
        text: str = PRINTER.function(activation.expression, _names(activation), name="activation")
        return f"import torch\n\n\n{text}"

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:
        """The function `_reference` of x, the parameters and the gain, without imports."""
        refuse_beyond_one_input(activation)
        lifted = gain_as_argument(activation, gain)
        scalars = tuple(name for name, _ in lifted.constants)
        text: str = PRINTER.function(lifted.expression, _names(activation), name="_reference", scalars=scalars)
        return text


def _names(activation: Activation) -> tuple[str, ...]:
    return tuple(spec.name for spec in activation.parameters)


BACKEND = TorchBackend()
