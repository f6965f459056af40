"""`ui` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import track

from actsearch.cli.options import Json, Store, err, out, print_json, store_of, warn
from actsearch.errors import ConfigError

if TYPE_CHECKING:
    from actsearch.cli.self_test import Skipped, Tested
    from actsearch.compile.conformance import Case

_SHOWN_FAILURES = 20


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


def doctor(
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Hold every backend that runs here against float64, too.")
    ] = False,
    backend: Annotated[
        str | None, typer.Option(help="The one backend that --self-test tries: a name, or the path of a backend.py.")
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Check versions, devices, the store and the plug-ins; exit code 1 if something is wrong."""
    from actsearch.cli.checks import run_checks

    if backend is not None and not self_test:
        raise ConfigError("--backend says what --self-test tries: give that, too.")
    # A name that nobody has is said before anything is done.
    results = _self_test(backend) if self_test else iter(())
    checks = run_checks(store_of(store))
    document: dict[str, Any] = {"checks": [check.to_json() for check in checks]}
    ok = all(check.ok for check in checks)
    for check in () if json else checks:
        _print_line("ok" if check.ok else "wrong", check.name, check.finding)
    tested = []
    for result in results:
        tested.append(result.to_json())
        ok = ok and not result.failures
        if not json:
            _print_result(result)
    if self_test:
        document["self_test"] = tested
    if json:
        print_json({"ok": ok, **document})
    elif not ok:
        warn("something is wrong: see the lines marked so.")
    if not ok:
        raise typer.Exit(1)


def _self_test(backend: str | None) -> Iterator[Tested | Skipped]:
    """The results of one backend after the other; raises at once for a backend that there is not."""
    from actsearch.cli.self_test import results

    def shown(cases: Sequence[Case], name: str) -> Iterable[Case]:
        return track(cases, f"trying {escape(name)}", console=err, transient=True, disable=not err.is_terminal)

    return results(backend, shown)


def _print_result(result: Tested | Skipped) -> None:
    _print_line(result.mark, f"self-test of {result.backend}", result.finding)
    for failure in result.failures[:_SHOWN_FAILURES]:
        out.print(f"        {failure.case}: {failure.reason}", markup=False, soft_wrap=True)
    if len(result.failures) > _SHOWN_FAILURES:
        out.print(f"        and {len(result.failures) - _SHOWN_FAILURES} more, which --json lists", markup=False)


def _print_line(mark: str, name: str, finding: str) -> None:
    color = {"ok": "green", "wrong": "red", "skipped": "yellow"}[mark]
    out.print(f"[{color}]{mark:7}[/] [bold]{escape(name)}[/]  {escape(finding)}", soft_wrap=True)
