"""The Pareto front of a search, and how much of what is possible it covers as the search goes on.

The hypervolume is the volume between a front and a reference point: Zitzler, Thiele (1998), Multiobjective Optimization
Using Evolutionary Algorithms, a Comparative Case Study. It is computed by moocore.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from actsearch.outcome import Scores
from actsearch.store.record import SearchRecord

QUALITY = "quality"
"""The objective that is the search's own score."""
Values = Mapping[str, float]
"""Values by the objectives' names, each in its own unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A scored candidate in the order of evaluation."""

    name: str
    values: Values
    seconds: float
    """Of the budget, when its generation had been evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The hypervolume after so many scored candidates."""

    evaluations: int
    seconds: float
    hypervolume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What no other candidate beats in every objective."""

    names: tuple[str, ...]
    reference: Values
    """The worst value of the baselines in each objective; empty if they have not been measured."""
    members: tuple[Point, ...]
    """The best in the first objective first; of those that are equal in all of them the first that was found."""
    volumes: tuple[Volume, ...]
    """After every candidate that changed it, and after the last; empty without a reference."""

    def to_json(self) -> dict[str, Any]:
        """What `top --objective` prints besides."""
        return {
            "objectives": list(self.names),
            "reference": dict(self.reference),
            "hypervolume": [
                {"evaluations": v.evaluations, "seconds": v.seconds, "hypervolume": v.hypervolume} for v in self.volumes
            ],
        }


def front(points: Iterable[Point], names: Sequence[str], reference: Values) -> Front:
    """The front of `points`, in the order of evaluation; those that lack one of the objectives are not on it."""
    archive = Archive(names, reference)
    members: dict[str, Point] = {}
    volumes: list[Volume] = []
    count, seconds = 0, 0.0
    for count, point in enumerate(points, 1):
        seconds = point.seconds
        if archive.add(point.name, point.values):
            members[point.name] = point
            if reference and (volume := archive.hypervolume()) != (volumes[-1].hypervolume if volumes else 0.0):
                volumes.append(Volume(evaluations=count, seconds=seconds, hypervolume=volume))
    if reference and count and (not volumes or volumes[-1].evaluations < count):
        volumes.append(Volume(evaluations=count, seconds=seconds, hypervolume=archive.hypervolume()))
    kept = sorted((members[name] for name in archive.names), key=lambda p: (-archive.oriented(p.values)[0], p.name))
    return Front(names=tuple(names), reference=reference, members=tuple(kept), volumes=tuple(volumes))


class Archive:
    """The front of what has been added so far."""

    def __init__(self, objectives: Sequence[str], reference: Values) -> None:
        self._objectives = objectives
        self._reference = self.oriented(reference) if reference else None
        self._kept: dict[str, tuple[float, ...]] = {}

    @property
    def names(self) -> list[str]:
        """Names of those that are on the front, in the order of adding."""
        return list(self._kept)

    def oriented(self, values: Values) -> tuple[float, ...]:
        """The values so that more is better, minus infinity for what is missing."""
        from actsearch.evaluate.objectives import oriented

        return tuple(oriented(name, values.get(name)) for name in self._objectives)

    def add(self, name: str, values: Values) -> bool:
        """Whether it is on the front now; what it dominates no longer is."""
        found = self.oriented(values)
        if not all(map(math.isfinite, found)) or any(_covers(other, found) for other in self._kept.values()):
            return False
        self._kept = {other: kept for other, kept in self._kept.items() if not _covers(found, kept)}
        self._kept[name] = found
        return True

    def hypervolume(self) -> float:
        """The volume between the front and the reference, which there must be; only what beats it everywhere counts."""
        if self._reference is None:
            raise ValueError("no hypervolume without a reference")
        if not self._kept:
            return 0.0
        import moocore
        import numpy as np

        return float(moocore.hypervolume(np.array(list(self._kept.values())), ref=self._reference, maximise=True))


def _covers(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether `a` is at least as good as `b` in every objective."""
    return all(one >= other for one, other in zip(a, b, strict=True))


def wanted(search: SearchRecord) -> tuple[str, ...]:
    """The objectives that a search measures, its score first; empty if it measures none."""
    names = [name.strip() for name in str(search.settings.get("objectives", "")).split(",") if name.strip()]
    return (QUALITY, *(name for name in names if name != QUALITY)) if names else ()


def values_of(score: float, measured: Values) -> Values:
    """All objectives of a scored candidate or baseline, the score among them."""
    return {QUALITY: score, **measured}


def nadir(baselines: Iterable[Values], names: Sequence[str]) -> dict[str, float]:
    """The worst value of the baselines in each objective; empty if there is an objective that none of them has."""
    from actsearch.evaluate.objectives import oriented

    known = list(baselines)
    found: dict[str, float] = {}
    for name in names:
        values = [own[name] for own in known if name in own]
        if not values:
            return {}
        found[name] = min(values, key=partial(oriented, name))
    return found


def nadir_of_scores(searched: Mapping[str, Scores], names: Sequence[str]) -> dict[str, float]:
    """`nadir` of the baselines' scores under the search's seeds."""
    return nadir([values_of(s.mean(), s.objectives) for s in searched.values() if s.best is not None], names)
