"""Another activation for a trained model: the ReLU of a small transformer is replaced, and it is trained on briefly.

Mirzadeh et al. (2023), ReLU Strikes Back, arXiv:2310.04564, replace the activation of trained language models and train
them on for a small part of the first training. Here the model is that of `stdlib-gpt` with ReLU, trained for 200 steps
once for each seed, the same for all candidates. The candidate takes the place of ReLU in both blocks, which may hold
different functions, and everything is trained for 30 steps on text that follows.

Metric: minus the cross-entropy (bits a character) on held-out files after that. Fidelity: steps after the replacement.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.evaluate.descent import descend, drawn_from, scale_weights
from actsearch.evaluate.task import Curve, MakeActivation, Task, subject_of

_GPT = plugins.load("workers", "stdlib-gpt")
BEFORE = "relu"
FIRST_RATE = 3e-3


class Swap(Task):
    """Replace the activation of a trained transformer and recover what it knew."""

    metric: ClassVar[str] = "minus the cross-entropy (bits a character) after the replacement"
    chance: ClassVar[float] = _GPT.StdlibGpt.chance
    learning_rates: ClassVar[tuple[float, ...]] = (3e-4, 1e-3, 3e-3)
    search_seeds: ClassVar[int] = 1
    final_seeds: ClassVar[int] = 8
    baselines: ClassVar[tuple[str, ...]] = (BEFORE, "gelu", "silu", "elu", "relu2")
    fidelity: ClassVar[str] = "steps after the replacement"
    seconds: ClassVar[float] = 2.0
    layers: ClassVar[int] = _GPT.BLOCKS
    first_steps: ClassVar[int] = 200
    steps: ClassVar[int] = 30

    def curve(self, make_activation: MakeActivation, seed: int, learning_rate: float) -> Curve:
        """Cross-entropy, Adam, on from where the first training ended."""
        text = _GPT.read_text(seed)
        with drawn_from(seed):
            model = _GPT.Transformer(make_activation, is_normalised=True)
        model.load_state_dict(_trained(seed, self.first_steps), strict=False)

        def loss(step: int) -> Tensor:
            found: Tensor = text.loss(model, self.first_steps + step)
            return found

        yield from descend(
            model, loss, lambda: float(text.score(model)), steps=self.steps, learning_rate=learning_rate, seed=seed
        )


@lru_cache(maxsize=32)
def _trained(seed: int, steps: int) -> Mapping[str, Any]:
    """The weights of the model after its first training; ReLU has none of its own."""
    text = _GPT.read_text(seed)
    with drawn_from(seed):
        model: nn.Module = _GPT.Transformer(subject_of(catalog.find(BEFORE).activation).module, is_normalised=True)
    scale_weights(model, torch.Generator().manual_seed(seed))
    for _ in descend(
        model, lambda step: text.loss(model, step), lambda: 0.0, steps=steps, learning_rate=FIRST_RATE, seed=seed
    ):
        pass
    return model.state_dict()
