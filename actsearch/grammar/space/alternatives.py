"""How the own parameters of a production may start and be had: from `parameters` and `starts` of a space's file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TypeVar

from actsearch.documents import Document
from actsearch.errors import SpaceError, unknown_name
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.space.model import ParameterModel, SpaceModel
from actsearch.grammar.space.production import Specs

_MOST = 4096
_Choice = TypeVar("_Choice")


def numbered(name: str) -> str:
    """The name that a numbered copy is a copy of: `beta` for `beta_2`."""
    return re.sub(r"_\d+$", "", name)


def declared(model: SpaceModel) -> Mapping[str, int]:
    """Lengths of the arrays that the file declares."""
    arrays = {name: len(p.initial) for name, p in model.parameters.items() if isinstance(p.initial, tuple)}
    for by_name in model.starts.values():
        for by_start in by_name.values():
            for values in by_start.values():
                arrays |= {name: len(value) for name, value in values.items() if isinstance(value, tuple)}
    return arrays


def alternatives(
    own: Mapping[str, int | None], document: Document[SpaceModel], symbol: str, production: str
) -> tuple[Specs, ...]:
    """The alternatives of a production with the parameters `own`, by name, an array with its length.

    Parameters with the same choices of granularity, or of sharing, choose together. Raises `SpaceError`.
    """
    model = document.content
    declarations = {name: _declaration(name, model) for name in own}
    granularities = {name: d.granularity for name, d in declarations.items()}
    sharing = {name: d.shared for name, d in declarations.items()}
    starts = model.starts.get(symbol, {}).get(production, {})
    for start, values in starts.items():
        for name in values:
            if name not in own:
                where = document.where("starts", symbol, production, start, name)
                raise SpaceError(f"{where}: {unknown_name(f'parameter in starts.{symbol}.{production}', name, own)}")
    found = []
    place = f"{document.where('rules', symbol, production)}: rules.{symbol}.{production}"
    for values in starts.values() or ({},):
        initial = {name: values.get(name, declarations[name].initial) for name in own}
        for chosen, shared in itertools.product(_together(granularities), _together(sharing)):
            specs = [
                ParameterSpec(
                    name=name,
                    initial=_fitting(name, initial[name], length, place, is_cut=name not in values),
                    granularity=chosen[name],
                    shared=shared[name],
                )
                for name, length in own.items()
            ]
            found.append(tuple(specs))
            if len(found) > _MOST:
                raise SpaceError(f"{place}: more than {_MOST} choices of its parameters.")
    return tuple(dict.fromkeys(found))


def _declaration(name: str, model: SpaceModel) -> ParameterModel:
    known = model.parameters
    return known.get(name) or known.get(numbered(name)) or ParameterModel()


def _together(choices: Mapping[str, tuple[_Choice, ...]]) -> list[dict[str, _Choice]]:
    """Every choice for all parameters, those with the same choices alike."""
    lists = list(dict.fromkeys(choices.values()))
    return [
        {name: picked[lists.index(options)] for name, options in choices.items()}
        for picked in itertools.product(*lists)
    ]


def _fitting(
    name: str, initial: float | tuple[float, ...], length: int | None, place: str, *, is_cut: bool
) -> float | tuple[float, ...]:
    """The initial value of a parameter that a template has as a number, or as an array of `length`.

    Of an array with more entries the first ones are taken if `is_cut`.
    """
    if not isinstance(initial, tuple):
        return initial if length is None else (initial,) * length
    if length is not None and (len(initial) == length or (is_cut and len(initial) > length)):
        return initial[:length]
    needed = "one number is" if length is None else f"{length} are"
    raise SpaceError(f"{place}: {name} has {len(initial)} entries, but {needed} used here.")
