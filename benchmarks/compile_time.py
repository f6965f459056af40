"""Time from an expression to a forward, a backward and parameter gradients that have run once, nothing being cached.

    python benchmarks/compile_time.py [--candidates 200] [--compiled 12]

Candidates are random core units of the search space `swish`, whose parameters are per channel. Each is compiled by the
backend llvm into an empty cache and run on a small tensor: singly, and 64 of them together (`actsearch.compile.batch`).
Against it stands `torch.compile` on some of the same functions, written with torch's operations, its caches empty as
well (switched off, and a new folder for each). What a process sets up once (LLVM's code generator, the first call of
`torch.compile`) is not in either. Writes `benchmarks/compile_time.csv` anew.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import record
import torch
from torch import Tensor

from actsearch.compile.batch import prepare
from actsearch.compile.reference import Eager
from actsearch.grammar.activation import Activation
from actsearch.grammar.space import read_space
from actsearch.plugins import find

TABLE = Path(__file__).with_suffix(".csv")
BATCH, CHANNELS = 64, 64


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--compiled", type=int, default=12, help="how many torch.compile gets")
    arguments = parser.parse_args()
    candidates = _candidates(arguments.candidates + 1)
    warm, *candidates = candidates
    with tempfile.TemporaryDirectory() as folder:
        _ours(warm, Path(folder) / "warm")
        singly = [_ours(candidate, Path(folder) / str(index)) for index, candidate in enumerate(candidates)]
        batches = [candidates[start : start + BATCH] for start in range(0, len(candidates) - BATCH + 1, BATCH)]
        together = [_batch(batch, Path(folder) / f"batch{index}") for index, batch in enumerate(batches)]
    _theirs(warm)
    theirs = [_theirs(candidate) for candidate in candidates[: arguments.compiled]]
    baseline = statistics.median(theirs)
    rows = []
    for name, values, count in (
        ("llvm, singly", singly, len(singly)),
        (f"llvm, in batches of {BATCH}, each", together, BATCH * len(together)),
        ("torch.compile", theirs, len(theirs)),
    ):
        least, median = record.milliseconds(values)
        ratio = float(f"{baseline / statistics.median(values):.3g}")
        rows.append(
            record.machine("torch", "llvmlite")
            | {
                "what": name,
                "candidates": count,
                "min_ms": least,
                "median_ms": median,
                "torch_compile_over_this": ratio,
            }
        )
    record.write(TABLE, rows)
    for row in rows:
        print(row)


def _candidates(count: int) -> list[Activation]:
    space, generator = read_space(find("search_spaces", "swish")), random.Random(0)
    found: dict[str, Activation] = {}
    while len(found) < count:
        activation = space.activation(space.sample(generator))
        if activation.inputs:
            found.setdefault(activation.id, activation)
    return list(found.values())


def _sample() -> tuple[Tensor, Tensor]:
    return torch.linspace(-2, 2, 16 * CHANNELS).view(16, CHANNELS).requires_grad_(), torch.ones(16, CHANNELS)


def _ours(activation: Activation, cache: Path) -> float:
    x, upstream = _sample()
    started = time.perf_counter()
    layer = activation.module(backend="llvm", cache=cache)
    torch.autograd.grad(layer(x), [x, *layer.parameters()], upstream, allow_unused=True)
    return time.perf_counter() - started


def _batch(activations: Sequence[Activation], cache: Path) -> float:
    x, upstream = _sample()
    started = time.perf_counter()
    layers = [activation.module(backend="llvm", cache=cache) for activation in activations]
    prepare(layers, x)
    for layer in layers:
        torch.autograd.grad(layer(x), [x, *layer.parameters()], upstream, allow_unused=True)
    return (time.perf_counter() - started) / len(activations)


def _theirs(activation: Activation) -> float:
    """The same by `torch.compile`, in seconds."""
    x, upstream = _sample()
    parameters = [torch.full((CHANNELS,), spec.scalar, requires_grad=True) for spec in activation.parameters]
    eager = Eager(activation)
    torch.compiler.reset()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        started = time.perf_counter()
        function = torch.compile(lambda *inputs: eager(inputs[:1], inputs[1:], 1))
        torch.autograd.grad(function(x, *parameters), [x, *parameters], upstream, allow_unused=True)
        return time.perf_counter() - started


if __name__ == "__main__":
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    main()
