"""What a plan computes beside the output: codes in the forward, the gradient from what is kept in the backward."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from actsearch.compile.autograd import Runner
from actsearch.compile.eager import Evaluator, compile_eager
from actsearch.compile.fused import Fused
from actsearch.compile.reference import computed_in
from actsearch.compile.saving.plan import CODE, DY, Plan
from actsearch.compile.saving.words import SHIFT, WORD, Words, element, from_bytes, packed, to_bytes, unpacked
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Expression, substitute

_CHUNKS = {"cpu": 1 << 16}
"""Words that are packed or unpacked at a time, so that what is between stays small."""
_LARGEST_CHUNK = 1 << 22


@dataclass(frozen=True)
class Kernels:
    """The sweeps of a plan; `fused` is whose compiler is asked, None for eager torch. All tensors are 1-D and dense."""

    plan: Plan
    fused: Fused | None

    def codes(self, x: Tensor) -> Tensor | None:
        """The codes of `x`, packed, uint8 of the shape (bytes a word, words); None where the plan has none."""
        if self.plan.code is None:
            return None
        words = Words(self.plan.code_bits, x.numel())
        kept = torch.empty(words.planes * words.bits // 8, words.rows, dtype=torch.uint8, device=x.device)
        chunk = _chunk(x)
        for low in range(0, words.full, chunk):
            high = min(low + chunk, words.full)
            planes = [x[words.place(plane, low, high)] for plane in range(words.planes)]
            kept[:, low:high] = to_bytes(self._run(self._packing, planes), words.bits)
        if words.full < words.rows:
            kept[:, words.full :] = to_bytes(self._run(self._packing, list(words.of_short(x))), words.bits)
        return kept

    def gradient(self, dy: Tensor, y: Tensor | None, kept: Tensor | None, *, is_over_output: bool = False) -> Tensor:
        """The gradient by the input: that by the output times the derivative.

        `is_over_output` lets it take the memory of `y`, which then is lost.
        """
        output = () if y is None else (y,)
        if kept is None:
            return self._run(self._multiplying, (dy, *output))
        words, chunk = Words(self.plan.code_bits, dy.numel()), _chunk(dy)
        # Each element of y is read once, before that of dx is written.
        dx = y if is_over_output and y is not None and y.dtype == dy.dtype else torch.empty_like(dy)
        for low in range(0, words.rows, chunk):
            numbers = from_bytes(kept[:, low : low + chunk], computed_in(dy.dtype))
            for plane in range(words.planes):
                place = words.place(plane, low, low + chunk)
                own = [tensor[place] for tensor in (dy, *output)]
                if own[0].numel():
                    elements = (*own, numbers[: own[0].numel()])
                    dx[place] = self._run(self._multiplying, elements, words.shift(plane))
        return dx

    def differentiable(self, dy: Tensor, y: Tensor | None, kept: Tensor | None) -> Tensor:
        """`gradient` by torch's own operations, which can be differentiated again."""
        inside = computed_in(dy.dtype)
        values = {"x": dy.to(inside), **({} if y is None else {"y": y.to(inside)})}
        if kept is not None:
            words, numbers = Words(self.plan.code_bits, dy.numel()), from_bytes(kept, inside)
            code = _evaluator(unpacked(words.bits))
            shifts = [numbers.new_tensor(words.shift(plane)) for plane in range(words.planes)]
            codes = [code({"word": numbers, "shift": shift}) for shift in shifts]
            values["code"] = torch.cat(codes)[: dy.numel()]
        return (values["x"] * _evaluator(self.plan.slope)(values)).to(dy.dtype)

    @cached_property
    def _packing(self) -> Sweep:
        """From an element of each plane to a word."""
        assert self.plan.code is not None  # noqa: S101 - it is asked for where there is one
        words = Words(self.plan.code_bits, 0)
        return Sweep(
            elements=tuple(element(plane) for plane in range(words.planes)), parameters=(), constants=(),
            outputs=((WORD.name, packed(self.plan.code, words)),), fixed=frozenset({WORD.name}), is_part=True,
        )  # fmt: skip

    @cached_property
    def _multiplying(self) -> Sweep:
        """From the gradient by the output, and what is kept, to the gradient by the input."""
        output, coded = (("y",) if self.plan.keeps_output else ()), self.plan.code is not None
        slope = substitute(self.plan.slope, {CODE: unpacked(self.plan.code_bits)}) if coded else self.plan.slope
        return Sweep(
            elements=("dy", *output, *((WORD.name,) if coded else ())), parameters=(),
            constants=(SHIFT.name,) if coded else (), outputs=(("dx", DY * slope),),
            fixed=frozenset({WORD.name} if coded else ()), is_part=True,
        )  # fmt: skip

    @cached_property
    def _runners(self) -> dict[tuple[Sweep, tuple[float, ...]], Runner | None]:
        return {}

    def _run(self, sweep: Sweep, elements: Sequence[Tensor], *constants: float) -> Tensor:
        """The one output of a sweep."""
        key = (sweep, constants)
        if key not in self._runners:
            self._runners[key] = None if self.fused is None else self.fused.compiler(sweep, constants)
        runner, like = self._runners[key], elements[0]
        if runner is not None and self.fused is not None and like.dtype in self.fused.dtypes:
            return runner(elements, (), 0)[0]
        ((name, value),) = sweep.outputs
        inside = computed_in(like.dtype)
        values = {of: tensor.to(inside) for of, tensor in zip(sweep.elements, elements, strict=True)}
        values |= {of: like.new_tensor(one, dtype=inside) for of, one in zip(sweep.constants, constants, strict=True)}
        return _evaluator(value)(values).to(inside if name in sweep.fixed else like.dtype)


@functools.lru_cache(maxsize=256)
def _evaluator(expression: Expression) -> Evaluator:
    return compile_eager(expression)


def _chunk(x: Tensor) -> int:
    return _CHUNKS.get(x.device.type, _LARGEST_CHUNK)
