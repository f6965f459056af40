"""`compile`: what an expression becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from actsearch.cli.options import Json, Parameters, Store, out, print_json, store_of
from actsearch.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from actsearch.compile.report.report import Direction, Report

DTYPES = ("fp32", "bf16", "fp16")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("compile")(compile_)


def compile_(
    expression: Annotated[str, typer.Argument(help="Expression, catalog name or hash prefix.")],
    param: Parameters = None,
    backend: Annotated[str, typer.Option(help="Kernel backend (see `actsearch backends`).")] = "triton",
    target: Annotated[
        str | None,
        typer.Option(help="GPU to compile for, none need be present: sm_80, sm_90 (default), sm_100, gfx942, ..."),
    ] = None,
    emit: Annotated[
        str | None, typer.Option(help="What to print: source (default), ptx or sass; of llvm: llvm (default) or asm.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Type of the tensors: fp32, bf16 or fp16.")] = "fp32",
    report: Annotated[
        bool, typer.Option("--report", help="Instead, what the kernels cost, counted from their machine code.")
    ] = False,
    block: Annotated[
        int | None, typer.Option(help="Elements of a program, of those that are counted. Default: the launcher's.")
    ] = None,
    warps: Annotated[int | None, typer.Option(help="Warps of a program. Default: the launcher's.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Print the forward and backward kernels of an expression, compiled without a GPU, or a report on them."""
    from actsearch.cli.candidate import find
    from actsearch.compile.backend import load_backend

    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if report and emit is not None:
        raise ConfigError(f"--report prints counts and --emit {emit[:40]} code: give one of them.")
    if not report and (block, warps) != (None, None):
        raise ConfigError("--block and --warps say how the kernels of --report are compiled: give them with it.")
    found = find(expression, store_of(store), param)
    chosen = load_backend(backend)
    document = {"id": found.activation.id, "expression": found.activation.text, "backend": backend}
    if report:
        from actsearch.compile.report.report import report as report_of

        made = report_of(found.activation, chosen, target=target, dtype=dtype, block=block, warps=warps)
        if json:
            print_json({**document, "target": target, "dtype": dtype, **made.document()})
        else:
            out.print(_table(made))
        return
    kind = emit or chosen.emits[0]
    text = chosen.emit(found.activation, kind, target=target, dtype=dtype)
    if json:
        print_json({**document, "target": target, "dtype": dtype, "emit": kind, "text": text})
    else:
        typer.echo(text, nl=not text.endswith("\n"))


def _table(report: Report) -> Group:
    """What `--report` prints."""
    table = Table(title="Kernels, counted from their machine code", title_justify="left")
    for name, justify in (("", "left"), ("forward", "right"), ("backward", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    sides = (report.forward, report.backward)
    for title, value in _ROWS.items():
        table.add_row(title, *map(value, sides))
    for name in report.forward.modelled:
        times = (side.modelled[name] for side in sides)
        table.add_row(
            f"{name}, us for 10^6 elements, at least",
            *(f"{time.microseconds_per_million:.3g} ({time.bound})" for time in times),
        )
    errors = (report.max_ulp_forward, report.max_ulp_gradient)
    table.add_row("largest error, ulp", *("-" if error is None else f"{error:.3g}" for error in errors))
    saved = f"saved for the backward: {report.saved_bits_per_element:g} bits an element; saving='auto' {report.saving}"
    return Group(table, saved)


_ROWS: dict[str, Callable[[Direction], str]] = {
    "kernels": lambda side: f"{side.kernels}",
    "bytes an element": lambda side: f"{side.counts.bytes_per_element:.3f}",
    "at least needed": lambda side: f"{side.minimum_bytes_per_element:g}",
    "accesses of 128 bits": lambda side: f"{100 * side.counts.wide_access_share:.0f} %",
    "instructions an element": lambda side: f"{side.counts.instructions_per_element:.2f}",
    "special functions": lambda side: f"{side.counts.mufu_per_element:.2f}",
    "divisions": lambda side: f"{side.counts.divisions_per_element:.2f}",
    "registers": lambda side: f"{side.counts.registers}",
    "spills": lambda side: f"{side.counts.spills}",
    "on doubles": lambda side: f"{side.counts.f64_instructions}",
    "atomics": lambda side: f"{side.counts.atomics}",
}
