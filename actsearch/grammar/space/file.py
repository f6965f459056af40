"""A space's YAML file: read, checked, every mistake said with file and line."""

from __future__ import annotations

import os
import random
from pathlib import Path

from actsearch import plugins
from actsearch.documents import Document, open_document
from actsearch.errors import ParseError, SpaceError
from actsearch.grammar.combinators import COMBINATORS
from actsearch.grammar.expression import Apply, walk
from actsearch.grammar.space.graph import GraphSpace
from actsearch.grammar.space.graph_file import graph_space
from actsearch.grammar.space.mixture import Mixture
from actsearch.grammar.space.model import SpaceModel
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.protocol import Space
from actsearch.grammar.space.rule_file import rule_space
from actsearch.grammar.space.rules import RuleSpace
from actsearch.grammar.statistic import statistic_of

_SAMPLES, _TRIALS = 32, 8


def open_space(names: str) -> Space:
    """The space called `names` (a name or a path), or the mixture of several, parted by commas.

    Raises `UnknownNameError`, and `SpaceError` for what is wrong in a file.
    """
    parts = names_of(names)
    members = [read_space(plugins.find("search_spaces", part)) for part in parts]
    return members[0] if len(members) == 1 else Mixture.of(members)


def lasting_name(names: str) -> str:
    """`names` with every path made absolute, so that a later `resume` finds the files from anywhere."""
    return ",".join(plugins.lasting("search_spaces", part) for part in names_of(names))


def read_space(path: Path) -> RuleSpace | GraphSpace:
    """The space in the YAML file `path`; raises `SpaceError` with file, line and what was expected."""
    document = open_document(path, SpaceModel, SpaceError)
    model = document.content
    if (model.rules is None) == (model.graph is None):
        raise SpaceError(f"{document.where('graph')}: a space has either rules or a graph: give one of the two.")
    try:
        space = rule_space(document) if model.graph is None else graph_space(document, model.graph)
        _try(space, document)
    except RecursionError:
        raise SpaceError(f"{document.where('rules')}: the rules lead too far into each other.") from None
    return space


def names_of(names: str) -> list[str]:
    """The names and paths that `names` puts together, parted by commas."""
    # A file's name may have a comma itself.
    return [names] if os.path.isfile(names) or "," not in names else [part.strip() for part in names.split(",")]  # noqa: PTH113


def _try(space: RuleSpace | GraphSpace, document: Document[SpaceModel]) -> None:
    """Express a few genomes: what only whole expressions show is said before a search.

    Statistics too deep in each other are such a thing, and a combinator of something that it cannot take.
    """
    generator = random.Random(0)
    whole = ("graph",) if document.content.graph else ("rules",)
    place: tuple[str, ...] = whole
    try:
        if isinstance(space, RuleSpace):
            for production in filter(_is_choosy, space.all_productions()):
                place = ("rules", production.symbol, production.name)
                for _ in range(_TRIALS):
                    genome = space.beginning_with(production, generator)
                    if genome is not None:
                        space.activation(genome)
        place = whole
        for _ in range(_SAMPLES):
            space.candidate(space.sample(generator))  # type: ignore[arg-type]
    except (ParseError, SpaceError) as error:
        raise SpaceError(f"{document.where(*place)}: {'.'.join(place)}: a sample is no activation: {error}") from None


def _is_choosy(production: Production) -> bool:
    """Whether it may not take what fills its holes: statistics nest only so deep, and combinators do not take all."""
    applied = {node.operator for node in walk(production.template) if isinstance(node, Apply)}
    return any(name in COMBINATORS or statistic_of(name) for name in applied)
