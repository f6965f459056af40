"""What torch's compiler is not to look into, said where it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def untraced(function: Callable[P, T]) -> Callable[P, T]:
    """`function`; while torch.compile traces the caller, as a call that it leaves to Python.

    `torch.compiler.disable` as a decorator says the same, and imports the compiler, most of a second, into every
    process that makes a layer, whether anything is compiled there or not.
    """
    if torch.compiler.is_compiling():
        return torch.compiler.disable(function)  # type: ignore[no-any-return]
    return function
