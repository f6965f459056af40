"""Many layers compiled together."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from torch import Tensor

from actsearch.compile.module import ActivationModule


def prepare(layers: Iterable[ActivationModule], x: Tensor) -> None:
    """Compile forward and backward of each layer for inputs of the shape, dtype and device of `x`.

    While one thread derives and writes a kernel, another has the code generator compile the one before. A layer whose
    backend compiles nothing ahead stays as it is.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="actsearch-compiler") as worker:
        for done in [layer.prepare(x, worker) for layer in layers]:
            if done is not None:
                done.result()
