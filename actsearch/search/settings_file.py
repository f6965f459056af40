"""A YAML file of settings: the keys of `--set`, dotted or nested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import RootModel

from actsearch.documents import Place, open_document
from actsearch.errors import ActsearchError, ConfigError
from actsearch.search.config import SearchConfig


class _Settings(RootModel[dict[str, Any]]):
    """Any mapping: which keys there are is for `SearchConfig` to say."""


def read_settings(path: Path) -> dict[str, str]:
    """The settings in a file, by dotted key, as `--set` writes them.

    Raises `ConfigError` with file and line for what is no setting or has a value that cannot be.
    """
    document = open_document(path, _Settings, ConfigError)
    settings: dict[str, str] = {}
    for place, value in _leaves(document.content.root, ()):
        key, where = ".".join(map(str, place)), document.where(*place)
        if not isinstance(value, str | int | float):
            raise ConfigError(f"{where}: the setting {key}: expected a number, a text, true or false.")
        if key in settings:
            raise ConfigError(f"{where}: the setting {key} stands twice.")
        settings[key] = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            SearchConfig.of({key: settings[key]})
        except ActsearchError as error:
            raise ConfigError(f"{where}: {error}") from None
    return settings


def _leaves(content: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Any]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*place, key))
        else:
            yield (*place, key), value
