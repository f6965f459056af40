"""The plot that `show --plot` draws."""

from __future__ import annotations

from pathlib import Path

import torch

from actsearch.analysis.probe import Probe
from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation


def draw(activation: Activation, path: Path) -> None:
    """Draw f and f' on [-5, 5], parameters at their initial values, into a PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    response = Probe(activation).response(torch.linspace(-5, 5, 1001, dtype=torch.float64))
    figure, axes = plt.subplots(figsize=(6, 4), dpi=120)
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    axes.plot(response.x, response.values, label="f(x)")
    axes.plot(response.x, response.slopes, label="f'(x)", linestyle="--")
    axes.set_title(activation.text if len(activation.text) <= 70 else f"{activation.text[:67]}...", fontsize=9)
    axes.set_xlabel("x")
    axes.legend()
    figure.tight_layout()
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r}: {error.strerror}.") from None
    finally:
        plt.close(figure)
