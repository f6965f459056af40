"""Every file of the folder, and what is asked of all of them."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from actsearch import plugins
from actsearch.grammar.activation import Activation
from actsearch.grammar.space import Space, open_space

NAMES = sorted(path.stem for path in plugins.folder("search_spaces").glob("*.yaml"))
SAMPLES = 200
MOST_ENUMERATED = 20_000


@functools.cache
def space_called(name: str) -> Space:
    return open_space(name)


@functools.cache
def samples_of(name: str) -> tuple[Any, ...]:
    rng = random.Random(f"samples of {name}")
    return tuple(space_called(name).sample(rng) for _ in range(SAMPLES))


def activations(name: str) -> Iterator[Activation]:
    """The different activations among the samples, whichever site or lane they are assigned to."""
    seen: dict[Activation, None] = {}
    for genome in samples_of(name):
        seen |= {activation: None for _, activation in space_called(name).candidate(genome).assignment}
    return iter(seen)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def space(name: str) -> Space:
    return space_called(name)
