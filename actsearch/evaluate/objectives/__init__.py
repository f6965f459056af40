"""Objectives beside the score: what may be wanted of a function besides quality, one file each.

Values are kept in their natural unit; `oriented` turns them so that more is better. An objective of a candidate that
could not be measured is missing, which is worse than any value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from actsearch.errors import ConfigError, unknown_name
from actsearch.evaluate.objectives.cost import Cost
from actsearch.evaluate.objectives.flips import Flips
from actsearch.evaluate.objectives.noise import Noise
from actsearch.evaluate.objectives.objective import Objective, OfFunction, OfModels
from actsearch.evaluate.objectives.quality import Quality, QualityElsewhere
from actsearch.evaluate.objectives.quantisation import Quantisation
from actsearch.evaluate.objectives.reproducibility import Reproducibility
from actsearch.evaluate.objectives.saved import Saved
from actsearch.evaluate.objectives.sparsity import Sparsity

if TYPE_CHECKING:
    from actsearch.grammar.activation import Candidate

__all__ = [
    "OBJECTIVES", "QUALITY", "Objective", "OfFunction", "OfModels", "elsewhere", "objective", "of_functions",
    "of_models", "oriented", "read",
]  # fmt: skip

OBJECTIVES: Mapping[str, Objective] = {
    one.name: one
    for one in (
        Quality(), Cost(), Saved(), Sparsity(), Noise(), Quantisation(), Flips(), Reproducibility()
    )
}  # fmt: skip
QUALITY = Quality.name
_ELSEWHERE = f"{QUALITY}:"


def objective(name: str) -> Objective:
    """The objective called `name`; `quality:TASK` is the score on another task. Raises `UnknownNameError`."""
    if name.startswith(_ELSEWHERE) and len(name) > len(_ELSEWHERE):
        return QualityElsewhere(name.removeprefix(_ELSEWHERE))
    if name not in OBJECTIVES:
        raise unknown_name("objective", name, [*OBJECTIVES, f"{_ELSEWHERE}TASK"])
    return OBJECTIVES[name]


def read(text: str) -> tuple[str, ...]:
    """The names of a list with commas, each of them known; raises `UnknownNameError` or `ConfigError`."""
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    for name in names:
        objective(name)
    if len(set(names)) < len(names):
        raise ConfigError(f"the objectives {text[:80]!r} name one twice: name each once.")
    return names


def oriented(name: str, value: float | None) -> float:
    """A value of the objective called `name` so that more is better; minus infinity if there is none."""
    return -math.inf if value is None else objective(name).oriented(value)


def of_models(names: Iterable[str]) -> list[OfModels]:
    """Those objectives that are measured on trained models, in the order of their names."""
    return [found for name in names if isinstance(found := objective(name), OfModels)]


def of_functions(names: Iterable[str], candidate: Candidate) -> dict[str, float]:
    """The objectives among `names` that follow from a candidate alone.

    Of functions in different layers it is the mean, of lanes, all of which each element goes through, the sum.
    """
    parts = candidate.assignment
    share = 1.0 if parts[0][0].startswith("lane:") else 1 / len(parts)
    return {
        name: share * sum(found.of(activation) for _, activation in parts)
        for name in names
        if isinstance(found := objective(name), OfFunction)
    }


def elsewhere(names: Iterable[str]) -> dict[str, str]:
    """The tasks of those that are scores on other tasks, by the objective's name."""
    return {name: found.task for name in names if isinstance(found := objective(name), QualityElsewhere)}
