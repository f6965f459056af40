"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from actsearch.errors import ConfigError, ParseError
from actsearch.store.journal import default_store

Store = Annotated[
    Path | None,
    typer.Option(help="Folder that holds everything searches leave. Default: $ACTSEARCH_STORE, else ./actsearch-runs."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else there.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE[:layer|channel]", help="Initial value of a parameter. Repeatable."),
]

out = Console(highlight=False)
"""Standard output."""
err = Console(stderr=True, highlight=False)
"""Standard error: progress and warnings."""


def store_of(store: Path | None) -> Path:
    """The store that an option, the environment or the default names."""
    return store or default_store()


def warn(message: str) -> None:
    """Print a warning on standard error."""
    err.print(f"[yellow]warning:[/] {escape(message)}", markup=True, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print one JSON document; a number that JSON does not have becomes null."""
    json.dump(_finite(document), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def parameters_of(texts: list[str] | None) -> dict[str, tuple[float, Any]]:
    """`--param` options as `parse` takes them; raises `ParseError`."""
    parameters: dict[str, tuple[float, Any]] = {}
    for text in texts or []:
        name, equals, rest = text.partition("=")
        value, _, granularity = rest.partition(":")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not equals or not name.isidentifier() or not math.isfinite(number):
            raise ParseError(f"--param {text[:60]!r}: expected NAME=VALUE or NAME=VALUE:layer or NAME=VALUE:channel.")
        parameters[name] = (number, granularity or "layer")
    return parameters


def settings_of(texts: list[str] | None) -> dict[str, str]:
    """`--set` options as a mapping; raises `ConfigError`."""
    settings: dict[str, str] = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {text[:60]!r}: expected KEY=VALUE, e.g. evolution.population=128.")
        settings[key.strip()] = value.strip()
    return settings


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
