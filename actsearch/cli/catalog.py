"""`catalog`: the functions that have a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from actsearch.cli.inventory import print_facts
from actsearch.cli.options import Json, Store, out, print_json
from actsearch.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from actsearch.analysis.catalog import Entry
    from actsearch.grammar.parameter import ParameterSpec


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("catalog")(catalog)


def catalog(
    name: Annotated[str | None, typer.Argument(help="A name or an alias, to see all about it; default: list.")] = None,
    family: Annotated[str | None, typer.Option(help="List the functions of this family only.")] = None,
    atlas: Annotated[Path | None, typer.Option(help="HTML file to write: who rediscovered whom (a minute).")] = None,
    json: Json = False,
    store: Store = None,
) -> None:
    """List the functions that have a name, by family and year, or show one."""
    from actsearch.analysis import catalog as library

    del store
    if atlas is not None:
        if name is not None or family is not None:
            raise ConfigError("--atlas: it shows the whole catalog; leave out the name and --family.")
        from actsearch.analysis.atlas import render
        from actsearch.cli.files import write_text

        write_text(atlas, render())
        out.print(f"written: {atlas}", markup=False, soft_wrap=True)
        return
    if name is not None:
        if family is not None:
            raise ConfigError(f"--family {family}: {name} is one function; leave out one of the two.")
        entry = library.look_up(name)
        if json:
            print_json([entry.to_json()])
        else:
            print_facts(dict(_facts(entry)))
        return
    if family is not None and family not in library.FAMILIES:
        raise unknown_name("family of functions", family, library.FAMILIES)
    entries = [entry for entry in library.catalog().values() if family in (None, entry.family)]
    if json:
        print_json([entry.to_json() for entry in entries])
        return
    # A name or a number that is cut off cannot be typed again.
    rest = [Column(title, overflow="fold") for title in ("formula", "family", "year", "source")]
    table = Table(Column("name", no_wrap=True), *rest, expand=False)
    for entry in entries:
        table.add_row(entry.name, escape(_shown(entry)), entry.family, str(entry.year), escape(entry.source))
    out.print(table)


def _shown(entry: Entry) -> str:
    return entry.formula or "; ".join(entry.lanes) or f"needs {entry.beyond}"


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "name", entry.name
    yield "family", entry.family
    if entry.formula is not None:
        yield "formula", entry.formula
    for index, lane in enumerate(entry.lanes, start=1):
        yield f"lane {index}", lane
    if entry.parameters:
        yield "parameters", "\n".join(_parameter(spec) for spec in entry.parameters)
    yield "year", str(entry.year)
    yield "source", entry.source
    published = (
        f"{alias.name} ({alias.year}, {alias.source})" if alias.year is not None else alias.name for alias in entry.also
    )
    for key, value in (
        ("also called", "\n".join(published)), ("needs", ", ".join(entry.needs)), ("domain", entry.domain or ""),
        ("note", entry.note or ""), ("id", "" if entry.beyond is not None else entry.candidate.id),
    ):  # fmt: skip
        if value:
            yield key, value


def _parameter(spec: ParameterSpec) -> str:
    initial = ", ".join(f"{value:.6g}" for value in spec.entries)
    shown = f"[{initial}]" if spec.length is not None else initial
    return f"{spec.name} = {shown}, one per {spec.granularity}{', shared by all layers' if spec.shared else ''}"
