"""Time of a forward and a backward of layers with statistics: native kernels against eager torch.

    python benchmarks/statistic_speed.py [--rounds 15]

Each layer is written with torch's operations as a user would (`Eager`), and compiled by the backend llvm; both take
turns on the same tensor, with the gradients by it and by all parameters, and freed memory stays with the process.
Shapes are those of a convolutional network and of a transformer. Writes `benchmarks/statistic_speed.csv` anew.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import record
import torch
from torch import Tensor

from actsearch.compile.reference import Eager
from actsearch.grammar.activation import parse

TABLE = Path(__file__).with_suffix(".csv")
POLYNORM = "a[0] + a[1] * x / rms[last](x) + a[2] * x**2 / rms[last](x**2) + a[3] * x**3 / rms[last](x**3)"
LAYERS: dict[str, tuple[str, dict[str, Any], tuple[int, ...], int]] = {
    "EvoNorm S0": ("x * sigmoid(v * x) / std[group:8](x)", {"v": (1.0, "channel")}, (16, 64, 32, 32), 1),
    "EvoNorm S0, small": ("x * sigmoid(v * x) / std[group:8](x)", {"v": (1.0, "channel")}, (16, 64, 7, 7), 1),
    "EvoNorm B0": ("x / max(std[batch](x), v * x + std[instance](x))", {"v": (1.0, "channel")}, (16, 64, 32, 32), 1),
    "PolyNorm": (POLYNORM, {"a": [0.0, 1 / 3, 1 / 3, 1 / 3]}, (8, 128, 1024), -1),
    "softmax": ("exp(x - max[last](x)) / sum[last](exp(x - max[last](x)))", {}, (8, 128, 1024), -1),
    "RMS norm per channel": ("w * x / rms[last](x)", {"w": (1.0, "channel")}, (8, 128, 1024), -1),
}


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    record.keep_memory()
    rows = [_row(name, arguments.rounds) for name in LAYERS]
    record.write(TABLE, rows)


def _row(name: str, rounds: int) -> dict[str, Any]:
    text, parameters, shape, channel_dim = LAYERS[name]
    activation = parse(text, **parameters)
    layer = activation.module(backend="llvm", channels=shape[channel_dim], channel_dim=channel_dim)
    x, upstream = torch.randn(shape, requires_grad=True), torch.randn(shape)
    own, eager = list(layer.parameters()), Eager(activation)
    seconds = record.interleaved(
        {
            "llvm": _step(layer, x, own, upstream),
            "eager": _step(lambda x: eager([x], own, channel_dim), x, own, upstream),
        },
        rounds,
    )
    row: dict[str, Any] = record.machine("torch", "llvmlite") | {"layer": name, "shape": "x".join(map(str, shape))}
    row["threads"] = torch.get_num_threads()
    for rival, values in seconds.items():
        row[f"{rival}_min_ms"], row[f"{rival}_median_ms"] = record.milliseconds(values)
    row["eager_over_llvm"] = round(statistics.median(seconds["eager"]) / statistics.median(seconds["llvm"]), 3)
    print(name, row["eager_over_llvm"], row["llvm_median_ms"], row["eager_median_ms"], flush=True)
    return row


def _step(function: Callable[[Tensor], Tensor], x: Tensor, own: list[Tensor], upstream: Tensor) -> Callable[[], object]:
    return lambda: torch.autograd.grad(function(x), [x, *own], upstream)


if __name__ == "__main__":
    main()
