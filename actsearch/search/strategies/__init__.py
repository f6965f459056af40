"""Strategies, one a file; `STRATEGIES` finds them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from actsearch.errors import unknown_name
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Space
from actsearch.search.strategies.annealing import Annealing, AnnealingSettings
from actsearch.search.strategies.auto import Auto, AutoSettings
from actsearch.search.strategies.controller import Controller, ControllerSettings
from actsearch.search.strategies.entropy import Entropy, EntropySettings
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategies.exhaustive import Exhaustive, ExhaustiveSettings
from actsearch.search.strategies.gradient import Gradient, GradientSettings
from actsearch.search.strategies.islands import Islands, IslandsSettings
from actsearch.search.strategies.pareto import Pareto, ParetoSettings
from actsearch.search.strategies.placement import Placement, PlacementSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategies.surrogate import Surrogate, SurrogateSettings
from actsearch.search.strategy import Strategy


class Kind(NamedTuple):
    """A strategy by its class and that of its settings, whose values by default are the strategy's."""

    make: Callable[[Space, Any, Task | None], Strategy]
    settings: type[Any]


STRATEGIES: Mapping[str, Kind] = {
    "annealing": Kind(Annealing, AnnealingSettings),
    "auto": Kind(Auto, AutoSettings),
    "controller": Kind(Controller, ControllerSettings),
    "entropy": Kind(Entropy, EntropySettings),
    "evolution": Kind(Evolution, EvolutionSettings),
    "exhaustive": Kind(Exhaustive, ExhaustiveSettings),
    "gradient": Kind(Gradient, GradientSettings),
    "islands": Kind(Islands, IslandsSettings),
    "pareto": Kind(Pareto, ParetoSettings),
    "placement": Kind(Placement, PlacementSettings),
    "random": Kind(RandomSearch, RandomSettings),
    "surrogate": Kind(Surrogate, SurrogateSettings),
}


def make_strategy(name: str, space: Space, settings: Mapping[str, Any], task: Task | None = None) -> Strategy:
    """The strategy called `name` with its own of `settings`; raises `UnknownNameError`.

    `auto` makes others, with theirs.
    """
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    if name == "auto":
        return Auto(space, settings[name], task, settings)
    return STRATEGIES[name].make(space, settings[name], task)
