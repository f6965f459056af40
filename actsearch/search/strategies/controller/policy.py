"""The policy: a recurrent network that chooses the productions of a derivation, one after the other.

What it reads at each choice is the production that was chosen before. It starts as the space samples: the outputs'
biases are the logarithms of the productions' weights, and all else begins small.

Numbers are float64 in one thread, and what is kept of them is float32: so the last bits, which another machine's
products of matrices may have otherwise, do not add up.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.rules import RuleSpace

_SPREAD = 0.1
"""Half width of the uniform distribution that weights begin with (Zoph, Le 2017, arXiv:1611.01578, have 0.08)."""
_NEVER = -1e9
"""Logit of what does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The choices of some derivations, filled up to the longest of them."""

    read: Tensor
    """What was chosen before, (derivations, choices) in int64."""
    chosen: Tensor
    """(derivations, choices) in int64."""
    fits: Tensor
    """Which productions could be chosen, (derivations, choices, productions) in bool."""
    counts: Tensor
    """Whether there was a choice at all, (derivations, choices) in float64."""


class Policy(nn.Module):
    """Gated recurrent units (Cho et al. 2014, arXiv:1406.1078) over the productions of a space."""

    def __init__(self, space: RuleSpace, units: int) -> None:
        super().__init__()
        self._space = space
        self._productions = list(space.all_productions())
        self._index = {(p.symbol, p.name): index for index, p in enumerate(self._productions)}
        count = len(self._productions)
        # Made without values, as torch would draw them from its global generator.
        self.embed = nn.Embedding(count + 1, units, device="meta", dtype=torch.float64)
        self.recur = nn.GRU(units, units, batch_first=True, device="meta", dtype=torch.float64)
        self.output = nn.Linear(units, count, device="meta", dtype=torch.float64)
        self.to_empty(device="cpu")

    def begin(self, seed: int) -> None:
        """Set all weights to what they are before anything was learned."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-_SPREAD, _SPREAD, generator=generator)
            self.output.bias.copy_(torch.tensor([math.log(p.weight) for p in self._productions]))

    def save(self) -> str:
        """All weights as text: base64 of float32, little-endian."""
        values = nn.utils.parameters_to_vector(self.parameters()).detach().numpy().astype("<f4")
        return base64.b64encode(values.tobytes()).decode()

    def load(self, text: str) -> None:
        """Take the weights that `save` gave."""
        values = np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float64)
        parameters = list(self.parameters())
        parts = torch.from_numpy(values).split([parameter.numel() for parameter in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter.copy_(part.view_as(parameter))

    def draw(self, generator: random.Random) -> Derivation | None:
        """A derivation of the policy's choices; None if it is too long to be written."""
        inward, onward, inward_bias, onward_bias = self.recur.parameters()
        memory = torch.zeros(1, self.recur.hidden_size, dtype=torch.float64)
        read = len(self._productions)

        def choose(fitting: Sequence[Production]) -> Production:
            nonlocal memory, read
            # One step of `recur`, without what a call of it costs beside.
            given = self.embed.weight[read : read + 1]
            memory = torch.gru_cell(given, memory, inward, onward, inward_bias, onward_bias)
            indices = [self._index[p.symbol, p.name] for p in fitting]
            logits = self.output(memory[0])[indices]
            bounds = torch.cumsum(torch.softmax(logits, dim=0), dim=0).tolist()
            drawn = generator.random()
            place = next((at for at, bound in enumerate(bounds) if drawn < bound), len(bounds) - 1)
            read = indices[place]
            return fitting[place]

        with torch.no_grad():
            return self._space.derive(choose, generator)

    def batch(self, genomes: Sequence[Derivation]) -> Batch:
        """The choices that make `genomes`, which are of the space."""
        traces = [self._trace(genome) for genome in genomes]
        shape = len(traces), max(map(len, traces))
        start, count = len(self._productions), len(self._productions)
        read = torch.full(shape, start)
        chosen = torch.zeros(shape, dtype=torch.int64)
        fits = torch.zeros((*shape, count), dtype=torch.bool)
        counts = torch.zeros(shape, dtype=torch.float64)
        for row, trace in enumerate(traces):
            for at, (taken, fitting) in enumerate(trace):
                chosen[row, at] = taken
                fits[row, at, fitting] = True
                counts[row, at] = float(len(fitting) > 1)
            read[row, 1 : len(trace)] = chosen[row, : len(trace) - 1]
        fits[..., 0] |= ~fits.any(dim=2)
        return Batch(read=read, chosen=chosen, fits=fits, counts=counts)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logarithms of the probabilities of the choices, and entropies (nats), (derivations, choices) in float64."""
        found, _ = self.recur(self.embed(batch.read))
        logits = self.output(found).masked_fill(~batch.fits, _NEVER)
        logs = torch.log_softmax(logits, dim=2)
        entropies = -(logs.exp() * logs).sum(dim=2)
        return logs.gather(2, batch.chosen.unsqueeze(2)).squeeze(2), entropies

    def _trace(self, genome: Derivation) -> list[tuple[int, list[int]]]:
        """For each choice the production that was taken and those that fitted, by index."""
        waiting = [genome]
        trace: list[tuple[int, list[int]]] = []

        def choose(fitting: Sequence[Production]) -> Production:
            node = waiting.pop()
            waiting.extend(node.children[::-1])
            indices = [self._index[p.symbol, p.name] for p in fitting]
            trace.append((self._index[node.production.symbol, node.production.name], indices))
            return node.production

        self._space.derive(choose, random.Random(0))  # What is drawn here, values of parameters, is not looked at.
        return trace
