"""`list`, `top` and `lineage`: what searches have found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from actsearch.cli.options import Json, Store, out, print_json, store_of
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord

_Search = Annotated[str | None, typer.Argument(help="Name of the search (see `actsearch list`); default: the newest.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("list")(list_searches)
    app.command("top")(top)
    app.command("lineage")(lineage)


def list_searches(store: Store = None, json: Json = False) -> None:
    """List the searches of the store."""
    with Journal.open(store_of(store)) as journal:
        searches = [(record, standing(journal, record)) for record in journal.searches()]
    if json:
        keys = ("name", "created", "space", "task", "strategy", "budget", "seed", "seconds", "stopped_because")
        print_json([{**{key: getattr(r, key) for key in keys}, "status": status} for r, status in searches])
        return
    table = Table(expand=False)
    for heading in ("search", "status", "strategy", "budget", "seed", "seconds", "begun (UTC)"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("search", "status"))
    for record, status in searches:
        begun = record.created[:16].replace("T", " ")
        table.add_row(
            record.name, status, record.strategy, record.budget, str(record.seed), f"{record.seconds:.0f}", begun
        )
    # The name is what other commands take: it stands on one line, however narrow the screen.
    needed = Measurement.get(out, out.options.update(max_width=1000), table).minimum
    Console(highlight=False, width=max(out.width, needed)).print(table)


def top(
    search: _Search = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many candidates.")] = 10,
    objective: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Show the Pareto front under this and other objectives. Repeatable."),
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Show the best candidates of a search, also while it runs."""
    from actsearch.cli.front import front_json, front_of, front_table
    from actsearch.cli.rungs import tuning_table
    from actsearch.cli.tables import finals_table, search_table
    from actsearch.store.summary import summarise, to_json

    with Journal.open(store_of(store)) as journal:
        record = journal.search(search)
        summary = summarise(journal, record)
        status = standing(journal, record)
        found = front_of(journal, record, objective) if objective else None
    if json:
        document = to_json(summary, status=status, most=n)
        if found is not None:
            every = to_json(summary, status=status)["candidates"]
            document |= front_json(found, {candidate["id"]: candidate for candidate in every})
        print_json(document)
        return
    if found is not None:
        expressions = {s.name: s.record.expression for s in summary.candidates if s.record is not None}
        out.print(front_table(found, record.name, expressions, most=n))
        return
    out.print(search_table(summary, most=n))
    if summary.tuned:
        out.print(tuning_table(summary, most=n))
    if summary.verdict is not None:
        out.print(finals_table(summary, most=n))


def lineage(
    search: _Search = None,
    to: Annotated[Path | None, typer.Option(help="HTML file to write; default: NAME-lineage.html here.")] = None,
    store: Store = None,
) -> None:
    """Draw parents and children of a search as one self-contained HTML page."""
    from actsearch.cli.files import write_text
    from actsearch.store.summary import summarise
    from actsearch.track.lineage import render

    with Journal.open(store_of(store)) as journal:
        record = journal.search(search)
        page = render(summarise(journal, record), journal.candidates(record))
    path = to or Path(f"{record.name}-lineage.html")
    write_text(path, page)
    out.print(f"written: {path}", markup=False, soft_wrap=True)


def standing(journal: Journal, record: SearchRecord) -> str:
    """Status of a search as a reader sees it: one that was killed is stopped."""
    if record.status == "finished":
        return "finished"
    return "running" if journal.is_running(record) else "stopped"
