"""A space's YAML file: read, checked, every mistake said with file and line."""

from __future__ import annotations

import os
import random
from pathlib import Path

from actsearch import plugins
from actsearch.documents import Document, open_document
from actsearch.errors import ParseError, SpaceError
from actsearch.grammar.space.graph import GraphSpace
from actsearch.grammar.space.graph_file import graph_space
from actsearch.grammar.space.mixture import Mixture
from actsearch.grammar.space.model import SpaceModel
from actsearch.grammar.space.protocol import Space
from actsearch.grammar.space.rule_file import rule_space
from actsearch.grammar.space.rules import RuleSpace

_TRIALS = 32


def open_space(names: str) -> Space:
    """The space called `names` (a name or a path), or the mixture of several, parted by commas.

    Raises `UnknownNameError`, and `SpaceError` for what is wrong in a file.
    """
    parts = _parts(names)
    members = [read_space(plugins.find("search_spaces", part)) for part in parts]
    return members[0] if len(members) == 1 else Mixture.of(members)


def lasting_name(names: str) -> str:
    """`names` with every path made absolute, so that a later `resume` finds the files from anywhere."""
    return ",".join(plugins.lasting("search_spaces", part) for part in _parts(names))


def read_space(path: Path) -> RuleSpace | GraphSpace:
    """The space in the YAML file `path`; raises `SpaceError` with file, line and what was expected."""
    document = open_document(path, SpaceModel, SpaceError)
    model = document.content
    if (model.rules is None) == (model.graph is None):
        raise SpaceError(f"{document.where()}: a space has either rules or a graph: give one of the two.")
    try:
        space = rule_space(document) if model.graph is None else graph_space(document, model.graph)
        _try(space, document)
    except RecursionError:
        raise SpaceError(f"{document.where('rules')}: the rules lead too far into each other.") from None
    return space


def _parts(names: str) -> list[str]:
    # A file's name may have a comma itself.
    return [names] if os.path.isfile(names) or "," not in names else [part.strip() for part in names.split(",")]  # noqa: PTH113


def _try(space: RuleSpace | GraphSpace, document: Document[SpaceModel]) -> None:
    """Express a few samples: what only whole expressions show is said before a search.

    Statistics too deep in each other are such a thing, and a combinator of something that it cannot take.
    """
    generator = random.Random(0)
    for _ in range(_TRIALS):
        genome = space.sample(generator)
        try:
            space.candidate(genome)  # type: ignore[arg-type]
        except ParseError as error:
            section = "graph" if document.content.graph else "rules"
            raise SpaceError(f"{document.where(section)}: a sample of the space is no activation: {error}") from None
