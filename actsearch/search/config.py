"""What a search is asked to do: a frozen nested value, changed by dotted keys (`--set evolution.population=128`)."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from actsearch.errors import ConfigError, unknown_name
from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.protocols.cost import Cost
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.escape import Escape
from actsearch.evaluate.protocols.gradient import Gradient
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.protocols.signal import Signal
from actsearch.evaluate.protocols.stability import Stability, When
from actsearch.evaluate.protocols.trivial import Trivial
from actsearch.grammar.activation import granularity_of
from actsearch.grammar.space import Space
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.search.strategies.random import RandomSearch, RandomSettings
from actsearch.search.strategy import Strategy

STRATEGIES: Mapping[str, Callable[[Space, Any], Strategy]] = {"evolution": Evolution, "random": RandomSearch}
_MOST = 1_000_000
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("generation", 1, _MOST),
    ("finalists", 1, _MOST),
    ("finalists_apart", 0, 1),
    # The seeds of the finals begin 500 after those of the search, and those of the next `--seed` 500 later.
    ("search_seeds", 0, 500),
    ("final_seeds", 0, 500),
    ("protocols.signal.depth", 1, 1000),
    ("protocols.signal.start", 0, _MOST),
    ("protocols.escape.depth", 1, _MOST),
    ("ladder.survivors", 1, _MOST),
    ("ladder.baselines", 1, _MOST),
    ("ladder.trials", 1, _MOST),
    ("ladder.together", 1, _MOST),
    ("ladder.grace", 0.001, 1),
    ("ladder.reduction", 1.01, _MOST),
    ("ladder.rates", 1, _MOST),
    ("ladder.spread", 0, _MOST),
    ("ladder.time_limit", 0, _MOST),
    ("protocols.stability.steps", 1, _MOST),
    ("evolution.population", 2, _MOST),
    ("evolution.tournament", 1, _MOST),
    ("evolution.crossover", 0, 1),
    ("evolution.fresh", 0, 1),
)
"""Settings that have a smallest and a largest value."""
_CHOICES: Mapping[str, tuple[str, ...]] = {"protocols.stability.when": get_args(When)}
"""Settings that have one of a few values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocols:
    """Thresholds of the rejection protocols."""

    domain: Domain = field(default_factory=Domain)
    trivial: Trivial = field(default_factory=Trivial)
    gradient: Gradient = field(default_factory=Gradient)
    signal: Signal = field(default_factory=Signal)
    escape: Escape = field(default_factory=Escape)
    """For spaces that ask for it."""
    cost: Cost = field(default_factory=Cost)
    quality: Quality = field(default_factory=Quality)
    stability: Stability = field(default_factory=Stability)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """Settings of a search; every field can be set from the command line."""

    generation: int = 32
    """Candidates that are evaluated together before the strategy is told."""
    finalists: int = 10
    """How many of the best are trained again on fresh seeds."""
    finalists_apart: float = 0.999
    """Correlation of outputs above which two candidates are one function, of which only the better goes further.

    So are two that differ in initial values of parameters only. 1 lets all go further; see `search.finalists`.
    """
    search_seeds: int = 0
    """Seeds a candidate is scored with; 0 leaves it to the task."""
    final_seeds: int = 0
    """Fresh seeds of the finals; 0 leaves it to the task."""
    granularity: str = ""
    """`layer` or `channel` for every parameter; empty leaves it to the space."""
    track_uri: str = ""
    """MLflow tracking URI; empty is a database in the store, `none` switches MLflow off."""
    protocols: Protocols = field(default_factory=Protocols)
    ladder: LadderSettings = field(default_factory=LadderSettings)
    evolution: EvolutionSettings = field(default_factory=EvolutionSettings)
    random: RandomSettings = field(default_factory=RandomSettings)

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """The default configuration with `settings` (dotted key to text) applied; raises `ConfigError`."""
        config = cls()
        for key, text in settings.items():
            config = _replaced(config, key.split("."), key, text)
        for key, least, most in _BOUNDS:
            value: float = operator.attrgetter(key)(config)
            if not least <= value <= most:
                raise ConfigError(f"the setting {key} is {value:g}: give {least:g} to {most:g}.")
        for key, choices in _CHOICES.items():
            chosen: str = operator.attrgetter(key)(config)
            if chosen not in choices:
                raise ConfigError(f"the setting {key} is {chosen[:40]!r}: give one of {', '.join(choices)}.")
        if config.granularity:
            granularity_of(config.granularity)
        return config


def make_strategy(name: str, space: Space, config: SearchConfig) -> Strategy:
    """The strategy called `name`; raises `UnknownNameError`."""
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    return STRATEGIES[name](space, getattr(config, name))


def _replaced(config: Any, path: list[str], key: str, text: str) -> Any:
    name, *deeper = path
    fields = {f.name: f for f in dataclasses.fields(config)}
    if name not in fields:
        raise unknown_name("setting", key, _keys(SearchConfig()))
    value = getattr(config, name)
    if dataclasses.is_dataclass(value):
        if not deeper:
            raise unknown_name("setting", key, _keys(SearchConfig()))
        return dataclasses.replace(config, **{name: _replaced(value, deeper, key, text)})
    if deeper:
        raise unknown_name("setting", key, _keys(SearchConfig()))
    kind = type(value)
    try:
        read = kind(text)
    except ValueError:
        read = math.nan
    # NaN compares false with everything, so a threshold of NaN would reject or pass all.
    if isinstance(read, float) and math.isnan(read):
        raise ConfigError(f"the setting {key} is {text[:40]!r}: give a value of type {kind.__name__}.")
    return dataclasses.replace(config, **{name: read})


def _keys(config: Any, prefix: str = "") -> list[str]:
    keys = []
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        keys += _keys(value, f"{prefix}{f.name}.") if dataclasses.is_dataclass(value) else [prefix + f.name]
    return keys
