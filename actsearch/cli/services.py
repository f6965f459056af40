"""`ui` and `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from actsearch.cli.options import Json, Store, err, out, print_json, store_of, warn


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("ui")(ui)
    app.command("doctor")(doctor)


def ui(
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 5000,
    browser: Annotated[bool, typer.Option("--browser", help="Open a browser on it.")] = False,
    store: Store = None,
) -> None:
    """Open the MLflow UI on the store, on 127.0.0.1 unless told otherwise, until Ctrl-C."""
    from actsearch.store.journal import Journal
    from actsearch.track.mlflow import backfill
    from actsearch.track.server import serve

    folder = store_of(store)
    with Journal.open(folder):
        """Only to say clearly that there is no store, before a server is started."""
    err.print("bringing MLflow up to date with the journal ...")
    backfill(folder, None)
    err.print("starting the MLflow server (about ten seconds) ...")
    with serve(folder, host=host, port=port, open_browser=browser) as server:
        out.print(f"MLflow UI: {server.url}   (Ctrl-C stops it)", markup=False, soft_wrap=True)
        server.wait()


def doctor(store: Store = None, json: Json = False) -> None:
    """Check versions, devices, the store and the plug-ins; exit code 1 if something is wrong."""
    from actsearch.cli.checks import run_checks

    checks = run_checks(store_of(store))
    if json:
        print_json({"ok": all(check.ok for check in checks), "checks": [check.to_json() for check in checks]})
    else:
        for check in checks:
            mark = "[green]ok[/]   " if check.ok else "[red]wrong[/]"
            out.print(f"{mark} [bold]{check.name}[/]  {escape(check.finding)}", soft_wrap=True)
        if not all(check.ok for check in checks):
            warn("something is wrong: see the lines marked so.")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
