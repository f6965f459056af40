"""The Pareto front of a search, for `top --objective` and `show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from actsearch.analysis import catalog
from actsearch.errors import ConfigError
from actsearch.evaluate import objectives
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import candidate_from_json
from actsearch.outcome import Scored
from actsearch.store.front import Front, Point, front, nadir, values_of
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import BASELINE, SEARCH


def front_of(journal: Journal, search: SearchRecord, names: Sequence[str]) -> Front:
    """The front of a search under some objectives.

    What follows from a function alone is there for every search. Raises `UnknownNameError`, and `ConfigError` for what
    the search has not measured.
    """
    wanted = objectives.read(",".join(names))
    seconds = journal.step_seconds(search)
    points = [
        Point(name=record.id, values=_values(record, record.outcome, wanted), seconds=seconds[record.generation - 1])
        for record in journal.candidates(search)
        if isinstance(record.outcome, Scored)
    ]
    for name in wanted:
        if points and not any(name in point.values for point in points):
            raise ConfigError(
                f"the search {search.name} has not measured {name}: start one with `actsearch search --objective"
                f" {name}`."
            )
    baselines = [
        values_of(scores.mean(), {**_static(wanted, subject), **scores.objectives})
        for subject, scores in journal.scores(search, SEARCH).items()
        if scores.best is not None
    ]
    return front(points, wanted, nadir(baselines, wanted))


def front_json(found: Front, candidates: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The front as `top --json` has it: each member as among the candidates, its objectives in full."""
    members = [
        {**candidates[point.name], "objectives": {name: point.values[name] for name in found.names}}
        for point in found.members
    ]
    return {"front": members, **found.to_json()}


def front_table(found: Front, search: str, expressions: Mapping[str, str], *, most: int) -> Table:
    """The members of a front, the best in the first objective first."""
    table = Table(title=_title(found, search), title_justify="left", caption=_caption(found), caption_justify="left")
    table.add_column("function", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    for name in found.names:
        better = "more" if objectives.objective(name).is_more_better else "less"
        table.add_column(f"{escape(name)}\n({better} is better)", justify="right")
    for point in found.members[:most]:
        values = [_number(point.values[name]) for name in found.names]
        table.add_row(escape(expressions[point.name]), point.name[:8], *values)
    return table


def value_text(name: str, value: float) -> str:
    """A value of an objective with its unit and what it is."""
    found = objectives.objective(name)
    return f"{_number(value)} {found.unit}: {found.title}; {'more' if found.is_more_better else 'less'} is better"


def _values(record: CandidateRecord, outcome: Scored, names: Sequence[str]) -> Mapping[str, float]:
    found = values_of(outcome.score, outcome.objectives)
    missing = [name for name in names if name not in found]
    known = objectives.of_functions(missing, candidate_from_json(record.expression, record.parameters))
    return {**known, **found}


def _static(names: Sequence[str], subject: str) -> Mapping[str, float]:
    """The objectives of a baseline that follow from its function, which is trained without a factor in front."""
    candidate = subject_of(catalog.look_up(subject.removeprefix(BASELINE)).candidate).candidate
    return objectives.of_functions(names, candidate)


def _title(found: Front, search: str) -> str:
    return f"Pareto front of {search}: {len(found.members)} candidates that no other beats in everything"


def _caption(found: Front) -> str:
    if not found.volumes:
        return "No hypervolume: the baselines have not been measured in all of these."
    reference = ", ".join(f"{name} {_number(value)}" for name, value in found.reference.items())
    last = found.volumes[-1]
    half = next(v for v in found.volumes if v.hypervolume >= last.hypervolume / 2)
    return (
        f"Hypervolume {_number(last.hypervolume)} after {last.evaluations} candidates, half of it after"
        f" {half.evaluations}; measured from the worst of the baselines in each ({reference}). These are the search's"
        " own scores, not those of the finals."
    )


def _number(value: float) -> str:
    return f"{value:.4g}"
