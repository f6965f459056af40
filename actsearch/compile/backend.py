"""What a backend is, and which one computes on a device."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor

from actsearch import plugins
from actsearch.compile.reference import Estimates
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation

REFERENCE = "torch"
"""The backend that is always there, and that all others are held against."""


class Function(Protocol):
    """A compiled activation."""

    def __call__(
        self,
        inputs: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        estimates: Estimates | None = None,
    ) -> Tensor:
        """The activation of `inputs`, x and then gate if it reads one: differentiable, of shape, dtype and device of x.

        `parameters` are in the activation's order and have the shapes of `actsearch.compile.parameters`; channels lie
        along the dimension `channel_dim` of x. Without `estimates` batch statistics are those of `inputs`.
        """


@runtime_checkable
class Backend(Protocol):
    """What `kernels/<name>/backend.py` calls `BACKEND`."""

    name: str
    devices: tuple[str, ...]
    """Types of the devices on which it is the better choice than eager torch."""
    emits: tuple[str, ...]
    """What `emit` can print."""

    def unavailable(self, device: torch.device) -> str | None:
        """Why it cannot compute on tensors of `device`, in a sentence; None if it can."""

    def compile(self, activation: Activation, *, gain: float = 1.0, cache: Path | None = None) -> Function:
        """`gain` times the activation; what is generated goes to the folder `cache` (None: the user's cache)."""

    def emit(self, activation: Activation, kind: str, *, target: str | None = None, dtype: str = "fp32") -> str:
        """What the backend makes of the activation, as text; `kind` is one of `emits`.

        Raises `UnsupportedError` for another kind or an unknown target or dtype.
        """

    def embedded(self, activation: Activation, *, gain: float = 1.0) -> str:
        """Source for an exported module, which needs nothing of ours."""


def names() -> list[str]:
    """Names of the backends there are."""
    return plugins.names("kernels")


def backends() -> list[tuple[str, str, str]]:
    """Name, whether it runs here, and what it is, of every backend."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return [(name, *_described(name, device)) for name in names()]


def load_backend(name: str) -> Backend:
    """The backend `name` (a name, or the path of a `backend.py`).

    Raises `UnknownNameError` naming the nearest, `UnsupportedError` if what it needs is not installed.
    """
    try:
        module = plugins.load("kernels", name)
    except ImportError as error:
        raise UnsupportedError(f"the backend {name} cannot be loaded: {error}.") from error
    return cast("Backend", module.BACKEND)


def best(device: torch.device) -> Backend:
    """The fastest backend for tensors of `device`; eager torch where no other can."""
    for name in names():
        if name == REFERENCE:
            continue
        try:
            backend = load_backend(name)
        except UnsupportedError:
            continue
        if device.type in backend.devices and backend.unavailable(device) is None:
            return backend
    return load_backend(REFERENCE)


def compile_best(
    activation: Activation, device: torch.device, *, gain: float = 1.0, cache: Path | None = None
) -> Function:
    """The activation by the fastest backend for tensors of `device` that can compile it, which the reference can."""
    try:
        return best(device).compile(activation, gain=gain, cache=cache)
    except UnsupportedError:
        return load_backend(REFERENCE).compile(activation, gain=gain, cache=cache)


def compile_for(
    activation: Activation, device: torch.device, name: str | None, *, gain: float = 1.0, cache: Path | None = None
) -> Function:
    """The activation by the backend `name`, or by the fastest that can compile it (None), for tensors of `device`.

    Raises `UnsupportedError` if a backend that is named cannot compute there.
    """
    if name is None:
        return compile_best(activation, device, gain=gain, cache=cache)
    backend = load_backend(name)
    require(backend, device)
    return backend.compile(activation, gain=gain, cache=cache)


def require(backend: Backend, device: torch.device) -> None:
    """Raise `UnsupportedError` if `backend` cannot compute on tensors of `device`."""
    reason = backend.unavailable(device)
    if reason is not None:
        raise UnsupportedError(reason)


def sibling(file: str, name: str) -> ModuleType:
    """The module `name` beside a plug-in's `file`, whose folder is no package."""
    return plugins.load("kernels", str(Path(file).with_name(f"{name}.py")))


def _described(name: str, device: torch.device) -> tuple[str, str]:
    try:
        backend = load_backend(name)
    except UnsupportedError as error:
        return str(error), ""
    about = (type(backend).__module__ and sys.modules[type(backend).__module__].__doc__) or ""
    return backend.unavailable(device) or "runs here", about.partition("\n")[0]


def check_kind(backend: Backend, kind: str) -> None:
    """Raise `UnsupportedError` if `backend` cannot emit `kind`."""
    if kind not in backend.emits:
        raise UnsupportedError(f"the backend {backend.name} emits {', '.join(backend.emits)}, not {kind!r}.")
