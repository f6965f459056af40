"""How the own parameters of a production may start and be had: from `parameters` and `starts` of a space's file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TypeVar

from actsearch.documents import Document
from actsearch.errors import SpaceError, unknown_name
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.space.model import Initial, ParameterModel, SpaceModel
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


def alternatives(own: Mapping[str, int | None], document: Document[SpaceModel], *place: str) -> tuple[Specs, ...]:
    """The alternatives of a template with the parameters `own`, by name, an array with its length.

    `place` is where the template stands: `("rules", symbol, production)`, or another place, which has no starts.
    Parameters with the same choices of granularity, or of sharing, choose together. Raises `SpaceError`.
    """
    model = document.content
    declarations = {name: _declaration(name, model) for name in own}
    granularities = {name: d.granularity for name, d in declarations.items()}
    sharing = {name: d.shared for name, d in declarations.items()}
    found = []
    for initial in _initials(own, declarations, document, place):
        for chosen, shared in itertools.product(_together(granularities), _together(sharing)):
            specs = [
                ParameterSpec(name=name, initial=initial[name], granularity=chosen[name], shared=shared[name])
                for name in own
            ]
            found.append(tuple(specs))
            if len(found) > _MOST:
                raise SpaceError(f"{document.where(*place)}: {'.'.join(place)}: over {_MOST} choices of parameters.")
    return tuple(dict.fromkeys(found))


def _initials(
    own: Mapping[str, int | None],
    declarations: Mapping[str, ParameterModel],
    document: Document[SpaceModel],
    place: tuple[str, ...],
) -> list[dict[str, Initial]]:
    """The initial values of all parameters, once for each start of the production."""
    section, *below = place
    usual = {
        name: _fitting(name, declarations[name].initial, length, document, place, is_cut=True)
        for name, length in own.items()
    }
    if section != "rules":
        return [usual]
    symbol, production = below
    starts = document.content.starts.get(symbol, {}).get(production, {})
    found = []
    for start, values in starts.items():
        here = ("starts", symbol, production, start)
        for name in values:
            if name not in own:
                error = unknown_name(f"parameter in starts.{symbol}.{production}", name, own)
                raise SpaceError(f"{document.where(*here, name)}: {error}")
        given = {n: _fitting(n, v, own[n], document, (*here, n), is_cut=False) for n, v in values.items()}
        found.append({**usual, **given})
    return found or [usual]


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
    name: str,
    initial: Initial,
    length: int | None,
    document: Document[SpaceModel],
    place: tuple[str, ...],
    *,
    is_cut: bool,
) -> Initial:
    """The initial value of a parameter that a template has as a number, or as an array of `length`.

    Of an array with more entries the first ones are taken if `is_cut`.
    """
    if not isinstance(initial, tuple):
        return initial if length is None else (initial,) * length
    if length is not None and (len(initial) == length or (is_cut and len(initial) > length)):
        return initial[:length]
    needed = "one number is" if length is None else f"{length} are"
    said = f"{name} has {len(initial)} entries, but {needed} used here"
    raise SpaceError(f"{document.where(*place)}: {'.'.join(place)}: {said}.")
