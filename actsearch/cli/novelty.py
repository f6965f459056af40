"""`novelty`: which catalog function a function is, or is nearest to."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from actsearch.cli.options import Json, Parameters, Store, out, print_json, store_of


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("novelty")(novelty)


def novelty(
    expression: Annotated[str, typer.Argument(help="Catalog name, hash prefix, or expression.")],
    param: Parameters = None,
    most: Annotated[int, typer.Option("-n", min=1, help="How many matches.")] = 5,
    store: Store = None,
    json: Json = False,
) -> None:
    """Say which catalog function it is, up to scaling and shift of input and output, parameters and their limits."""
    from actsearch.analysis.novelty import novelty as compare
    from actsearch.cli.candidate import find

    result = compare(find(expression, store_of(store), param).activation, most=most)
    if json:
        print_json(result.to_json())
        return
    out.print(result.sentence(), markup=False, soft_wrap=True)
    if len(result.matches) > 1:
        table = Table("difference on [-5, 5]", "catalog function", expand=False)
        for match in result.matches:
            table.add_row(f"{match.distance:.2g}", escape(match.label()))
        out.print(table)
