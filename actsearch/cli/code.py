"""`compile`: what an expression becomes."""

from __future__ import annotations

from typing import Annotated

import typer

from actsearch.cli.options import Json, Parameters, Store, print_json, store_of
from actsearch.errors import UnsupportedError, unknown_name

DTYPES = ("fp32", "bf16", "fp16")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("compile")(compile_)


def compile_(
    expression: Annotated[str, typer.Argument(help="Expression, catalog name or hash prefix.")],
    param: Parameters = None,
    backend: Annotated[str, typer.Option(help="Kernel backend (see `actsearch backends`).")] = "triton",
    target: Annotated[
        str | None, typer.Option(help="GPU to compile for, none need be present: sm_80, sm_90 (default); not for llvm.")
    ] = None,
    emit: Annotated[
        str | None, typer.Option(help="What to print: source (default), ptx or sass; of llvm: llvm (default) or asm.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Type of the tensors: fp32, bf16 or fp16.")] = "fp32",
    report: Annotated[
        bool, typer.Option("--report", help="Counts from the compiled code (not in this version).")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Print the forward and backward kernels of an expression, compiled without a GPU."""
    from actsearch.cli.candidate import find
    from actsearch.compile.backend import load_backend

    if report:
        raise UnsupportedError("--report is not supported by this version; use --emit sass and count there.")
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    found = find(expression, store_of(store), param)
    chosen = load_backend(backend)
    kind = emit or chosen.emits[0]
    text = chosen.emit(found.activation, kind, target=target, dtype=dtype)
    if json:
        document = {"id": found.activation.id, "expression": found.activation.text, "backend": backend}
        print_json({**document, "target": target, "dtype": dtype, "emit": kind, "text": text})
    else:
        typer.echo(text, nl=not text.endswith("\n"))
