"""Spaces small enough to be enumerated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch import plugins
from actsearch.grammar.space import Space, read_space

SMALL = """\
title: Sums of products
paper: "none: a test"
start: unit
depth:
  unit: 2
rules:
  unit:
    add: leaf_1 + unit
    wrap: sin(unit)
    leaf: leaf
  leaf:
    x: x
    scale: beta * x + gamma
weights:
  leaf:
    x: 3
parameters:
  beta:
    initial: 0.5
    granularity: channel
"""


@pytest.fixture
def write_space(tmp_path: Path) -> Callable[[str], Space]:
    """Reads a space from text."""

    def read(text: str) -> Space:
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        return read_space(path)

    return read


@pytest.fixture
def small(write_space: Callable[[str], Space]) -> Space:
    """A space with 2 symbols, one of them bounded, and two parameters."""
    return write_space(SMALL)


@pytest.fixture(scope="session")
def swish() -> Space:
    """The space of the Swish paper."""
    return read_space(plugins.find("search_spaces", "swish"))
