"""Memory that a training step keeps for its backward, and what becomes of the losses.

    python benchmarks/saved_memory.py [--only memory|losses] [--steps 300] [--seeds 3]

Two models, each with torch's own activation (`eager`), and with ours that keeps its input, what `saving="auto"`
chooses, and two bits. The multilayer perceptron has 6 hidden layers of 512 and a batch of 4,096; the transformer is
pre-norm and has 4 blocks of width 128, a context of 128, a batch of 32, and attention by torch's fused kernel. Kept
bytes are those of all distinct tensors that autograd saves, parameters aside, counted by its hooks; the peak is how far
the process' resident memory rises in a step above where it stood before, with the gradients there already.

Losses are those of smaller models of the same kinds: on scikit-learn's digits (4 hidden layers of 128, batches of 128)
and on the sources of Python's standard library (2 blocks of width 64, context 64, batches of 16), Adam at 1e-3. Runs of
one seed share initial weights and data. Of each run: the mean of the last 50 losses; how far the curve, smoothed over
20 steps, is from that of `eager` with the same seed, at most; and the same between seeds of `eager`, for scale. Writes
`benchmarks/saved_memory.csv` and `benchmarks/saved_losses.csv` anew.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import gc
import itertools
import re
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from actsearch.compile.saving import saved_bits
from actsearch.grammar.activation import parse

MEMORY, LOSSES = (Path(__file__).with_name(f"saved_{name}.csv") for name in ("memory", "losses"))
EAGER: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish, "tanh": nn.Tanh, "relu": nn.ReLU,
}  # fmt: skip
VARIANTS = ("eager", "input", "auto", "bits:2")
Make = Callable[[], nn.Module]
_MMAP_THRESHOLD = -3  # As malloc.h has it.


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("memory", "losses"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    # Tensors get pages of their own, which go back to the system when they are freed.
    ctypes.CDLL("libc.so.6").mallopt(_MMAP_THRESHOLD, 1 << 16)
    if arguments.only != "losses":
        record.write(
            MEMORY, [*_memory(("perceptron", "transformer"), torch.float32), *_memory(("perceptron",), torch.bfloat16)]
        )
    if arguments.only != "memory":
        LOSSES.unlink(missing_ok=True)
        # One by one, as this takes long.
        for row in _losses(arguments.steps, arguments.seeds):
            record.append(LOSSES, row)


def _layer(name: str, variant: str) -> nn.Module:
    return EAGER[name]() if variant == "eager" else parse(f"{name}(x)").module(backend="llvm", saving=variant)


class Transformer(nn.Module):
    """A causal character model; see the module's docstring."""

    def __init__(self, symbols: int, width: int, blocks: int, context: int, make: Make) -> None:
        super().__init__()
        self.symbols, self.places = nn.Embedding(symbols, width), nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.Sequential(*(Block(width, make) for _ in range(blocks)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, symbols))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next symbols."""
        found: Tensor = self.head(self.blocks(self.symbols(tokens) + self.places))
        return found


class Block(nn.Module):
    """Attention of 4 heads, and a feed-forward part of four times the width."""

    def __init__(self, width: int, make: Make) -> None:
        super().__init__()
        self.before, self.mixed, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), make(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """The residual stream behind the block."""
        batch, context, width = x.shape
        heads = self.mixed(self.before(x)).view(batch, context, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, context, width))
        found: Tensor = x + self.feed(x)
        return found


def perceptron(inputs: int, width: int, hidden: int, outputs: int, make: Make) -> nn.Module:
    """Linear layers with activations between them."""
    sizes = [inputs, *[width] * hidden]
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), make())]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def _memory(models: Sequence[str], dtype: torch.dtype) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for model, name, variant in itertools.product(models, EAGER, VARIANTS):
        torch.manual_seed(0)
        make = functools.partial(_layer, name, variant)
        if model == "perceptron":
            net = perceptron(64, 512, 6, 10, make)
            x, target = torch.randn(4096, 64, dtype=dtype), torch.randint(10, (4096,))
        else:
            net = Transformer(96, 128, 4, 128, make)
            x, target = torch.randint(96, (32, 128)), torch.randint(96, (32 * 128,))
        net = net.to(dtype)
        kept, peak = _kept_bytes(net, x, target), _peak_bytes(net, x, target)
        base = next((row for row in rows if (row["model"], row["activation"]) == (model, name)), None)
        own = {"kept_mib": kept / 2**20, "peak_mib": peak / 2**20}
        rows.append(
            record.machine("torch", "llvmlite")
            | {"model": model, "activation": name, "dtype": str(dtype).removeprefix("torch."), "variant": variant}
            | {key: round(value, 2) for key, value in own.items()}
            | {f"{key}_less": round(1 - value / base[key], 3) if base else 0.0 for key, value in own.items()}
            | {"layer_bits": "" if variant == "eager" else saved_bits(parse(f"{name}(x)"), dtype, variant)}
        )
        print(*list(rows[-1].values())[3:], flush=True)
    return rows


def _loss(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(net(x).flatten(0, -2).float(), target)


def _kept_bytes(net: nn.Module, x: Tensor, target: Tensor) -> int:
    own = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        # The graph is alive, so that no two tensors have had the same place.
        loss = _loss(net, x, target)
    total = sum(kept.values())
    loss.backward()
    return total


def _peak_bytes(net: nn.Module, x: Tensor, target: Tensor) -> int:
    """The most of three steps' rises, after one that has made gradients and compiled kernels."""
    optimiser, rises = torch.optim.SGD(net.parameters(), lr=1e-3), []
    for _ in range(3):
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        optimiser.zero_grad(set_to_none=False)
        _loss(net, x, target).backward()
        optimiser.step()
        rises.append(_status("VmHWM") - before)
    return min(rises)


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit("this system does not say how much memory a process has")
    return 1024 * int(found[1])


def _losses(steps: int, seeds: int) -> Iterator[dict[str, Any]]:
    runs = (("perceptron", "float32"), ("perceptron", "bfloat16"), ("transformer", "float32"))
    for (model, dtype), name in itertools.product(runs, ("gelu", "silu", "mish")):
        curves = {}
        for variant in ("eager", "auto", "bits:2"):
            make = functools.partial(_layer, name, variant)
            curves[variant] = np.stack([_curve(model, dtype, make, steps, seed) for seed in range(seeds)])
        smooth = {variant: np.apply_along_axis(_smoothed, 1, own) for variant, own in curves.items()}
        between = max(float(np.abs(a - b).max()) for a, b in itertools.combinations(smooth["eager"], 2))
        for variant, own in curves.items():
            distance = float(np.abs(smooth[variant] - smooth["eager"]).max())
            row = record.machine("torch", "llvmlite") | {
                "model": model, "activation": name, "dtype": dtype, "variant": variant, "steps": steps, "seeds": seeds,
                "last_loss": round(float(own[:, -50:].mean()), 4), "largest_distance": round(distance, 4),
                "between_seeds": round(between, 4),
            }  # fmt: skip
            print(*list(row.values())[3:], flush=True)
            yield row


def _smoothed(curve: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.convolve(curve, np.ones(20) / 20, mode="valid")


def _curve(model: str, dtype: str, make: Make, steps: int, seed: int) -> np.ndarray[Any, Any]:
    torch.manual_seed(seed)
    net = perceptron(64, 128, 4, 10, make) if model == "perceptron" else Transformer(129, 64, 2, 64, make)
    draw, optimiser = torch.Generator().manual_seed(seed), torch.optim.Adam(net.parameters(), lr=1e-3)
    batch, losses = _digits if model == "perceptron" else _sources, []
    for _ in range(steps):
        x, target = batch(draw)
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = _loss(net, x, target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return np.array(losses)


def _digits(draw: torch.Generator) -> tuple[Tensor, Tensor]:
    chosen = torch.randint(len(DIGITS[0]), (128,), generator=draw)
    return DIGITS[0][chosen], DIGITS[1][chosen]


def _sources(draw: torch.Generator) -> tuple[Tensor, Tensor]:
    starts = torch.randint(len(TEXT) - 65, (16, 1), generator=draw)
    windows = TEXT[starts + torch.arange(65)]
    return windows[:, :-1], windows[:, 1:].flatten()


_IMAGES, _LABELS = load_digits(return_X_y=True)
DIGITS = torch.tensor(_IMAGES / 16, dtype=torch.float32), torch.tensor(_LABELS)
_FOLDER = Path(sysconfig.get_paths()["stdlib"])
TEXT = torch.tensor(
    [min(byte, 128) for path in sorted(_FOLDER.glob("[a-d]*.py")) for byte in path.read_bytes()], dtype=torch.long
)

if __name__ == "__main__":
    main()
