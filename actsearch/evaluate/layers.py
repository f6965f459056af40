"""Layers of one subject in a stack that no stacked function computes: a module for each member and site.

Statistics keep running estimates and draws keep their noise to themselves, so such a subject costs a call for each of
its members; what works point by point goes through the stack at once (see `trainer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from actsearch.evaluate.leaf import Leaf
from actsearch.evaluate.task import Subject

STACKED = ("layer", "channel")
"""Granularities of the parameters that a stacked function has."""
_STEPS, _SITES = 1 << 20, 1 << 8


def is_stacked(subject: Subject) -> bool:
    """Whether all members of a subject can be computed by one function of a stacked tensor."""
    return subject.activation.unsupported_by_pointwise(STACKED) is None


@dataclass(slots=True, kw_only=True)
class Layers:
    """The modules of one subject; its members differ in learning rate, then in seed."""

    modules: list[list[nn.Module]]
    """By site, then by member."""
    leaves: list[tuple[int, Leaf]]
    """Every trained tensor with the member it belongs to."""
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, subject: Subject, widths: Sequence[int], rates: int, seeds: Sequence[int]) -> Layers:
        """Fresh modules for hidden layers of the given widths."""
        sites: list[list[nn.Module]] = [[] for _ in widths]
        leaves = []
        for member in range(rates * len(seeds)):
            shared: dict[str, nn.Parameter] = {}
            for site, width in zip(sites, widths, strict=True):
                module = subject.module(width, shared=shared).eval()
                with torch.no_grad():
                    module(torch.zeros(1, width))  # Parameters get the shapes that an input tells.
                site.append(module.train())
            own = {id(p): p for site in sites for p in site[member].parameters()}
            leaves += [(member, Leaf.of(parameter)) for parameter in own.values()]
        return cls(modules=sites, leaves=leaves, seeds=tuple(seeds))

    def activate(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """The activations of `x`, (members, samples, width), in training step `step`; None is evaluation."""
        results = []
        for member, (module, own) in enumerate(zip(self.modules[site], x.unbind(0), strict=True)):
            module.train(step is not None)
            with _drawn_from(self.seeds[member % len(self.seeds)], step or 0, site):
                results.append(module(own))
        return torch.stack(results)

    def update(self, rates: Tensor, step: int) -> None:
        """One Adam step; `rates` has the learning rate of each member."""
        for member, leaf in self.leaves:
            leaf.update(rates[member : member + 1], step)


@contextmanager
def _drawn_from(seed: int, step: int, site: int) -> Iterator[None]:
    """What is drawn inside depends on these three alone, whatever else is in the stack, and is missed by nobody."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed((seed * _STEPS + step) * _SITES + site)
    try:
        yield
    finally:
        torch.set_rng_state(before)
