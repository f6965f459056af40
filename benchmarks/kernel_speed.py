"""Time of a forward and a backward with parameter gradients: native kernels against torch.

    python benchmarks/kernel_speed.py [--rounds 15] [--elements 20] [--without-compile]

40 functions on 2^20 float32 elements, each by the backend llvm, by eager torch, by torch's own kernel where it has one,
and by `torch.compile`; all take turns, after the native kernels have worked so much that they are compiled thoroughly,
and freed memory stays with the process. `kernels` are a forward and a backward without torch around them, into memory
that is there, and `quick_kernels` the same as they are compiled at first. Then functions with at most one
transcendental on 2^24 elements against a loop that adds two tensors into a third, whose bandwidth is taken for the
machine's: bytes that must be moved (x and y forward; x, upstream and dx backward) over time, over the same of the loop.
`fresh` shares are those of calls that return a new tensor, as layers do, against a loop that does so too: the system
then hands out memory page by page. Writes `benchmarks/kernel_speed.csv` and `benchmarks/kernel_bandwidth.csv` anew.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import record
import torch
from torch import Tensor
from torch.nn import functional

from actsearch.compile.backend import load_backend
from actsearch.compile.reference import Eager
from actsearch.grammar.activation import Activation, parse

TABLE = Path(__file__).with_suffix(".csv")
MUCH = 1 << 24
"""Elements after which kernels are compiled thoroughly, see kernels/llvm/README.md."""
BANDWIDTH = TABLE.with_name("kernel_bandwidth.csv")
_OURS = ("llvm", "kernels", "quick_kernels")
OWN: dict[str, Callable[[Tensor], Tensor]] = {
    "silu(x)": functional.silu, "gelu(x)": functional.gelu, "mish(x)": functional.mish, "elu(x)": functional.elu,
    "tanh(x)": torch.tanh, "softplus(x)": functional.softplus,
}  # fmt: skip
FUNCTIONS = (
    *OWN,
    "relu(x)", "sigmoid(x)", "logsigmoid(x)", "softsign(x)", "erf(x)", "sin(x)", "atan(x)", "asinh(x)",
    "relu(x)**2", "x * sigmoid(beta * x)", "x * tanh(softplus(beta * x))", "max(x, a * x)", "x * normal_cdf(beta * x)",
    "a * tanh(b * x)", "x * (atan(x) / pi + 0.5)", "x * exp(-exp(-x))", "(a + tanh(b * x)) * g * x",
    "x + sin(a * x)**2 / a", "x * cos(x)", "sinc(x)", "exp(-beta * x**2)", "x * exp(-beta * abs(x))",
    "min(asinh(x), cos(x))", "log(1 + abs(x)) * x / (1 + abs(x))", "softplus(x) - log(2)",
    "x / (1 + exp(-1.702 * x))", "x * relu(x + 3) * 0.1666",
    "(a0 + a1*x + a2*x**2 + a3*x**3 + a4*x**4 + a5*x**5) / (1 + abs(b1*x + b2*x**2 + b3*x**3 + b4*x**4))",
    "a1 * relu(x) + a2 * relu(x)**2 + a3 * relu(x)**3", "beta * x + (1 - beta) * tanh(x)", "sigmoid(x) * tanh(x)",
    "x * sigmoid(x) + exp(-x**2) * tanh(x)", "sqrt(1 + x**2) - 1 + x", "elu(x) - 0.3 * sin(2.5 * x)",
)  # fmt: skip
LIGHT = (
    "relu(x)",
    "relu(x)**2",
    "max(x, a * x)",
    "sigmoid(x)",
    "silu(x)",
    "tanh(x)",
    "x * sigmoid(beta * x)",
    "elu(x)",
)


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--elements", type=int, default=20, help="log2 of their number")
    parser.add_argument("--without-compile", action="store_true")
    arguments = parser.parse_args()
    record.keep_memory()
    rows = [
        _row(text, 1 << arguments.elements, arguments.rounds, without_compile=arguments.without_compile)
        for text in FUNCTIONS
    ]
    record.write(TABLE, rows)
    for compared, one in (("kernels", "llvm"), ("quick_kernels", "kernels")):
        shares = [row[f"{compared}_median_ms"] / row[f"{one}_median_ms"] for row in rows]
        print(f"{compared} over {one}: geometric mean {statistics.geometric_mean(shares):.2f}, {min(shares):.2f} to "
              f"{max(shares):.2f}")  # fmt: skip
    for other in ("eager", "own", "torch_compile"):
        ratios = [row[f"{other}_over_llvm"] for row in rows if row[f"{other}_over_llvm"]]
        if ratios:
            print(
                f"{other}: geometric mean {statistics.geometric_mean(ratios):.2f} of {len(ratios)}, least {min(ratios)}"
            )
    rows = [_bandwidth(text, arguments.rounds) for text in LIGHT]
    record.write(BANDWIDTH, rows)
    for row in rows:
        print({name: value for name, value in row.items() if name == "function" or name.endswith("share")})


def _row(text: str, elements: int, rounds: int, *, without_compile: bool) -> dict[str, Any]:
    activation = parse(text)
    x, upstream = torch.randn(elements, requires_grad=True), torch.randn(elements)
    eager = _eager(activation)
    runs = {"llvm": _step(activation.module(backend="llvm"), x, upstream), "eager": _step(eager, x, upstream)}
    runs["kernels"] = _kernels(activation, x, upstream, is_quick=False)
    runs["quick_kernels"] = _kernels(activation, x, upstream, is_quick=True)
    if text in OWN:
        runs["own"] = _step(OWN[text], x, upstream)
    if not without_compile:
        torch.compiler.reset()
        runs["torch_compile"] = _step(torch.compile(eager), x, upstream, eager.parameters())
    for _ in range(MUCH // elements + 1):
        runs["llvm"]()
        runs["kernels"]()
    seconds = record.interleaved(runs, rounds)
    row: dict[str, Any] = record.machine("torch", "llvmlite") | {"function": text, "elements": elements}
    row["threads"] = torch.get_num_threads()
    for name in (*_OURS, "eager", "own", "torch_compile"):
        row[f"{name}_min_ms"], row[f"{name}_median_ms"] = (
            record.milliseconds(seconds[name]) if name in seconds else ("", "")
        )
    ours = statistics.median(seconds["llvm"])
    for name in ("eager", "own", "torch_compile"):
        row[f"{name}_over_llvm"] = round(statistics.median(seconds[name]) / ours, 3) if name in seconds else ""
    row["quick_over_kernels"] = round(
        statistics.median(seconds["quick_kernels"]) / statistics.median(seconds["kernels"]), 3
    )
    print(text, {name: row[f"{name}_over_llvm"] for name in ("eager", "own", "torch_compile")}, flush=True)
    return row


class _eager(torch.nn.Module):  # noqa: N801 - what a user writes without us
    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.function = Eager(activation)
        self.own = torch.nn.ParameterList([torch.full((1,), spec.scalar) for spec in activation.parameters])

    def forward(self, x: Tensor) -> Tensor:
        return self.function([x], list(self.own), 1)


def _step(
    function: Callable[[Tensor], Tensor], x: Tensor, upstream: Tensor, parameters: Any = None
) -> Callable[[], object]:
    """A forward and a backward of `function`."""
    own: Sequence[Tensor] = list(parameters or (function.parameters() if isinstance(function, torch.nn.Module) else ()))
    return lambda: torch.autograd.grad(function(x), [x, *own], upstream, allow_unused=True)


def _kernels(activation: Activation, x: Tensor, upstream: Tensor, *, is_quick: bool) -> Callable[[], object]:
    """The kernels of a forward and a backward alone, into memory that is there; those compiled quickly if asked for."""
    with tempfile.TemporaryDirectory() as folder:
        fused = load_backend("llvm").compile(activation, cache=Path(folder)).forward
        forward, backward = fused.runner, fused.derivative.runner
        if is_quick:
            forward.worked = backward.worked = -(1 << 62)
        parameters = [torch.full((1,), spec.scalar) for spec in activation.parameters]
        x, y, dx = x.detach(), torch.empty_like(x), torch.empty_like(x)

        def run() -> None:
            forward.into([y], [x], parameters, 1)
            backward.into([dx], [x, upstream], parameters, 1)

        run()
    return run


def _bandwidth(text: str, rounds: int) -> dict[str, Any]:
    elements = 1 << 24
    activation = parse(text)
    fused = load_backend("llvm").compile(activation).forward
    forward, backward = fused.runner, fused.derivative.runner
    parameters = [torch.full((1,), spec.scalar) for spec in activation.parameters]
    x, upstream, out = torch.randn(elements), torch.randn(elements), torch.empty(elements)
    seconds = record.interleaved(
        {
            "loop": lambda: torch.add(x, upstream, out=out),
            "forward": lambda: forward.into([out], [x], parameters, 1),
            "backward": lambda: backward.into([out], [x, upstream], parameters, 1),
            "fresh_loop": lambda: torch.add(x, upstream),
            "fresh_forward": lambda: forward([x], parameters, 1),
            "fresh_backward": lambda: backward([x, upstream], parameters, 1),
        },
        rounds,
    )
    moved = {name: 8 if name.endswith("forward") else 12 for name in seconds}
    speed = {name: elements * moved[name] / 1e9 / statistics.median(values) for name, values in seconds.items()}
    return record.machine("torch", "llvmlite") | {
        "function": text,
        "elements": elements,
        "threads": torch.get_num_threads(),
        **{f"{name}_gigabytes_a_second": round(speed[name], 2) for name in ("loop", "fresh_loop")},
        **{f"{way}_share": round(speed[way] / speed["loop"], 3) for way in ("forward", "backward")},
        **{
            f"fresh_{way}_share": round(speed[f"fresh_{way}"] / speed["fresh_loop"], 3)
            for way in ("forward", "backward")
        },
    }


if __name__ == "__main__":
    # Else processes start in the background at the first compilation, and what is timed then is slow.
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    main()
