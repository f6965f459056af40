"""A small transformer that reads Python's standard library, character by character: two blocks of width 48.

The text is that of the top-level modules of the running Python (about 4.6 MB in CPython 3.11): another version of
Python has another text, so scores of one version only can be compared. A fifth of the files, drawn by the seed, is held
out. Characters are bytes: newline, the printable ones of ASCII, and one symbol for all others. The blocks are those of
GPT-2 (Radford et al., 2019) with layer normalisation in front of each branch.

The feed-forward layer is as Shazeer (2020), GLU Variants Improve Transformer, arXiv:2002.05202, has it: for a gate
there are two projections of two thirds of the width, so that all candidates have the same number of weights; for lanes
likewise.
The two blocks may hold different functions.

Metric: minus the cross-entropy (bits a character) on 128 windows of the held-out files. Fidelity: steps.
"""

from __future__ import annotations

import math
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from actsearch.errors import TaskError
from actsearch.evaluate.descent import descend, drawn_from, scale_weights
from actsearch.evaluate.task import Curve, MakeActivation, Task

SYMBOLS = 97
"""Other bytes, newline, and the 95 printable ones of ASCII."""
CONTEXT = 64
BATCH = 16
WIDTH, HEADS, BLOCKS = 48, 4, 2
HIDDEN = 4 * WIDTH
WINDOWS = 128
HELD_OUT = 0.2
_APART = 1 << 20
"""More than there are steps in a training."""


class StdlibGpt(Task):
    """Predict the next character of Python's standard library with a small transformer."""

    metric: ClassVar[str] = "minus the cross-entropy (bits a character)"
    chance: ClassVar[float] = -math.log2(SYMBOLS)
    learning_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2)
    search_seeds: ClassVar[int] = 1
    final_seeds: ClassVar[int] = 8
    baselines: ClassVar[tuple[str, ...]] = ("relu", "gelu", "silu", "reglu", "geglu", "swiglu")
    seconds: ClassVar[float] = 3.0
    gated: ClassVar[bool] = True
    lanes: ClassVar[bool] = True
    layers: ClassVar[int] = BLOCKS
    steps: ClassVar[int] = 200
    is_normalised: ClassVar[bool] = True

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, Adam, windows drawn from the training files."""
        text = read_text(seed)
        with drawn_from(seed):
            model = Transformer(make_activation, is_normalised=self.is_normalised)
        scale_weights(model, torch.Generator().manual_seed(seed))
        yield from descend(
            model,
            lambda step: text.loss(model, step),
            lambda: text.score(model),
            steps=self.steps, learning_rate=learning_rate, seed=seed,
        )  # fmt: skip


class Transformer(nn.Module):
    """Logits (batch, length, symbols) of the next symbol, from symbols (batch, length) in int64."""

    def __init__(self, make_activation: MakeActivation, *, is_normalised: bool) -> None:
        super().__init__()
        self.symbols, self.places = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(
            *(Block(make_activation, layer, is_normalised=is_normalised) for layer in range(1, BLOCKS + 1))
        )
        self.norm = nn.LayerNorm(WIDTH) if is_normalised else nn.Identity()
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, symbols: Tensor) -> Tensor:
        """See the class."""
        x = (self.symbols(symbols) + self.places.weight[: symbols.shape[1]]) / math.sqrt(2)
        y: Tensor = self.head(self.norm(self.blocks(x)))
        return y


class Block(nn.Module):
    """Attention and feed-forward layer, each added to what it reads."""

    def __init__(self, make_activation: MakeActivation, layer: int, *, is_normalised: bool) -> None:
        super().__init__()
        before = nn.LayerNorm if is_normalised else nn.Identity
        self.before_attention, self.before_hidden = before(WIDTH), before(WIDTH)
        self.read = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.attended = nn.Linear(WIDTH, WIDTH)
        hidden = 2 * HIDDEN // (make_activation.inputs + make_activation.outputs)
        self.hidden = nn.Sequential(
            nn.Linear(WIDTH, make_activation.inputs * hidden),
            make_activation(hidden, channel_dim=-1, layer=layer),
            nn.Linear(make_activation.outputs * hidden, WIDTH),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, width) to the same; the branches of all blocks together add as much as came in."""
        share = 1 / math.sqrt(2 * BLOCKS)
        x = x + share * self._attention(self.before_attention(x))
        y: Tensor = x + share * self.hidden(self.before_hidden(x))
        return y

    def _attention(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        queries, keys, values = self.read(x).view(batch, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        y: Tensor = self.attended(found.transpose(1, 2).reshape(batch, length, width))
        return y


class Text:
    """The text of one seed: symbols of the training files one after the other, and windows of the others."""

    def __init__(self, seed: int) -> None:
        files = _files()
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(files), generator=generator).tolist()
        first = int(HELD_OUT * len(files))
        self._train = torch.cat([files[place] for place in order[first:]])
        self._windows = _drawn(torch.cat([files[place] for place in order[:first]]), WINDOWS, generator)
        self._seed = seed

    def loss(self, model: nn.Module, step: int) -> Tensor:
        """The cross-entropy (nats) of the batch of a step."""
        generator = torch.Generator().manual_seed(self._seed * _APART + step)
        return _cross_entropy(model, _drawn(self._train, BATCH, generator))

    def score(self, model: nn.Module) -> float:
        """Minus the cross-entropy (bits) of the held-out windows."""
        return -_cross_entropy(model, self._windows).item() / math.log(2)


@lru_cache(maxsize=4)
def read_text(seed: int) -> Text:
    """The text of `seed`; raises `TaskError` where the standard library has no sources."""
    return Text(seed)


def _cross_entropy(model: nn.Module, windows: Tensor) -> Tensor:
    return functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def _drawn(symbols: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Windows of one symbol more than the context, (count, context + 1)."""
    starts = torch.randint(len(symbols) - CONTEXT, (count, 1), generator=generator)
    return symbols[starts + torch.arange(CONTEXT + 1)].long()


@lru_cache(maxsize=1)
def _files() -> list[Tensor]:
    """The symbols of every module that is a file directly in the standard library, by name, in uint8."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    paths = [path for name in sorted(sys.stdlib_module_names) if (path := folder / f"{name}.py").is_file()]
    if len(paths) < 1 / HELD_OUT:
        raise TaskError(f"Python's standard library has no sources in {str(folder)!r}: use a Python that brings them.")
    table = torch.zeros(256, dtype=torch.uint8)
    table[ord("\n")] = 1
    table[32:127] = torch.arange(2, SYMBOLS)
    return [table[torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8).int()] for path in paths]
