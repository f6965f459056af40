"""A warp: a family at certain parameters of `a*x + b`; its regression on the function asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.novelty.family import Family
from actsearch.analysis.novelty.fit import CENTRE, PARAMETERS, SCALE, Problem
from actsearch.analysis.novelty.match import DOMAIN, Limit, Match
from actsearch.analysis.novelty.points import Array
from actsearch.analysis.novelty.target import Target

VANISHING, UNENDING = 1e-6, 1e4
"""Sizes of a parameter below and above which it stands for a limit."""
_INSIDE = 0.9 * DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """A family with numbers: `g(a*x + b; p)`."""

    family: Family
    numbers: Array
    """Shape (2 + parameters,): a, b, parameters."""
    limits: Mapping[str, Limit] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Warp:
        """Where a problem has come to."""
        numbers = problem.theta.copy()
        numbers[1] = -problem.theta[SCALE] * problem.theta[CENTRE] + 0.0
        return cls(family=problem.family, numbers=numbers, limits=problem.limits)

    @classmethod
    def unmoved(cls, family: Family, sign: float = 1.0) -> Warp:
        """The family at its initial parameters, of x, or of -x where `sign` is -1."""
        return cls(family=family, numbers=neutral(family) * np.array([sign, *[1.0] * (1 + len(family.initial))]))

    def theta(self) -> Array:
        """Its numbers as a problem has them: a, c, parameters."""
        theta = self.numbers.copy()
        theta[CENTRE] = -self.numbers[1] / self.numbers[0] + 0.0
        return theta

    @property
    def is_centred(self) -> bool:
        """Whether the middle of a function of pieces is inside [-5, 5]: a single piece of it is not that function."""
        return not self.family.has_pieces or abs(self.numbers[1]) <= _INSIDE * abs(self.numbers[0])

    def at_limits(self) -> Warp:
        """It, with parameters that have come next to 0 but do not get there, or have no end, as limits."""
        values = dict(zip(self.family.parameters, self.numbers[PARAMETERS:].tolist(), strict=True))
        limits: dict[str, Limit] = {name: "0" for name, value in values.items() if 0 < abs(value) < VANISHING}
        limits |= {name: "inf" if value > 0 else "-inf" for name, value in values.items() if abs(value) >= UNENDING}
        return replace(self, limits={**limits, **self.limits})

    def moved(self) -> NDArray[np.bool_]:
        """Which of its numbers are not where they are for the catalog function itself; a limit is not counted."""
        at_limit = [False, False, *(name in self.limits for name in self.family.parameters)]
        moved: NDArray[np.bool_] = (self.numbers != neutral(self.family)) & ~np.array(at_limit)
        return moved

    def match(self, scale: float, shift: float, distance: float) -> Match:
        """The match that it is with that output scale and shift."""
        names, moved = self.family.parameters, self.moved()[PARAMETERS:]
        return Match(
            name=self.family.name,
            distance=distance,
            input_scale=float(self.numbers[0]),
            input_shift=float(self.numbers[1]),
            output_scale=scale,
            output_shift=shift,
            parameters=dict(zip(names, self.numbers[PARAMETERS:].tolist(), strict=True)),
            limits=self.limits,
            moved=tuple(name for name, is_moved in zip(names, moved, strict=True) if is_moved),
        )


def neutral(family: Family) -> Array:
    """The numbers of the catalog function itself."""
    return np.concatenate([[1.0, 0.0], family.initial])


def responses(family: Family, numbers: Array, x: Array) -> Array:
    """Values at `x` for each row of `numbers`: (rows, points)."""
    u = numbers[:, :1] * x + numbers[:, 1:2]
    return family.values(u, np.ascontiguousarray(numbers[:, PARAMETERS:]))


def by_output(target: Target, rows: Array) -> tuple[Array, Array, Array]:
    """Output scales, output shifts and largest differences of the regressions of f on each row; all (rows,)."""
    with np.errstate(all="ignore"):
        means = rows.mean(axis=1)
        centred = rows - means[:, None]
        mean = target.values.mean()
        norms = np.einsum("rp,rp->r", centred, centred)
        scales = centred @ (target.values - mean) / np.where(norms > 0, norms, 1.0)
        rest = (target.values - mean) - scales[:, None] * centred
        distances = np.abs(rest).max(axis=1)
    return scales, mean - scales * means, np.where(np.isfinite(distances), distances, np.inf)
