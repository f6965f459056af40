"""`spaces`: the search spaces, what one of them holds, and a census of it."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from actsearch.cli.inventory import print_facts
from actsearch.cli.options import Json, Store, out, print_json
from actsearch.errors import UnsupportedError

if TYPE_CHECKING:
    from actsearch.grammar.space import Space

_MOST = 100_000
"""Genomes that a census counts; some tens of seconds."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("spaces")(spaces)


def spaces(
    name: Annotated[str | None, typer.Argument(help="A space, or several with commas; default: list all.")] = None,
    census: Annotated[bool, typer.Option(help="Count what is distinct, constant, undefined, ...")] = False,
    json: Json = False,
    store: Store = None,
) -> None:
    """List search spaces, or show the size, ten samples and the moves of one."""
    from actsearch import plugins
    from actsearch.grammar.space import open_space

    del store
    if name is None:
        known = [open_space(each) for each in plugins.names("search_spaces")]
        if json:
            print_json([{"name": space.name, "title": space.title, "paper": space.paper} for space in known])
            return
        table = Table("space", "title", "paper", expand=False)
        for space in known:
            table.add_row(*map(escape, (space.name, space.title, space.paper)))
        out.print(table)
        return
    space = open_space(name)
    generator = random.Random(0)
    samples = [space.candidate(space.sample(generator)).text for _ in range(10)]
    size, moves = space.size(), ["crossover", *space.moves]
    counts = _census(space) if census else {}
    if json:
        document = {"name": space.name, "title": space.title, "paper": space.paper, "size": size.count}
        document |= {"size_is_exact": size.exact, "moves": moves, "samples": samples}
        print_json(document | ({"census": counts} if census else {}))
        return
    facts = {"space": space.name, "title": space.title, "paper": space.paper}
    facts["size"] = f"{size}; initial values that moves set are not counted"
    facts |= {"moves": ", ".join(moves), "samples": "\n".join(samples)}
    if census:
        facts["census"] = ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in counts.items())
    print_facts(facts)


def _census(space: Space) -> dict[str, int]:
    """How many genomes are of each kind; raises `UnsupportedError` for a space that cannot be counted."""
    from actsearch.search.census import census

    size = space.size()
    if not size.exact or size.count > _MOST:
        raise UnsupportedError(f"the space {space.name!r} has {size}: a census counts at most {_MOST:,} genomes.")
    return dataclasses.asdict(census(space))
