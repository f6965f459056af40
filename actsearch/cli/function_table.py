"""`table`: every function of a space trained on small tasks, as a file to measure searches with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table as Shown

from actsearch.cli.options import Json, Store, err, out, print_json
from actsearch.errors import ConfigError

if TYPE_CHECKING:
    from actsearch.evaluate.table import Measured, Table
    from actsearch.evaluate.table.plan import Plan

_MOST_GENOMES = 100_000
_TASKS = "digits,tabular,periodic,longtail"


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("table")(table)


def table(
    file: Annotated[Path, typer.Argument(help="The table.")],
    build: Annotated[bool, typer.Option("--build", help="Train what is missing, then write it.")] = False,
    space: Annotated[str, typer.Option(help="The space whose functions are trained.")] = "actbench",
    task: Annotated[str, typer.Option(help="Tasks, with commas.")] = _TASKS,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Seeds of every function.")] = 15,
    best: Annotated[int, typer.Option(min=0, help="Functions that are trained with more seeds.")] = 200,
    best_seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds of these, besides.")] = 40,
    limit: Annotated[int, typer.Option(min=0, help="At most so many functions; 0 takes all.")] = 0,
    workers: Annotated[str, typer.Option(help="Profile or address of the workers.")] = "laptop",
    count: Annotated[int, typer.Option("-n", min=1, help="Best functions to show.")] = 10,
    json: Json = False,
    store: Store = None,
) -> None:
    """Show a table of functions and their scores, or train one with --build; interrupted, the same command goes on."""
    from actsearch.evaluate.table import Table
    from actsearch.evaluate.table.plan import Plan

    del store
    if build:
        names = tuple(name for name in map(str.strip, task.split(",")) if name)
        plan = Plan(space=space, tasks=names, seeds=seeds, best=best, best_seeds=best_seeds, limit=limit)
        _build(file, plan, workers)
    found = Table.open(file)
    if json:
        print_json(_document(found, count))
        return
    for name, measured in found.tasks.items():
        seeds = len(measured.more_seeds)
        out.print(f"{escape(name)}: the best by their test scores with {seeds} seeds that did not choose them")
        out.print(_shown(found, measured, count))
    out.print(_sentences(found))


def _build(file: Path, plan: Plan, workers: str) -> None:
    from actsearch.evaluate.profile import check_address, read_profile
    from actsearch.evaluate.table.build import build, evenly
    from actsearch.evaluate.task import load_task
    from actsearch.grammar.space import open_space
    from actsearch.search.roster import roster

    for name in plan.tasks:
        load_task(name)
    profile = read_profile(workers)
    check_address(profile)
    space = open_space(plan.space)
    size = space.size()
    if not size.exact or size.count > _MOST_GENOMES:
        raise ConfigError(f"the space {space.name!r} has {size}: a table takes at most {_MOST_GENOMES:,} genomes.")
    functions = evenly(roster(space), plan.limit)
    err.print(f"{len(functions):,} distinct functions of {size.count:,} in {escape(space.name)}")
    build(file, plan, functions, profile, announce=lambda text: err.print(escape(text)))


def _shown(table: Table, measured: Measured, count: int) -> Shown:
    """The best functions of one task."""
    shown = Shown(expand=False)
    shown.add_column("function", overflow="fold")
    shown.add_column("score", justify="right")
    for index, score in _best(measured)[:count]:
        shown.add_row(escape(table.functions[index].expression), f"{score:.4f}")
    return shown


def _best(measured: Measured) -> list[tuple[int, float]]:
    found = zip(measured.best, map(float, measured.held_out), strict=True)
    return sorted(found, key=lambda pair: -pair[1])


def _sentences(table: Table) -> str:
    from actsearch.evaluate.table.reliability import between_tasks, reliability

    lines = [f"{len(table.functions):,} functions. Rank correlations (Spearman):"]
    for name, measured in table.tasks.items():
        found = reliability(measured)
        shares = ", ".join(f"{value:.2f} after {share:.0%}" for share, value in found.by_share.items())
        lines.append(
            f"{name}: one seed with another {found.one_seed:.2f}, so {len(measured.seeds)} seeds "
            f"{found.all_seeds:.2f}; the best {len(measured.best)} with other seeds {found.best_again:.2f}; "
            f"the whole training with less of it {shares}"
        )
    lines += [f"{a} with {b}: {value:.2f}" for (a, b), value in between_tasks(table).items()]
    return "\n".join(lines)


def _document(table: Table, count: int) -> dict[str, Any]:
    from dataclasses import asdict

    from actsearch.evaluate.table.reliability import between_tasks, reliability

    return {
        "functions": len(table.functions),
        "card": dict(table.card),
        "tasks": {
            name: {
                "best": [
                    {"expression": table.functions[index].expression, "score": score}
                    for index, score in _best(measured)[:count]
                ],
                "reliability": asdict(reliability(measured)),
            }
            for name, measured in table.tasks.items()
        },
        "between_tasks": {f"{a}, {b}": value for (a, b), value in between_tasks(table).items()},
    }
