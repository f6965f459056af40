"""What there is: `tasks`, `strategies`, `backends`, `profiles`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Protocol

import typer
from rich.markup import escape
from rich.table import Table

from actsearch.cli.options import Json, Store, out, print_json
from actsearch.errors import ConfigError, unknown_name

_Name = Annotated[str | None, typer.Argument(help="One of them, to see more; default: list all.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (tasks, strategies, backends, profiles):
        app.command(command.__name__)(command)


_Check = Annotated[bool, typer.Option("--check", help="Hold the task to what every task must do; trains it.")]


def tasks(name: _Name = None, check: _Check = False, json: Json = False, store: Store = None) -> None:
    """List tasks, show one, or check one (a name, or the path of your own)."""
    from actsearch import plugins
    from actsearch.evaluate.task import load_task

    del store
    if check:
        _check(name, json)
        return
    found = {n: load_task(n) for n in ([name] if name else plugins.names("workers"))}
    rows = {n: (task.metric, f"{task.chance:.4g}", _first_line(task.__doc__)) for n, task in found.items()}
    if name:
        task = found[name]
        metric, chance, about = rows[name]
        facts: dict[str, Any] = {"task": name, "about": about, "metric": metric, "chance": chance}
        facts |= {"fidelity": task.fidelity, "seconds": None if math.isnan(task.seconds) else task.seconds}
        facts["learning_rates"] = list(task.learning_rates)
        facts |= {"search_seeds": task.search_seeds, "seed_turns": task.seed_turns, "final_seeds": task.final_seeds}
        facts["baselines"] = list(task.baselines)
        _one(json, facts)
        return
    _list(json, "task", rows, ("metric", "chance", "about"))


def _check(name: str | None, json: bool) -> None:
    """Print what a task is held to as it is found, and exit with 1 if it fails in something."""
    from actsearch.evaluate import conformance

    if name is None:
        raise ConfigError("--check needs the name or the path of a task.")
    _print_findings(conformance.check(name), json)


class _Finding(Protocol):
    """What both kinds of conformance find."""

    @property
    def point(self) -> str: ...

    @property
    def trouble(self) -> str | None: ...


def _print_findings(found: Iterable[_Finding], json: bool) -> None:
    findings = []
    for finding in found:
        findings.append(finding)
        if not json:
            held = "[green]holds[/]" if finding.trouble is None else f"[red]fails[/]: {escape(finding.trouble)}"
            out.print(f"{finding.point:28}{held}", soft_wrap=True)
    if json:
        print_json([{"point": finding.point, "trouble": finding.trouble} for finding in findings])
    if any(finding.trouble for finding in findings):
        raise typer.Exit(1)


_Hold = Annotated[bool, typer.Option("--check", help="Hold the strategy to what every strategy must do; seconds.")]


def strategies(
    name: _Name = None,
    check: _Hold = False,
    space: Annotated[str, typer.Option(help="Space for --check.")] = "swish",
    json: Json = False,
    store: Store = None,
) -> None:
    """List strategies, show the constants of one (change them with --set), or check one on a space."""
    from actsearch.search.strategies import STRATEGIES

    del store
    if check:
        _check_strategy(name, space, json)
        return
    if name is None:
        rows = {n: (_first_line(kind.make.__doc__),) for n, kind in STRATEGIES.items()}
        _list(json, "strategy", rows, ("about",))
        return
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    settings = dataclasses.asdict(STRATEGIES[name].settings())
    about = _first_line(STRATEGIES[name].make.__doc__)
    _one(json, {"strategy": name, "about": about, **{f"{name}.{key}": value for key, value in settings.items()}})


def _check_strategy(name: str | None, space: str, json: bool) -> None:
    from actsearch.evaluate.task import load_task
    from actsearch.grammar.space import open_space
    from actsearch.search import conformance
    from actsearch.search.config import SearchConfig
    from actsearch.search.strategies import make_strategy

    if name is None:
        raise ConfigError("--check needs the name of a strategy.")
    chosen, settings = open_space(space), SearchConfig().strategies
    # Some strategies train networks of the task's themselves: this is a task of milliseconds.
    task = load_task("digits")
    _print_findings(conformance.check(lambda: make_strategy(name, chosen, settings, task), chosen), json)


def backends(name: _Name = None, json: Json = False, store: Store = None) -> None:
    """List kernel backends and whether they run here, or show one."""
    from actsearch.compile.backend import backends as all_backends

    del store
    rows = {n: (status, about) for n, status, about in all_backends()}
    if name is None:
        _list(json, "backend", rows, ("here", "about"))
        return
    if name not in rows:
        raise unknown_name("backend", name, rows)
    status, about = rows[name]
    _one(json, {"backend": name, "here": status, "about": about})


def profiles(name: _Name = None, json: Json = False, store: Store = None) -> None:
    """List worker profiles, or show one."""
    from actsearch import plugins
    from actsearch.evaluate.profile import read_profile

    del store
    if name is None:
        rows = {n: (read_profile(n).title,) for n in plugins.names("workers/profiles")}
        _list(json, "profile", rows, ("title",))
        return
    _one(json, {"profile": name, **read_profile(name).model_dump()})


def _first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]


def _list(json: bool, noun: str, rows: Mapping[str, Iterable[str]], columns: tuple[str, ...]) -> None:
    if json:
        print_json([{"name": name, **dict(zip(columns, row, strict=True))} for name, row in rows.items()])
        return
    table = Table(noun, *columns, expand=False)
    for name, row in rows.items():
        table.add_row(name, *(escape(cell) for cell in row))
    out.print(table)


def _one(json: bool, facts: Mapping[str, Any]) -> None:
    if json:
        print_json(dict(facts))
    else:
        print_facts({key: str(value) for key, value in facts.items()})


def print_facts(facts: Mapping[str, str]) -> None:
    """Print what is known of one thing, a line for each key."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in facts.items():
        grid.add_row(f"[bold]{escape(key)}[/]", escape(value))
    out.print(grid)
