"""What an entry of the catalog is held against: another implementation, or another way to write the same function."""

from __future__ import annotations

import functools
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import mpmath
import torch

# Of 13 samples with 8 channels. Kinks of the catalog (0, 1, 3, 6 and their negatives) are not among them.
POINTS = torch.linspace(-7.93, 8.11, 104, dtype=torch.float64).reshape(13, 8)
ABOVE = torch.linspace(0.03, 8.11, 104, dtype=torch.float64).reshape(13, 8)
NEAR = torch.linspace(-1.93, 2.11, 104, dtype=torch.float64).reshape(13, 8)
IMAGES = torch.randn(2, 64, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
ROWS = torch.randn(6, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


@dataclass(frozen=True)
class Reference:
    """A function of `x`, of `gate` where it is read, and of the parameters by their names; several lanes are a tuple.

    It is compared on `points` with the parameters as they start, and with them moved, to `moved` where that is given.
    """

    function: Callable
    moved: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    points: torch.Tensor = POINTS
    training: bool = False
    tolerance: float = 1e-9


def held(function, points=POINTS, *, training=False, tolerance=1e-9, **moved):
    """A reference where the defaults do not do."""
    return Reference(function, moved, points, training, tolerance)


def reference_of(given):
    return given if isinstance(given, Reference) else Reference(given)


@contextmanager
def float64():
    """What is made of numbers inside is in float64, so that 0.1 is not rounded twice."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@functools.cache
def package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("torch_activation")


def ta(name, attributes=None, **renamed):
    """The layer of that name in the package torch_activation, or `module:name` where several have the name.

    Parameters are handed to its constructor, under the name that `renamed` says; those in `attributes` are put there
    after it is made.
    """

    def call(x, **parameters):
        module, _, own = name.rpartition(":")
        with float64():
            found = getattr(importlib.import_module(f"torch_activation.{module}"), own) if module else None
            kind = found or package()._ACTIVATIONS[own]["class"]
            later = {attributes[key]: parameters.pop(key) for key in list(parameters) if key in (attributes or {})}
            options = {
                renamed.get(key, key): list(value) if isinstance(value, tuple) else value
                for key, value in parameters.items()
            }
            if "learnable" in inspect.signature(kind).parameters:
                options["learnable"] = True
            layer = kind(**options).eval()
            for attribute, value in later.items():
                getattr(layer, attribute).data = torch.tensor(value)
            return layer(x.clone())

    package()
    return call


class _MittagLeffler(torch.autograd.Function):
    """E of the order (second order 1) and its derivative by their power series, in as many digits as it takes."""

    @staticmethod
    def forward(ctx, z, order):
        points = z.detach().flatten().tolist()
        with mpmath.workdps(120):
            inverse = [mpmath.rgamma(order * k + 1) for k in range(700)]
            slopes = [k * weight for k, weight in enumerate(inverse)][1:]
            values, derivatives = (
                torch.tensor([float(mpmath.polyval(series[::-1], point)) for point in points], dtype=z.dtype)
                for series in (inverse, slopes)
            )
        ctx.save_for_backward(derivatives.reshape(z.shape))
        return values.reshape(z.shape)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None


def mittag_leffler(z, order):
    return _MittagLeffler.apply(z, order)


def gate_of(x):
    """The second input that goes with `x`: its values in another order and size."""
    return 0.7 * x.flatten().flip(0).reshape(x.shape) + 0.05


def moved(spec, index):
    """Another value of a parameter, exact in a few digits."""

    def move(value, step):
        return round(64 * (1.37 * value + 0.11 + 0.07 * index + 0.03 * step)) / 64

    if isinstance(spec.initial, tuple):
        return tuple(move(value, step) for step, value in enumerate(spec.initial))
    return move(spec.initial, 0)
