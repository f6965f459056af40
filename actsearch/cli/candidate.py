"""What a user may write for a candidate: a catalog name, a hash prefix, an expression, or several of them assigned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from actsearch.analysis import catalog
from actsearch.analysis.moments import has_variance, normalised
from actsearch.analysis.probe import Probe
from actsearch.cli.options import parameters_of
from actsearch.errors import ConfigError, UnsupportedError, unknown_name
from actsearch.grammar.activation import Activation, Candidate, ParameterSpec, candidate_from_json, parse
from actsearch.grammar.expression import parameter_names
from actsearch.grammar.text import read
from actsearch.outcome import Scored
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.tuning import TUNE, Tuned, tuned

_ASSIGNMENT = re.compile(r"\s*(layer|lane):\d+\s*=")
_PREFIX = re.compile(r"^[0-9a-f]{6,64}$")
_HEX_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Found:
    """A candidate, and the search that found it if there is one."""

    name: str
    candidate: Candidate
    record: CandidateRecord | None = None
    search: SearchRecord | None = None
    tuned: Tuned | None = None
    """Its trials on the search's real task, if it came so far."""

    @property
    def activation(self) -> Activation:
        """The one function that stands everywhere; raises `UnsupportedError` where there are several."""
        if not self.candidate.is_everywhere:
            raise UnsupportedError(f"{self.name} assigns several functions: take one of {self.candidate.text[:200]}.")
        return self.candidate.activation

    @cached_property
    def gains(self) -> dict[str, float]:
        """Output gain by selector, with which each activation was, or would be, trained."""
        if self.record is not None and self.record.gains is not None:
            return dict(self.record.gains)
        if self.record is not None and self.record.gain is not None:
            return {"*": self.record.gain}
        return {selector: normalised(activation)[1] for selector, activation in self.candidate.assignment}

    @property
    def has_variance(self) -> bool:
        """Whether its variance under N(0, 1) is finite; True where the analysis cannot take it."""
        try:
            return has_variance(Probe(self.activation))
        except UnsupportedError:
            return True


def find(text: str, store: Path, parameters: list[str] | None = None) -> Found:
    """The candidate that `text` names: catalog name, else hash prefix, else expression.

    Raises `UnknownNameError`, `ParseError`, or `ConfigError` if parameters are given to what has its own.
    """
    return _found(text, store, parameters_of(parameters))


def find_all(texts: Sequence[str], store: Path, parameters: list[str] | None = None) -> dict[str, Found]:
    """The candidates that `texts` name; a parameter that is given goes to each expression that has one of its name.

    Raises as `find`, and `ConfigError` for a parameter that fits none of them.
    """
    given = parameters_of(parameters)
    if len(texts) == 1:
        return {texts[0]: _found(texts[0], store, given)}
    fitting = {text: _fitting(text, given) for text in texts}
    for name in given:
        if not any(name in specs for specs in fitting.values()):
            raise ConfigError(
                f"--param {name}: none of the functions takes it; those of the catalog and of searches have parameters"
                " of their own."
            )
    return {text: _found(text, store, specs) for text, specs in fitting.items()}


def _fitting(text: str, given: dict[str, ParameterSpec]) -> dict[str, ParameterSpec]:
    """Those of the parameters that the expression `text` has; none for any other name of a candidate."""
    if text in catalog.names() or _PREFIX.match(text) or _ASSIGNMENT.match(text) or not given:
        return {}
    lengths = {name: spec.length for name, spec in given.items() if spec.length is not None}
    names = parameter_names(read(text, lengths))
    return {name: spec for name, spec in given.items() if name in names}


def _found(text: str, store: Path, given: dict[str, ParameterSpec]) -> Found:
    known = catalog.names()
    if text in known:
        _refuse(given, f"the catalog function {text}")
        return Found(name=known[text], candidate=catalog.look_up(text).candidate)
    if _PREFIX.match(text) and (store / "journal.sqlite").exists():
        found = _in_journal(text, store)
        if found is not None:
            _refuse(given, f"the candidate {text}")
            return found
        if not text.isalpha():
            raise ConfigError(f"no candidate's id begins with {text[:60]} in the store {str(store)!r}.")
    if _ASSIGNMENT.match(text):
        _refuse(given, "an assignment of several functions")
        candidate = candidate_from_json(text, {})
        return Found(name=candidate.id, candidate=candidate)
    activation = parse(text, **given)
    if not activation.inputs:
        raise unknown_name("catalog function or expression of x", text, known)
    return Found(name=activation.id, candidate=Candidate.everywhere(activation))


def _in_journal(prefix: str, store: Path) -> Found | None:
    with Journal.open(store) as journal:
        matches = journal.find(prefix[:_HEX_DIGITS])
    ids = {record.id for _, record in matches}
    if len(ids) > 1:
        raise ConfigError(
            f"the prefix {prefix} fits {len(ids)} candidates ({', '.join(sorted(ids)[:3])}): write more digits."
        )
    # A candidate may have been proposed in several searches; one that was scored there is worth most.
    matches.sort(key=lambda pair: (not isinstance(pair[1].outcome, Scored), not pair[1].is_measured, -pair[0].id))
    if not matches:
        return None
    search, record = matches[0]
    with Journal.open(store) as journal:
        trials = tuned(journal.trials(search, TUNE)).get(record.id)
    candidate = candidate_from_json(record.expression, record.parameters)
    return Found(name=record.id, candidate=candidate, record=record, search=search, tuned=trials)


def _refuse(given: dict[str, ParameterSpec], what: str) -> None:
    if given:
        raise ConfigError(f"--param {next(iter(given))}: {what} has its own parameters; write its expression instead.")
