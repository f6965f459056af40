"""A population against as many single activations: time of a forward and a backward, and time to compile.

    python benchmarks/population_speed.py [--rounds 60] [--batches 3] [--threads 2 1]

64 random core units of the search space `swish`, whose parameters are per channel, each on a slice of 128 x 64 float32:
forward, gradient by the input and by every parameter. `population` is the layer under autograd, `function` the two
native calls without it; `eager` are 64 functions of torch's operations, `compiled` 64 layers of the backend llvm, whose
kernels are compiled thoroughly by then. All take turns, on each number of threads; times on one thread are the
processor's, which other work on the machine disturbs less.

`compile` is the processor's time until a first forward and backward have run, nothing of the activations being cached:
64 layers one after the other, each into an empty folder, and a population of the same; they take turns, too. What a
process or a machine sets up once is not in it; the operations that tapes consist of are the largest part of that, and
have a row.
Writes `benchmarks/population_speed.csv` anew.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import record
import torch
from torch import Tensor, nn

from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.population import Population, PopulationFunction, compile_population
from actsearch.compile.reference import Eager
from actsearch.compile.stages import stage
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import Activation
from actsearch.grammar.space import read_space
from actsearch.plugins import find

TABLE = Path(__file__).with_suffix(".csv")
MEMBERS, ROWS, CHANNELS = 64, 128, 64
_CLOCKS = (time.perf_counter, time.process_time)
"""That of the wall, and that of the processor, which counts all threads."""
MUCH = 1 << 24
"""Elements after which kernels are compiled thoroughly, see kernels/llvm/README.md."""


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=list(dict.fromkeys((torch.get_num_threads(), 1))))
    arguments = parser.parse_args()
    record.keep_memory()
    candidates = _candidates(MEMBERS * (arguments.batches + 1))
    members, others = candidates[:MEMBERS], candidates[MEMBERS:]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ACTSEARCH_STORE"] = folder
        rows += _rows("operations of tapes, once a machine", {"operations": [_operations()]}, 1, "operations")
        _compiled_together(members, Path(folder) / "warm")
        _compiled_singly(members, Path(folder) / "warm")
        rows += _rows("compile, 64 activations", _compile(others, Path(folder)), 1, "singly")
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            seconds = _interleaved(_runs(members, Path(folder) / "runs"), arguments.rounds, _CLOCKS[threads == 1])
            rows += _rows("forward and backward, 64 slices of 128 x 64", seconds, threads, "eager")
    record.write(TABLE, rows)
    for row in rows:
        print({name: row[name] for name in list(row)[3:]})


def _interleaved(
    runs: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each of `runs`, which take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = clock()
            run()
            seconds[name].append(clock() - started)
    return seconds


def _rows(what: str, seconds: Mapping[str, Sequence[float]], threads: int, baseline: str) -> list[dict[str, object]]:
    """A row for each of what took turns; ratios are of medians, and of the least times."""
    first = seconds[baseline]
    compiled = seconds.get("compiled", first)
    rows: list[dict[str, object]] = []
    for name, own in seconds.items():
        least, median = record.milliseconds(own)
        rows.append({
            **record.machine("torch", "llvmlite"), "what": what, "by": name, "threads": threads,
            "clock": "processor" if threads == 1 else "wall", "min_ms": least,
            "median_ms": median,
            "baseline_over_this": float(f"{statistics.median(first) / statistics.median(own):.3g}"),
            "baseline_over_this_min": float(f"{min(first) / min(own):.3g}"),
            "compiled_over_this": float(f"{statistics.median(compiled) / statistics.median(own):.3g}"),
            "compiled_over_this_min": float(f"{min(compiled) / min(own):.3g}"),
        })  # fmt: skip
    return rows


def _candidates(count: int) -> list[Activation]:
    space, generator = read_space(find("search_spaces", "swish")), random.Random(0)
    found: dict[str, Activation] = {}
    while len(found) < count:
        activation = space.activation(space.sample(generator))
        if activation.inputs:
            found.setdefault(activation.id, activation)
    return list(found.values())


def _sample() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(MEMBERS, ROWS, CHANNELS, generator=generator) for _ in range(2))  # type: ignore[return-value]


def _runs(members: Sequence[Activation], cache: Path) -> dict[str, Callable[[], object]]:
    x, upstream = _sample()
    xs, upstreams = [row.clone().requires_grad_() for row in x], list(upstream)
    parameters = [
        [torch.full((CHANNELS,) if spec.granularity == "channel" else (1,), spec.scalar, requires_grad=True)
         for spec in member.parameters] for member in members
    ]  # fmt: skip
    functions = [Eager(member) for member in members]

    def eager() -> None:
        for function, own, parameter, gradient in zip(functions, xs, parameters, upstreams, strict=True):
            torch.autograd.grad(function([own], parameter, -1), [own, *parameter], gradient, allow_unused=True)

    layers = [member.module(backend="llvm", channel_dim=-1, cache=cache) for member in members]

    def compiled() -> None:
        for layer, own, gradient in zip(layers, xs, upstreams, strict=True):
            torch.autograd.grad(layer(own), [own, *layer.parameters()], gradient, allow_unused=True)

    for layer in layers:
        _work(layer)
    population, function = compile_population(members), PopulationFunction(members)
    stacked, flat = x.clone().requires_grad_(), function.initial(CHANNELS)
    population(x)
    return {
        "eager": eager,
        "compiled": compiled,
        "population": lambda: _once(population, stacked, upstream),
        "function": lambda: (function.forward(x, flat), function.backward(x, upstream, flat)),
    }


def _work(layer: nn.Module) -> None:
    """Have a layer's kernels be compiled thoroughly."""
    much = torch.zeros(MUCH // CHANNELS, CHANNELS, requires_grad=True)
    layer(much).backward(much.detach())


def _once(layer: nn.Module, x: Tensor, upstream: Tensor) -> None:
    torch.autograd.grad(layer(x), [x, *layer.parameters()], upstream, allow_unused=True)


def _compile(candidates: Sequence[Activation], folder: Path) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {"singly": [], "population": []}
    for start in range(0, len(candidates), MEMBERS):
        batch = candidates[start : start + MEMBERS]
        seconds["singly"].append(_compiled_singly(batch, folder / f"singly{start}"))
        seconds["population"].append(_compiled_together(batch, folder / f"together{start}"))
    return seconds


def _forget() -> None:
    """What is kept of single activations."""
    stage.cache_clear()
    vjp.cache_clear()


def _compiled_singly(batch: Sequence[Activation], cache: Path) -> float:
    _forget()
    x, upstream = _sample()
    started = time.process_time()
    for index, (activation, own, gradient) in enumerate(zip(batch, x, upstream, strict=True)):
        layer = activation.module(backend="llvm", channel_dim=-1, cache=cache / str(index))
        _once(layer, own[:1].requires_grad_(), gradient[:1])
    return time.process_time() - started


def _compiled_together(batch: Sequence[Activation], cache: Path) -> float:
    _forget()
    x, upstream = _sample()
    started = time.process_time()
    population: Population = compile_population(batch, cache=cache)
    _once(population, x[:, :1].requires_grad_(), upstream[:, :1])
    return time.process_time() - started


def _operations() -> float:
    backend = load_backend("llvm")
    module: ModuleType = sibling(sys.modules[type(backend).__module__].__file__ or "", "operations")
    sibling(module.__file__ or "", "machine").machine()
    started = time.process_time()
    module.operations()
    return time.process_time() - started


if __name__ == "__main__":
    main()
