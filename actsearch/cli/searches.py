"""`search` and `resume`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actsearch.cli.options import Json, Store, err, out, print_json, settings_of, store_of, warn
from actsearch.errors import SearchStateError
from actsearch.search.defaults import BUDGET, STRATEGY, TASK, WORKERS

if TYPE_CHECKING:
    from actsearch.store.summary import Summary

_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. evolution.population=128. Repeatable."),
]
_Task = Annotated[
    str,
    typer.Option(
        help="Task: a name (see `actsearch tasks`) or a Python file; the scores on others that follow after commas"
        " are objectives."
    ),
]
_Then = Annotated[
    str,
    typer.Option(
        help="Real task to which the best go when the budget is spent: they and the best baselines are tuned there"
        " (Ray Tune with ASHA, Optuna; bounded by --set ladder.trials, not by the budget), then compared on fresh"
        " seeds. A trial is compared with those of earlier rounds only, so workers and timing change no result."
    ),
]
_Objectives = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="What else is measured of every candidate: cost, saved, sparsity, noise, quantisation, flips,"
        " reproducibility. Repeatable; `actsearch top --objective` shows the best compromises.",
    ),
]
_Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.yaml",
        help="Settings as a YAML mapping of the keys of --set, dotted or nested (evolution: {population: 128}); what"
        " --set says counts before them.",
    ),
]

_POLL_SECONDS = 0.05


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("search")(search)
    app.command("resume")(resume)
    app.command("stop")(stop)


def search(
    space: Annotated[str, typer.Argument(help="Search space: a name (see `actsearch spaces`) or a YAML file.")],
    task: _Task = TASK,
    objective: _Objectives = None,
    then: _Then = "",
    strategy: Annotated[str, typer.Option(help="Strategy (see `actsearch strategies`).")] = STRATEGY,
    workers: Annotated[
        str, typer.Option(help="Profile (see `actsearch profiles`) or address of a Ray cluster.")
    ] = WORKERS,
    budget: Annotated[
        str, typer.Option(help="Wall time, finals included (90s, 10m, 2h), or candidates (500c).")
    ] = BUDGET,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31, help="The same seed under a count budget gives the same search.")
    ] = 0,
    config: _Config = None,
    set_: _Set = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Search SPACE for an activation that does better on a task, and export the winner."""
    from actsearch.search.launch import Request, launch

    request = Request(
        space=space,
        task=task,
        then=then,
        strategy=strategy,
        workers=workers,
        budget=budget,
        seed=seed,
        settings=_settings(config, set_, objective),
    )
    title = f"actsearch: {space} on {task}, {f'then {then}, ' if then else ''}{strategy}"
    from actsearch.cli.live import LiveView

    with LiveView(err, title=title, budget=budget) as view:
        record = launch(store_of(store), request, show=view.show, warn=warn)
    report(store_of(store), record.name, json=json)


def _settings(config: Path | None, set_: list[str] | None, objectives: list[str] | None) -> dict[str, str]:
    from actsearch.search.settings_file import read_settings

    settings = {**(read_settings(config) if config else {}), **settings_of(set_)}
    return {**settings, "objectives": ",".join(objectives)} if objectives else settings


def resume(
    search: Annotated[
        str | None, typer.Argument(help="Name of the search (see `actsearch list`); default: the newest.")
    ] = None,
    allow_changed: Annotated[
        bool, typer.Option("--allow-changed", help="Go on although the space, the task or actsearch has changed.")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Go on with a search that was stopped or killed; no finished evaluation is repeated."""
    from actsearch.cli.live import LiveView
    from actsearch.search.launch import resume as resume_search
    from actsearch.store.journal import Journal

    with Journal.open(store_of(store)) as journal:
        known = journal.search(search)
    title = f"actsearch: {known.name} resumed, {known.space} on {known.task}, {known.strategy}"
    with LiveView(err, title=title, budget=known.budget) as view:
        record = resume_search(store_of(store), known.name, show=view.show, warn=warn, allow_changed=allow_changed)
    report(store_of(store), record.name, json=json)


def stop(
    search: Annotated[
        str | None, typer.Argument(help="Name of the search (see `actsearch list`); default: the newest.")
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Stop a search that runs in another process, after its next result; `actsearch resume` goes on with it."""
    from actsearch.cli.results import standing
    from actsearch.store.journal import Journal

    with Journal.open(store_of(store)) as journal:
        record = journal.search(search)
        if not journal.is_running(record):
            raise SearchStateError(f"the search {record.name} is not running.")
        journal.ask_to_stop(record)
        while journal.is_running(record):
            time.sleep(_POLL_SECONDS)
        record = journal.search(record.name)
        # One that was killed meanwhile could not say how it stands.
        status, reason = standing(journal, record), record.stopped_because or "its process was killed"
    if json:
        print_json({"search": record.name, "status": status, "stopped_because": reason})
        return
    out.print(f"{record.name} is {status}: {reason}", markup=False, soft_wrap=True)


def report(store: Path, name: str, *, json: bool) -> None:
    """Print the result of a search that has just ended; exits with 130 if it was interrupted."""
    from actsearch.cli.rungs import tuning_table
    from actsearch.cli.tables import finals_table, funnel_table, search_table, verdict
    from actsearch.export.winner import exported_path
    from actsearch.store.journal import Journal
    from actsearch.store.summary import summarise, to_json

    with Journal.open(store) as journal:
        record = journal.search(name)
        summary = summarise(journal, record)
    path = exported_path(store, record)
    if json:
        exported = str(path) if path.exists() else None
        print_json({**to_json(summary, status=record.status), "exported": exported})
    else:
        if summary.tuned:
            out.print(tuning_table(summary))
        if summary.verdict is not None:
            out.print(finals_table(summary))
        elif summary.candidates:
            out.print(search_table(summary, most=10))
        if summary.winner is not None:
            out.print(verdict(summary), markup=False, soft_wrap=True)
            out.print(f"catalog: {_novelty(summary)}", markup=False, soft_wrap=True)
        out.print(funnel_table(summary))
        out.print(f"{summary.counts.trained} trainings in {record.seconds:.0f} s", markup=False, soft_wrap=True)
        out.print(f"stopped because: {record.stopped_because}", markup=False, soft_wrap=True)
        _print_next(store, record.name, record.status, summary.winner.name if summary.winner else None, path)
    if record.status != "finished":
        raise typer.Exit(130)


def _novelty(summary: Summary) -> str:
    """Which catalog function the winner is, or is nearest to."""
    from actsearch.analysis.novelty import novelty
    from actsearch.grammar.activation import candidate_from_json

    if summary.winner is None or summary.winner.record is None:
        return "nothing was scored"
    record = summary.winner.record
    assignment = candidate_from_json(record.expression, record.parameters).assignment
    said = [(selector, novelty(activation, most=1).sentence()) for selector, activation in assignment]
    return "; ".join(sentence if selector == "*" else f"{selector} {sentence}" for selector, sentence in said)


def _print_next(store: Path, name: str, status: str, winner: str | None, path: Path) -> None:
    from actsearch.store.journal import default_store

    option = "" if store == default_store() else f" --store {shlex.quote(str(store))}"
    if path.exists():
        out.print(f"exported:  {path}", markup=False, soft_wrap=True)
    lines = [("watch", f"actsearch ui{option}")]
    if winner:
        lines += [
            ("look", f"actsearch show {winner[:8]}{option}"),
            ("take away", f"actsearch export {winner[:8]} --to my_activation.py{option}"),
        ]
    if status == "finished":
        lines.append(("all", f"actsearch top {name}{option}"))
        lines.append(("go on", f"actsearch resume{option}   (any search that was stopped or killed)"))
    else:
        lines.append(("go on", f"actsearch resume {name}{option}"))
    for label, command in lines:
        out.print(f"{label + ':':<10} {command}", markup=False, soft_wrap=True)
