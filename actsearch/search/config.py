"""What a search is asked to do: a frozen nested value, changed by dotted keys (`--set evolution.population=128`)."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from actsearch.errors import ConfigError, unknown_name
from actsearch.evaluate import objectives
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
from actsearch.search.shortlist import By, ShortlistSettings
from actsearch.search.strategies import STRATEGIES

_MOST = 1_000_000
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("generation", 1, _MOST),
    ("first_generation", 1, _MOST),
    ("finalists", 1, _MOST),
    ("finalists_apart", 0, 1),
    # Seeds of the shortlist begin 250 after those of the search, of the finals 500, of the next `--seed` 1000 after.
    ("search_seeds", 0, 250),
    ("seed_turns", 0, 250),
    ("shortlist.length", 0, _MOST),
    ("shortlist.seeds", 1, 250),
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
)
"""Settings that have a smallest and a largest value; strategies state those of theirs in `BOUNDS`."""
_CHOICES: Mapping[str, tuple[str, ...]] = {"protocols.stability.when": get_args(When), "shortlist.by": get_args(By)}
"""Settings that have one of a few values; strategies state those of theirs in `CHOICES`."""


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
    first_generation: int = 4
    """How few they are at first, so that what is known early is used early: a generation is a quarter of all before."""
    finalists: int = 10
    """How many of the best are trained again on fresh seeds."""
    finalists_apart: float = 0.999
    """Correlation of outputs above which two candidates are one function, of which only the better goes further.

    So are two that differ in initial values of parameters only. 1 lets all go further; see `search.finalists`.
    """
    search_seeds: int = 0
    """Seeds a candidate is scored with; 0 leaves it to the task."""
    seed_turns: int = 0
    """Sets of so many seeds that generations take turns on, at most 250 seeds in all; 0 leaves it to the task.

    With objectives it is one: what they measure with some seeds does not compare with what they do with others.
    """
    final_seeds: int = 0
    """Fresh seeds of the finals; 0 leaves it to the task."""
    granularity: str = ""
    """`layer` or `channel` for every parameter; empty leaves it to the space."""
    objectives: str = ""
    """Names with commas of what is measured of every candidate besides its score (see `evaluate/objectives/`)."""
    track_uri: str = ""
    """MLflow tracking URI; empty is a database in the store, `none` switches MLflow off."""
    protocols: Protocols = field(default_factory=Protocols)
    shortlist: ShortlistSettings = field(default_factory=ShortlistSettings)
    ladder: LadderSettings = field(default_factory=LadderSettings)
    strategies: Mapping[str, Any] = field(
        default_factory=lambda: {n: kind.settings() for n, kind in STRATEGIES.items()}
    )
    """Constants of each strategy, by its name; the key of one of them is `evolution.population`."""

    def generation_after(self, evaluated: int) -> int:
        """Candidates of the next generation, after so many."""
        return min(self.generation, max(self.first_generation, evaluated // 4))

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """The default configuration with `settings` (dotted key to text) applied; raises `ConfigError`."""
        config = cls()
        for key, text in settings.items():
            first, *path = key.split(".")
            if first in STRATEGIES:
                changed = _replaced(config.strategies[first], path, key, text)
                config = dataclasses.replace(config, strategies={**config.strategies, first: changed})
            else:
                config = _replaced(config, [first, *path], key, text)
        for key, least, most in _BOUNDS:
            _check_bounds(key, operator.attrgetter(key)(config), least, most)
        for key, choices in _CHOICES.items():
            _check_choice(key, operator.attrgetter(key)(config), choices)
        for name, kind in STRATEGIES.items():
            for key, (least, most) in getattr(kind.settings, "BOUNDS", {}).items():
                _check_bounds(f"{name}.{key}", getattr(config.strategies[name], key), least, most)
            for key, choices in getattr(kind.settings, "CHOICES", {}).items():
                _check_choice(f"{name}.{key}", getattr(config.strategies[name], key), choices)
        objectives.read(config.objectives)
        if config.granularity:
            granularity_of(config.granularity)
        return config

    @property
    def going_further(self) -> int:
        """How many candidates the rung after the search's own takes."""
        return max(self.finalists, self.ladder.survivors) if self.ladder.task else self.finalists

    @property
    def objective_names(self) -> tuple[str, ...]:
        """Those of `objectives` one by one, the score first if there are any."""
        names = objectives.read(self.objectives)
        return (objectives.QUALITY, *(name for name in names if name != objectives.QUALITY)) if names else ()


def _check_bounds(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ConfigError(f"the setting {key} is {value:g}: give {least:g} to {most:g}.")


def _check_choice(key: str, chosen: str, choices: tuple[str, ...]) -> None:
    if chosen not in choices:
        raise ConfigError(f"the setting {key} is {chosen[:40]!r}: give one of {', '.join(choices)}.")


def _replaced(config: Any, path: list[str], key: str, text: str) -> Any:
    name, *deeper = path or [""]
    fields = {f.name for f in dataclasses.fields(config) if not isinstance(getattr(config, f.name), Mapping)}
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
        if isinstance(value, Mapping):
            keys += [key for name, settings in value.items() for key in _keys(settings, f"{name}.")]
        else:
            keys += _keys(value, f"{prefix}{f.name}.") if dataclasses.is_dataclass(value) else [prefix + f.name]
    return keys
