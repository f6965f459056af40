"""All entries of the catalog, read from its files, and found by name or alias."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, model_validator

from actsearch.analysis.catalog.entry import FAMILIES, Alias, Entry, Family
from actsearch.documents import read_document
from actsearch.errors import SpaceError, unknown_name
from actsearch.grammar.activation import Activation, Granularity, ParameterSpec

_DATA = Path(__file__).with_name("data")
_PUBLISHED = re.compile(r"(\d{4}), (.+)")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _ParameterModel(_Model):
    initial: float | list[float]
    granularity: Granularity = "layer"
    shared: bool = False


class _EntryModel(_Model):
    """What a file says of a function: `formula`, or `lanes`, or what it `needs` that the language cannot say.

    `parameters` are numbers (one per layer) or have `initial` (a number or an array), `granularity` and `shared`.
    `aliases` are names, or names with the year and source of who published the function again. `domain` stands where
    the function is not finite on |x| <= 20 as it starts; `note` says what is open, or ours. A source "survey" names the
    list that names the original.
    """

    formula: str | None = None
    lanes: list[str] = []
    needs: str | None = None
    parameters: dict[str, float | _ParameterModel] = {}
    aliases: list[str] | dict[str, str] = []
    year: int
    source: str
    domain: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> _EntryModel:
        if sum([self.formula is not None, bool(self.lanes), self.needs is not None]) != 1:
            raise ValueError("expected one of the keys formula, lanes and needs")
        return self

    @model_validator(mode="after")
    def _is_dated(self) -> _EntryModel:
        published = self.aliases if isinstance(self.aliases, dict) else {}
        for name, text in published.items():
            if not _PUBLISHED.fullmatch(text):
                raise ValueError(f"aliases.{name}: expected year and source, as in '2019, Misra, arXiv:1908.08681'")
        return self


class _FileModel(_Model):
    families: dict[Family, dict[str, _EntryModel]]


class _Functions(Mapping[str, Activation]):
    """Activations of the catalog by name or alias: `functions["gelu"]`."""

    def __getitem__(self, name: str) -> Activation:
        return find(name).activation

    def __contains__(self, name: object) -> bool:
        return name in names() and catalog()[names()[str(name)]].formula is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name, entry in catalog().items() if entry.formula is not None)

    def __len__(self) -> int:
        return sum(entry.formula is not None for entry in catalog().values())


functions = _Functions()


@cache
def catalog() -> Mapping[str, Entry]:
    """Every entry by its name, by family, year and name."""
    read = (read_document(path, _FileModel, SpaceError) for path in sorted(_DATA.glob("*.yaml")))
    entries = [
        _entry(name, family, fields)
        for model in read
        for family, members in model.families.items()
        for name, fields in members.items()
    ]
    entries.sort(key=lambda entry: (FAMILIES.index(entry.family), entry.year, entry.name))
    return MappingProxyType({entry.name: entry for entry in entries})


@cache
def names() -> Mapping[str, str]:
    """Name of the entry by every name and alias."""
    aliases = {alias: entry.name for entry in catalog().values() for alias in entry.aliases}
    return MappingProxyType({**aliases, **{name: name for name in catalog()}})


def look_up(name: str) -> Entry:
    """The entry with that name or alias, be there a formula or not; raises `UnknownNameError`."""
    known = names()
    if name not in known:
        raise unknown_name("catalog function", name, known)
    return catalog()[known[name]]


def find(name: str) -> Entry:
    """The entry with that name or alias.

    Raises `UnknownNameError`, and `UnsupportedError` for an entry that has no formula.
    """
    entry = look_up(name)
    entry.check_formula()
    return entry


def _entry(name: str, family: Family, fields: _EntryModel) -> Entry:
    return Entry(
        name=name,
        family=family,
        year=fields.year,
        source=fields.source,
        formula=fields.formula,
        lanes=tuple(fields.lanes),
        parameters=tuple(_spec(parameter, value) for parameter, value in fields.parameters.items()),
        also=tuple(_aliases(fields.aliases)),
        domain=fields.domain,
        note=fields.note,
        beyond=fields.needs,
    )


def _spec(name: str, value: float | _ParameterModel) -> ParameterSpec:
    if isinstance(value, float | int):
        return ParameterSpec(name=name, initial=value)
    initial = tuple(value.initial) if isinstance(value.initial, list) else value.initial
    return ParameterSpec(name=name, initial=initial, granularity=value.granularity, shared=value.shared)


def _aliases(given: list[str] | dict[str, str]) -> Iterator[Alias]:
    for name in given:
        match = _PUBLISHED.fullmatch(given[name]) if isinstance(given, dict) else None
        yield Alias(name=name, year=int(match[1]), source=match[2]) if match else Alias(name=name)
