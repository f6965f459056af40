from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

import pytest

from actsearch.errors import ConfigError, UnknownNameError, UnsupportedError
from actsearch.search.config import SearchConfig
from actsearch.search.strategies import make_strategy


def leaves(config, prefix: str = ""):
    """Every setting by its dotted key."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{prefix}{field.name}.")
        elif isinstance(value, Mapping):
            for name, settings in value.items():
                yield from leaves(settings, f"{name}.")
        else:
            yield prefix + field.name, value


DEFAULTS = dict(leaves(SearchConfig()))


def others(default):
    """Values that a setting may have instead."""
    if isinstance(default, str):
        choices = (
            "never",
            "all",
            "best",
            "age",
            "layer",
            "cost,sparsity",
            "digits",
            "quality",
            "annealing",
            "late-acceptance",
            "false",
            "score",
        )
        return [value for value in (default + "x", *choices) if value != default]
    if isinstance(default, bool):
        return [not default]
    return [default + 1, default - 1] if isinstance(default, int) else [default + 1, default / 2, default + 0.01]


def is_taken(key: str, value: object) -> bool:
    try:
        SearchConfig.of({key: str(value)})
    except (ConfigError, UnknownNameError):
        return False
    return True


@pytest.mark.parametrize("key", DEFAULTS)
def test_every_setting_can_be_set_and_changes_nothing_else(key):
    default = DEFAULTS[key]
    value = next(value for value in others(default) if is_taken(key, value))
    changed = SearchConfig.of({key: str(value)})
    assert dict(leaves(changed)) == {**DEFAULTS, key: value}
    assert type(dict(leaves(changed))[key]) is type(default)
    assert dict(leaves(SearchConfig())) == DEFAULTS


def test_settings_are_applied_together():
    config = SearchConfig.of({"evolution.population": "128", "evolution.fresh": "0", "protocols.gradient.largest": "5"})
    evolution = config.strategies["evolution"]
    assert (evolution.population, evolution.fresh, evolution.tournament) == (128, 0.0, 4)
    assert (config.protocols.gradient.largest, config.protocols.gradient.smallest) == (5.0, 1e-2)
    assert SearchConfig.of({}) == SearchConfig()


def test_a_configuration_is_frozen_and_json():
    config = SearchConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.generation = 3
    document = dataclasses.asdict(config)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("evolution.populatoin", "evolution.population"),
        ("generations", "generation"),
        ("Generation", "generation"),
        ("finalist", "finalists"),
        ("protocols.gradient.larges", "protocols.gradient.largest"),
        ("evolution", "evolution.fresh"),
        ("generation.size", "generation"),
        ("protocols.quality.margin.more", "protocols.quality.margin"),
    ],
)
def test_an_unknown_setting_names_at_most_three_that_are_near(key, nearest):
    with pytest.raises(UnknownNameError, match=re.escape(f"unknown setting {key!r}: did you mean ")) as caught:
        SearchConfig.of({key: "1"})
    named = str(caught.value).partition("did you mean ")[2].rstrip("?").split(", ")
    assert nearest in named
    assert len(named) <= 3
    assert set(named) <= set(DEFAULTS)


@pytest.mark.parametrize("key", ["", ".", "evolution.", ".generation", "evolution..population", "__class__", "of"])
def test_what_is_no_key_is_an_unknown_setting(key):
    with pytest.raises(UnknownNameError, match="unknown setting"):
        SearchConfig.of({key: "1"})


@pytest.mark.parametrize(
    ("key", "text", "kind"),
    [
        ("generation", "many", "int"), ("generation", "1.5", "int"), ("generation", "", "int"),
        ("evolution.fresh", "nan", "float"), ("evolution.fresh", "half", "float"),
        ("protocols.quality.margin", "NaN", "float"), ("generation", "9" * 10_000, "int"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(key, text, kind):
    with pytest.raises(ConfigError, match=f"the setting {key} is .*: give a value of type {kind}") as caught:
        SearchConfig.of({key: text})
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("key", "inside", "outside"),
    [
        ("generation", ("1", "1000000"), ("0", "-1", "1000001")),
        ("finalists", ("1", "1000000"), ("0", "1000001")),
        ("search_seeds", ("0", "250"), ("-1", "251")),
        ("shortlist.seeds", ("1", "250"), ("0", "251")),
        ("final_seeds", ("0", "500"), ("-1", "501")),
        ("evolution.population", ("2", "1000000"), ("1", "0")),
        ("evolution.tournament", ("1",), ("0", "-4")),
        ("evolution.crossover", ("0", "1", "0.5"), ("-0.1", "1.1", "inf")),
        ("evolution.fresh", ("0", "1"), ("-0.1", "1.0001", "-inf")),
    ],
)
def test_bounds_are_kept(key, inside, outside):
    for text in inside:
        assert dict(leaves(SearchConfig.of({key: text})))[key] == float(text)
    for text in outside:
        with pytest.raises(ConfigError, match=f"the setting {key} is .*: give "):
            SearchConfig.of({key: text})


def test_an_unknown_granularity_names_the_known_ones():
    assert SearchConfig.of({"granularity": "channel"}).granularity == "channel"
    with pytest.raises(UnknownNameError, match=r"unknown granularity 'pixel': known: channel, element, group:8"):
        SearchConfig.of({"granularity": "pixel"})


def test_a_strategy_is_made_with_its_settings(swish):
    strategy = make_strategy("evolution", swish, SearchConfig.of({"evolution.population": "9"}).strategies)
    assert strategy.settings.population == 9
    with pytest.raises(UnsupportedError, match="the strategy exhaustive takes spaces of at most"):
        make_strategy("exhaustive", swish, SearchConfig().strategies)
    with pytest.raises(UnknownNameError, match="unknown strategy 'randm': did you mean random"):
        make_strategy("randm", swish, SearchConfig().strategies)
