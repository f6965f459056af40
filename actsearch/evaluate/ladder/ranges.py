"""What is tuned of a subject: the learning rate and the initial value of every learnable parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from actsearch.evaluate.ladder.settings import LadderSettings
from actsearch.evaluate.task import Subject, Task, subject_of
from actsearch.grammar.activation import Activation, Candidate
from actsearch.grammar.parameter import ParameterSpec

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

RATE = "learning rate"
"""Key of the learning rate; no parameter can be called that."""
Values = Mapping[str, float]
"""A setting: `learning rate`, and NAME, or NAME[INDEX] for an entry of an array, to its value.

Where activations differ by site, their selector stands before the name: `layer:1.beta`.
"""


def defaults(subject: Subject, task: Task) -> Values:
    """The setting to begin with: the task's middle learning rate, and initial values as they are given."""
    rates = sorted(task.learning_rates)
    return {RATE: rates[len(rates) // 2], **dict(_entries(subject))}


def ranges(subject: Subject, task: Task, settings: LadderSettings) -> dict[str, BaseDistribution]:
    """Optuna's distributions by key: the learning rate log-uniform, initial values uniform."""
    from optuna.distributions import FloatDistribution

    first = defaults(subject, task)
    middle = first[RATE]
    found: dict[str, BaseDistribution] = {
        RATE: FloatDistribution(middle / settings.rates, middle * settings.rates, log=True)
    }
    for key, value in _entries(subject):
        reach = settings.spread * (abs(value) or 1.0)
        found[key] = FloatDistribution(value - reach, value + reach)
    return found


def tuned(subject: Subject, values: Values) -> Subject:
    """The subject with the initial values of a setting, and the output gains that belong to them."""
    candidate = subject.candidate
    parts = tuple(
        (selector, _with(activation, _prefix(candidate, selector), values))
        for selector, activation in candidate.assignment
    )
    return subject if parts == candidate.assignment else subject_of(Candidate(assignment=parts))


def _entries(subject: Subject) -> Iterator[tuple[str, float]]:
    candidate = subject.candidate
    for selector, activation in candidate.assignment:
        for spec in activation.parameters:
            yield from zip(_keys(spec, _prefix(candidate, selector)), spec.entries, strict=True)


def _with(activation: Activation, prefix: str, values: Values) -> Activation:
    specs = []
    for spec in activation.parameters:
        entries = tuple(values[key] for key in _keys(spec, prefix))
        specs.append(replace(spec, initial=entries if spec.length is not None else entries[0]))
    return replace(activation, parameters=tuple(specs))


def _prefix(candidate: Candidate, selector: str) -> str:
    return "" if candidate.is_everywhere else f"{selector}."


def _keys(spec: ParameterSpec, prefix: str) -> list[str]:
    """The keys of a parameter's entries."""
    name = prefix + spec.name
    return [name] if spec.length is None else [f"{name}[{index}]" for index in range(spec.length)]
