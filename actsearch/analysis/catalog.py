"""The catalog: functions with a name, from `catalog.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from actsearch.documents import read_document
from actsearch.errors import SpaceError, unknown_name
from actsearch.grammar.activation import Activation, Granularity, ParameterSpec
from actsearch.grammar.text import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A named function and where it comes from."""

    name: str
    activation: Activation
    formula: str
    aliases: tuple[str, ...]
    year: int
    source: str


class _ParameterModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    initial: float
    granularity: Granularity = "layer"


class _EntryModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    formula: str
    parameters: dict[str, _ParameterModel] = {}
    aliases: list[str] = []
    year: int
    source: str


class _CatalogModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    functions: dict[str, _EntryModel]


class _Functions(Mapping[str, Activation]):
    """Activations of the catalog by name or alias: `functions["gelu"]`."""

    def __getitem__(self, name: str) -> Activation:
        return find(name).activation

    def __iter__(self) -> Iterator[str]:
        return iter(catalog())

    def __len__(self) -> int:
        return len(catalog())


functions = _Functions()


@cache
def catalog() -> Mapping[str, Entry]:
    """Every entry by its name, in the order of the file."""
    model = read_document(Path(__file__).with_name("catalog.yaml"), _CatalogModel, SpaceError)
    return {name: _entry(name, fields) for name, fields in model.functions.items()}


def names() -> dict[str, str]:
    """Name of the entry by every name and alias."""
    aliases = {alias: entry.name for entry in catalog().values() for alias in entry.aliases}
    return {**aliases, **{name: name for name in catalog()}}


def find(name: str) -> Entry:
    """The entry with that name or alias; raises `UnknownNameError`."""
    known = names()
    if name not in known:
        raise unknown_name("catalog function", name, known)
    return catalog()[known[name]]


def _entry(name: str, fields: _EntryModel) -> Entry:
    specs = {
        parameter: ParameterSpec(name=parameter, initial=spec.initial, granularity=spec.granularity)
        for parameter, spec in fields.parameters.items()
    }
    return Entry(
        name=name,
        activation=Activation.of(read(fields.formula), specs),
        formula=fields.formula,
        aliases=tuple(fields.aliases),
        year=fields.year,
        source=fields.source,
    )
