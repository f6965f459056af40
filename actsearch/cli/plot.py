"""The plot that `show --plot` draws."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from actsearch.analysis.pointwise import Pointwise
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation
from actsearch.grammar.parameter import ParameterSpec

_MOST_PANELS = 7
_FACTORS = (-1.0, 0.0, 0.5, 1.0, 2.0)
_SHIFTS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_COLUMNS = 4


def draw(activation: Activation, path: Path) -> None:
    """Draw into a PNG file f and f' on [-5, 5], and for each parameter, up to seven, f at five values of it.

    Raises `UnsupportedError` for what is no function of x alone, and `ConfigError` where the file cannot be written.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    function = Pointwise(activation)
    specs = activation.parameters[:_MOST_PANELS]
    columns = min(_COLUMNS, 1 + len(specs))
    rows = math.ceil((1 + len(specs)) / columns)
    # Constrained, because a tight layout fails on a title that is wider than its panel.
    figure, grid = plt.subplots(
        rows, columns, figsize=(4 * columns + 2 * (columns == 1), 3.6 * rows), dpi=120, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    panels = grid.ravel().tolist()
    _draw_function(panels[0], function)
    for panel, spec in zip(panels[1:], specs, strict=False):
        _draw_parameter(panel, function, spec)
    for panel in panels[1 + len(specs) :]:
        panel.set_visible(False)
    title = activation.text if len(activation.text) <= 70 else f"{activation.text[:67]}..."
    figure.suptitle(title.replace("$", r"\$"), fontsize=9)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r}: {error.strerror}.") from None
    finally:
        plt.close(figure)


def values_of(spec: ParameterSpec) -> list[float | tuple[float, ...]]:
    """Five values of a parameter around its initial one; the entries of an array change together."""
    if isinstance(spec.initial, tuple):
        return [tuple(factor * entry for entry in spec.initial) for factor in _FACTORS]
    return [factor * spec.initial for factor in _FACTORS] if spec.initial else list(_SHIFTS)


def _axes(panel: Any, title: str) -> Any:
    panel.axhline(0, color="0.8", linewidth=0.8)
    panel.axvline(0, color="0.8", linewidth=0.8)
    panel.set_title(title, fontsize=9)
    panel.set_xlabel("x")
    return np.linspace(-5, 5, 1001)


def _draw_function(panel: Any, function: Pointwise) -> None:
    x = _axes(panel, "f and f'")
    values, slopes = function.response(x)
    panel.plot(x, values, label="f(x)")
    panel.plot(x, slopes, label="f'(x)", linestyle="--")
    panel.legend(fontsize=8)


def _draw_parameter(panel: Any, function: Pointwise, spec: ParameterSpec) -> None:
    x = _axes(panel, f"f for values of {spec.name}")
    for index, value in enumerate(values_of(spec)):
        initial = value == spec.initial
        label = f"{value:.3g}" if isinstance(value, float) else f"{_FACTORS[index]:g} times"
        panel.plot(
            x, function.values(x, {spec.name: value}), label=label + (" (initial)" if initial else ""),
            linewidth=2.2 if initial else 1.2,
        )  # fmt: skip
    panel.legend(fontsize=7)
