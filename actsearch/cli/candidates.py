"""`show`, `evaluate` and `export`: one candidate at a time, or a few."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from actsearch.cli.options import Json, Parameters, Store, err, out, print_json, store_of, warn
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.search.defaults import TASK, WORKERS

_Candidate = Annotated[str, typer.Argument(help="Catalog name, hash prefix (6 or more hex digits), or expression.")]
FORMATS = ("module",)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("show")(show)
    app.command("evaluate")(evaluate)
    app.command("export")(export)


def show(
    candidate: _Candidate,
    param: Parameters = None,
    plot: Annotated[Path | None, typer.Option(help="PNG file: f, f', and what each parameter does.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Show what is known of a candidate: formula, LaTeX, proven properties, novelty, scores, why it was rejected."""
    from actsearch.cli.candidate import find
    from actsearch.cli.description import describe, print_description

    found = find(candidate, store_of(store), param)
    if plot is not None:
        from actsearch.cli.plot import draw

        draw(found.activation, plot)
    document = describe(found, store_of(store))
    if json:
        print_json(document)
        return
    print_description(document)
    if plot is not None:
        out.print(f"plot: {plot}", markup=False, soft_wrap=True)


def evaluate(
    candidates: Annotated[list[str], typer.Argument(help="Catalog names, hash prefixes or expressions.")],
    task: Annotated[
        list[str] | None, typer.Option(help=f"Task: a name or a Python file; default {TASK}. Repeatable.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds; default: the task's for finals.")] = None,
    workers: Annotated[str, typer.Option(help="Profile or address of a Ray cluster.")] = WORKERS,
    granularity: Annotated[str | None, typer.Option(help="Train every parameter per layer or per channel.")] = None,
    param: Parameters = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Train the given functions and the baselines on the same seeds and say what may be claimed.

    Differences are paired by seed, and p values corrected for every comparison that is made, over all tasks.
    """
    from actsearch.cli.candidate import find_all
    from actsearch.cli.comparison import study_json, study_pages
    from actsearch.evaluate.compare import study
    from actsearch.grammar.activation import granularity_of

    activations = {text: found.candidate for text, found in find_all(candidates, store_of(store), param).items()}
    if granularity is not None:
        wanted = granularity_of(granularity)
        activations = {text: candidate.with_granularity(wanted) for text, candidate in activations.items()}

    def announce(sentence: str) -> None:
        err.print(sentence, markup=False, soft_wrap=True)

    made = study(activations, tasks=task or [TASK], seeds=seeds, workers=workers, announce=announce)
    if json:
        print_json(study_json(made))
        return
    for page in study_pages(made):
        out.print(page)


def export(
    candidate: _Candidate,
    to: Annotated[Path, typer.Option(help="File to write, or folder to put it in.")],
    format_: Annotated[
        str, typer.Option("--format", help="What to write: module (one self-contained .py file).")
    ] = "module",
    cubin: Annotated[
        str | None,
        typer.Option(
            metavar="TARGETS",
            help="Also write the kernels' machine code for these GPUs (sm_90,sm_80,gfx942, ...), with a manifest, into "
            "a folder beside the file. The file does not load it; that is left to programs which launch kernels.",
        ),
    ] = None,
    param: Parameters = None,
    store: Store = None,
) -> None:
    """Export a candidate, with its best initial values if it was tuned, as one file that needs only torch."""
    from actsearch import __version__
    from actsearch.cli.candidate import find
    from actsearch.cli.files import write_text
    from actsearch.errors import unknown_name
    from actsearch.export import cubins
    from actsearch.export.module import export_module
    from actsearch.export.winner import as_trained, lineage_of

    if format_ not in FORMATS:
        if format_ in ("onnx", "pt2"):
            raise UnsupportedError(f"--format {format_}: not supported by this version; export as module.")
        raise unknown_name("export format", format_, FORMATS)
    found = find(candidate, store_of(store), param)
    gains = tuple(found.gains.values())
    if not all(map(math.isfinite, gains)):
        raise ConfigError(f"{candidate[:60]!r} cannot be exported: it is constant, or not finite under N(0, 1).")
    path = to / f"activation_{found.name}.py" if to.is_dir() else to
    winner = found.candidate
    if found.record is not None and found.tuned is not None:
        winner, gains = as_trained(found.record, found.tuned)
    # One that was trained keeps the gain that it was trained with.
    if found.record is None and not found.has_variance:
        gains = (1.0,)
        warn(f"{candidate[:60]!r} has no finite variance under N(0, 1), it seems: its output gain is left at 1.")
    lineage = lineage_of(found.record, found.search, found.tuned) if found.record and found.search else {}
    source = export_module(winner, gain=gains, lineage=lineage, version=__version__)
    if cubin is not None:
        # Before anything is written: what cannot be compiled leaves nothing behind.
        cubins.check_place(path)
        kernels = cubins.compiled(winner, gain=gains[0], targets=_targets_of(cubin))
    write_text(path, source)
    out.print(f"exported: {path}", markup=False, soft_wrap=True)
    if cubin is not None:
        folder = cubins.write(path, source, kernels)
        out.print(f"machine code: {folder} ({len(kernels)} kernels)", markup=False, soft_wrap=True)


def _targets_of(text: str) -> list[str]:
    """The GPUs that `--cubin` names, each once; raises `ConfigError` where it names none."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise ConfigError(f"--cubin {text[:40]!r}: expected names of GPUs between commas, such as sm_90,gfx942.")
    return names
