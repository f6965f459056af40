"""Genomes written by hand: productions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from actsearch.grammar.activation import Activation
from actsearch.grammar.space.derivation import Derivation
from actsearch.grammar.space.production import Specs
from actsearch.grammar.space.rules import RuleSpace
from tests.search_spaces.conftest import space_called

Tree = str | tuple[Any, ...]
"""A production without holes, or a production and what fills its holes."""


def _first(_: Specs) -> bool:
    return True


def derive(space: RuleSpace, tree: Tree, symbol: str = "", chosen: Callable[[Specs], bool] = _first) -> Derivation:
    """The derivation that `tree` names; of alternatives the first that is `chosen`."""
    name, *inner = (tree,) if isinstance(tree, str) else tree
    production = space.productions[symbol or space.start][name]
    children = [derive(space, t, s, chosen) for t, (_, s) in zip(inner, production.holes, strict=True)]
    specs = next(filter(chosen, production.alternatives))
    return Derivation(production=production, children=tuple(children), parameters=specs)


def activation(name: str, tree: Tree, chosen: Callable[[Specs], bool] = _first) -> Activation:
    """What `tree` stands for in the space called `name`, which contains it."""
    space = space_called(name)
    assert isinstance(space, RuleSpace)
    genome = derive(space, tree, chosen=chosen)
    assert space.contains(genome)
    return space.activation(genome)


def layer(name: str, tree: Tree, **parameters: float) -> nn.Module:
    """Its layer by torch in float64, with all entries of the named parameters set."""
    made = activation(name, tree).module(backend="torch", channels=8, dtype=torch.float64)
    with torch.no_grad():
        for key, value in parameters.items():
            getattr(made, key).fill_(value)
    return made


def points(low: float = -4.03, high: float = 4.11) -> Tensor:
    """Rows of 8 channels, with gradients; none of the numbers is a kink."""
    return torch.linspace(low, high, 96, dtype=torch.float64).reshape(12, 8).requires_grad_()
