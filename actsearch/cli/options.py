"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from actsearch.errors import ConfigError, ParseError
from actsearch.store.journal import default_store

if TYPE_CHECKING:
    from actsearch.grammar.parameter import ParameterSpec

Store = Annotated[
    Path | None,
    typer.Option(help="Folder that holds everything searches leave. Default: $ACTSEARCH_STORE, else ./actsearch-runs."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else there.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE[,VALUE...][:GRANULARITY][:shared]",
        help="Initial value of a parameter, or of the entries of an array. Repeatable.",
    ),
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


def parameters_of(texts: list[str] | None) -> dict[str, ParameterSpec]:
    """`--param` options as `parse` takes them; raises `ParseError`, and `UnknownNameError` for a granularity."""
    return {spec.name: spec for spec in map(_parameter, texts or [])}


def _parameter(text: str) -> ParameterSpec:
    name, equals, rest = text.partition("=")
    value, _, granularity = rest.partition(":")
    is_shared = granularity == "shared" or granularity.endswith(":shared")
    if is_shared:
        granularity = granularity.removesuffix("shared").removesuffix(":")
    try:
        numbers = [float(number) for number in value.removesuffix(",").split(",")]
    except ValueError:
        numbers = [math.nan]
    if not equals or not name.isidentifier() or not all(map(math.isfinite, numbers)):
        raise ParseError(
            f"--param {text[:60]!r}: expected NAME=VALUE, or NAME=VALUE,VALUE,... for an array, and after it :layer, "
            ":channel, :group:N or :element, and :shared."
        )
    # The language brings pydantic, for which `--help` need not wait.
    from actsearch.grammar.parameter import ParameterSpec

    initial = tuple(numbers) if "," in value else numbers[0]
    return ParameterSpec(name=name, initial=initial, granularity=granularity or "layer", shared=is_shared)


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
