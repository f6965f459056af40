"""Whether a backward is the last to read a tensor that it kept, and may write over it.

A graph that is not retained gives up what it saved when a backward is done, and those of all that read the output have
been before. So the output that a layer kept is often of no more use to anybody, and its memory can take the gradient,
as compiled graphs of torch do with their donated buffers. Who else holds it is told by the number of tensors that share
its memory, which detached copies, arrays of NumPy and graphs that are still to be differentiated raise. What the number
is where nobody does is found out once, as it may be another one with another version of torch.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

_COUNT = getattr(torch._C, "_storage_Use_Count", None)  # noqa: SLF001 - there is no public way to ask
_IS_RETAINED = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)  # noqa: SLF001 - likewise
_HOOKS = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)  # noqa: SLF001 - likewise


class _Trial(torch.autograd.Function):
    """Keeps its output, and has its backward count who holds that."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: list[int]) -> Tensor:
        ctx.counts, y = counts, x.clone()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        saved = list(ctx.saved_tensors)
        ctx.counts.append(_holders(saved[0]))
        return upstream[0], None


@functools.cache
def _alone() -> tuple[int, int]:
    """Holders of a kept output in a backward where nobody else has it, and where one tensor does."""
    counts: list[int] = []
    with torch.inference_mode(mode=False), torch.enable_grad():
        x = torch.zeros(2, device="cpu", requires_grad=True)
        y = _Trial.apply(x, counts)  # type: ignore[no-untyped-call]
        loss = y.sin().sum()
        held = y.detach()
        del y
        torch.autograd.grad(loss, x)
        del held
        y = _Trial.apply(x, counts)  # type: ignore[no-untyped-call]
        loss = y.sin().sum()
        del y
        torch.autograd.grad(loss, x)
    held_by_one, alone = counts
    return alone, held_by_one


def _holders(saved: Tensor) -> int:
    storage: Any = saved.untyped_storage()
    return int(_COUNT(storage._cdata))  # type: ignore[misc]  # noqa: SLF001 - there is no public way to ask


def is_hooked() -> bool:
    """Whether what a forward saves now goes through somebody's hooks, who may keep it without its being counted."""
    return _HOOKS is None or _HOOKS(False) is not None  # noqa: FBT003 - it takes no names


def is_exclusive(saved: Tensor) -> bool:
    """Whether in this backward nobody else can read `saved` again, which it has unpacked once and without hooks.

    Never on accelerators: there another stream may still read memory that no tensor holds any more.
    """
    if torch.compiler.is_compiling() or _COUNT is None or _IS_RETAINED is None or saved.device.type != "cpu":
        return False
    return not _IS_RETAINED() and not is_hooked() and _holders(saved) == _alone()[0] < _alone()[1]
