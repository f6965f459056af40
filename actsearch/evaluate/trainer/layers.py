"""Activations that no stacked function computes: a module for each member and site.

Statistics keep running estimates and draws keep their noise to themselves, so such a subject costs a call for each of
its members; what works point by point goes through the stack at once (see `stacked`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from actsearch.evaluate.task import Subject

_STEPS, _SITES = 1 << 20, 1 << 8


class Layers:
    """The modules of one subject; its members differ in learning rate."""

    def __init__(self, modules: Sequence[Sequence[nn.Module]], rates: Sequence[float], seed: int) -> None:
        self._modules = modules
        """By member, then by site."""
        self._rates, self._seed = rates, seed
        self._graphs: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        """What went into the last forward of a site, and what came out, by member."""
        self._adams = [
            torch.optim.Adam(parameters, lr=rate) if (parameters := _parameters(sites)) else None
            for sites, rate in zip(modules, rates, strict=True)
        ]

    @classmethod
    def of(cls, subject: Subject, widths: Sequence[int], rates: Sequence[float], seed: int) -> Layers:
        """Fresh modules for hidden layers of the given widths."""
        members = []
        for _ in rates:
            shared: dict[str, nn.Parameter] = {}
            sites = []
            for width in widths:
                module = subject.module(width, shared=shared).eval()
                with torch.no_grad():
                    module(torch.zeros(1, width))  # Parameters get the shapes that an input tells.
                sites.append(module.train())
            members.append(sites)
        return cls(members, rates, seed)

    def forward(self, site: int, x: Tensor, step: int | None) -> Tensor:
        """See `Activations`."""
        given = [own.detach().requires_grad_(step is not None) for own in x.unbind(0)]
        results = []
        for sites, own in zip(self._modules, given, strict=True):
            module = sites[site].train(step is not None)
            with _drawn_from(self._seed, step or 0, site), torch.set_grad_enabled(step is not None):
                results.append(module(own))
        if step is not None:
            self._graphs[site] = given, results
        return torch.stack(results).detach()

    def backward(self, site: int, upstream: Tensor) -> Tensor:
        """See `Activations`."""
        given, results = self._graphs.pop(site)
        torch.autograd.backward(results, list(upstream.unbind(0)))
        return torch.stack([torch.zeros_like(x) if x.grad is None else x.grad for x in given])

    def update(self, step: int) -> None:  # noqa: ARG002 - the optimisers count for themselves
        """See `Activations`."""
        for adam in self._adams:
            if adam is not None:
                adam.step()
                adam.zero_grad()

    def is_finite(self) -> Tensor:
        """See `Activations`."""
        finite = [all(bool(p.isfinite().all()) for p in _parameters(sites)) for sites in self._modules]
        return torch.tensor(finite)

    def only(self, positions: Sequence[int]) -> Layers:
        """See `Activations`."""
        kept = Layers([self._modules[p] for p in positions], [self._rates[p] for p in positions], self._seed)
        kept._adams = [self._adams[p] for p in positions]
        return kept


def _parameters(sites: Sequence[nn.Module]) -> list[nn.Parameter]:
    """The parameters of one member, those that its sites share once."""
    return list({id(parameter): parameter for site in sites for parameter in site.parameters()}.values())


@contextmanager
def _drawn_from(seed: int, step: int, site: int) -> Iterator[None]:
    """What is drawn inside depends on these three alone, whatever else is in the stack, and is missed by nobody."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed((seed * _STEPS + step) * _SITES + site)
    try:
        yield
    finally:
        torch.set_rng_state(before)
