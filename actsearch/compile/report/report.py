"""The report on an activation's kernels: what they cost, how exact they are, how fast a GPU could run them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from actsearch.compile.backend import Backend
from actsearch.compile.report.counts import Counts, count
from actsearch.compile.report.machine_code import Disassembled
from actsearch.compile.report.processors import PROCESSORS, Modelled, modelled
from actsearch.compile.report.rounding import max_ulp
from actsearch.compile.saving import describe
from actsearch.compile.stages import Staged, stage
from actsearch.compile.sweep import Sweep, vjp
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Input

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """The kernels of a forward, or of a backward with the gradients of all parameters."""

    counts: Counts
    minimum_bytes_per_element: float
    """Each tensor that the results depend on read once, and each result written once."""
    kernels: int
    modelled: dict[str, Modelled]
    """By GPU."""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        counted = asdict(self.counts)
        return {
            "bytes_per_element": counted.pop("bytes_per_element"),
            "minimum_bytes_per_element": self.minimum_bytes_per_element,
            **counted,
            "kernels": self.kernels,
            "modelled": {name: asdict(value) for name, value in self.modelled.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Of one activation, one target and one dtype."""

    forward: Direction
    backward: Direction
    saved_bits_per_element: float
    """By these kernels, which keep what their backward reads of the inputs."""
    saving: str
    """What a layer with `saving="auto"` keeps instead, in a sentence."""
    max_ulp_forward: float | None
    """None with statistics, whose error depends on the tensor's shape."""
    max_ulp_gradient: float | None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "saved_bits_per_element": self.saved_bits_per_element,
            "saving": self.saving,
            "max_ulp_forward": self.max_ulp_forward,
            "max_ulp_gradient": self.max_ulp_gradient,
            "forward": self.forward.document(),
            "backward": self.backward.document(),
        }


def report(
    activation: Activation,
    backend: Backend,
    *,
    target: str | None = None,
    dtype: str = "fp32",
    block: int | None = None,
    warps: int | None = None,
) -> Report:
    """The report on the kernels of `backend` for `target`, with its own block and warps where none are given.

    Raises `UnsupportedError` for a backend whose kernels cannot be counted, and what its `machine_code` raises.
    """
    if not isinstance(backend, Disassembled):
        raise UnsupportedError(f"the backend {backend.name} has no kernels that are counted: use triton.")
    codes = backend.machine_code(activation, target=target, dtype=dtype, block=block, warps=warps)
    staged = stage(activation)
    forward, backward = staged.sweep, vjp(staged.sweep)
    size = DTYPES[dtype].itemsize
    least = {"forward": _least_bytes(forward, size), "backward": _least_bytes(backward, size)}
    found = {}
    for name in DIRECTIONS:
        counts = count(codes[name])
        found[name] = Direction(
            counts=counts,
            minimum_bytes_per_element=least[name],
            kernels=len(codes[name]),
            modelled={processor.name: modelled(counts, processor) for processor in PROCESSORS},
        )
    values = None if forward.has_statistics else _values(activation, staged)
    exactness = [None if values is None else max_ulp(sweep, values, DTYPES[dtype]) for sweep in (forward, backward)]
    return Report(
        forward=found["forward"],
        backward=found["backward"],
        # What is drawn is drawn again.
        saved_bits_per_element=8 * size * len(_read(backward) & {*forward.elements}.difference(staged.noise)),
        saving=describe(activation, DTYPES[dtype]),
        max_ulp_forward=exactness[0],
        max_ulp_gradient=exactness[1],
    )


def _least_bytes(sweep: Sweep, size: int) -> int:
    """Bytes an element of the tensors of the shape of x that the results depend on, or are; float32 for fixed ones."""
    tensors = (*_read(sweep), *(name for name, _ in sweep.outputs))
    return sum(4 if name in sweep.fixed else size for name in tensors)


def _read(sweep: Sweep) -> frozenset[str]:
    """The elements that some result depends on."""
    leaves = sweep.program().operands
    return frozenset(name for name in sweep.elements if Input(name) in leaves)


def _values(activation: Activation, staged: Staged) -> dict[str, float]:
    """Initial values of what the sweep reads beside elements."""
    values = dict(staged.constants)
    names = iter(name for name, _ in staged.sweep.parameters)
    for spec in activation.parameters:
        for value in spec.entries:
            values[next(names)] = value
    return values
