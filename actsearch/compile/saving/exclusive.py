"""Whether a backward is the last to read a tensor that it kept, and may write over it.

A graph that is not retained gives up what it saved when a backward is done, and those of all that read the output have
been before. So the output that a layer kept is often of no more use to anybody, and its memory can take the gradient,
as compiled graphs of torch do with their donated buffers. Who else holds it is told by the number of tensors that share
its memory, which detached copies, arrays of NumPy and graphs that are still to be differentiated raise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_OWN = 3
"""Holders of the memory in a backward that nobody else has: the graph, the tensor it unpacked, and who asks."""
_COUNT = getattr(torch._C, "_storage_Use_Count", None)  # noqa: SLF001 - there is no public way to ask
_IS_RETAINED = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)  # noqa: SLF001 - likewise
_HOOKS = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)  # noqa: SLF001 - likewise


def is_hooked() -> bool:
    """Whether what a forward saves now goes through somebody's hooks, who may keep it without its being counted."""
    return _HOOKS is None or _HOOKS(False) is not None  # noqa: FBT003 - it takes no names


def is_exclusive(saved: Tensor) -> bool:
    """Whether in this backward nobody else can read `saved` again, which it has unpacked once and without hooks.

    Never on accelerators: there another stream may still read memory that no tensor holds any more.
    """
    if torch.compiler.is_compiling() or _COUNT is None or _IS_RETAINED is None or saved.device.type != "cpu":
        return False
    storage: Any = saved.untyped_storage()
    return not _IS_RETAINED() and _COUNT(storage._cdata) == _OWN  # noqa: SLF001 - likewise
