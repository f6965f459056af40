"""What a search space is to a search: genomes that are sampled, changed, crossed, written down and expressed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from actsearch.grammar.activation import Candidate


class Genome(Protocol):
    """How a candidate is written in its space: a value, equal to another of the same parts."""

    def encode(self) -> str:
        """JSON text, which the space's `decode` reads back."""
        ...


Move = Callable[[Any, random.Random], Any]
"""From a genome and a generator to another genome of the same space; None where none was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many genomes a space has, values that moves may change freely (initial values of parameters) aside."""

    count: int
    exact: bool = True
    """Otherwise `count` is a bound from above."""

    def __str__(self) -> str:
        shown = f"{self.count:,}" if self.count < 10**15 else f"{Decimal(self.count):.3g}"
        return f"{shown} genomes (exact)" if self.exact else f"at most {shown} genomes"


class Space(Protocol):
    """A set of genomes. Nothing here draws from any generator but the one that is handed in."""

    @property
    def name(self) -> str:
        """Name of its file."""
        ...

    @property
    def title(self) -> str:
        """What it holds, in words."""
        ...

    @property
    def paper(self) -> str:
        """Where it comes from."""
        ...

    @property
    def inputs(self) -> frozenset[str]:
        """Inputs that some candidate reads."""
        ...

    @property
    def selectors(self) -> tuple[str, ...]:
        """The sites or lanes that every candidate assigns an activation to; `("*",)` is one activation everywhere."""
        ...

    @property
    def protocols(self) -> tuple[str, ...]:
        """Rejections that its candidates face beside those of every search."""
        ...

    @property
    def moves(self) -> Mapping[str, Move]:
        """Mutations by name."""
        ...

    def sample(self, random_generator: random.Random) -> Any:
        """A random genome."""
        ...

    def crossover(self, first: Any, second: Any, random_generator: random.Random) -> tuple[Any, Any] | None:
        """Two genomes from two; None where none was found."""
        ...

    def candidate(self, genome: Any) -> Candidate:
        """What `genome` stands for."""
        ...

    def decode(self, text: str) -> Any:
        """The genome that `encode` wrote; raises `SpaceError` for any other text."""
        ...

    def contains(self, genome: Any) -> bool:
        """Whether `genome` belongs to the space."""
        ...

    def size(self) -> Size:
        """Number of genomes."""
        ...

    def enumerate(self) -> Iterator[Any]:
        """Every genome once, parameters at the space's own initial values, in a fixed order; made one by one."""
        ...
