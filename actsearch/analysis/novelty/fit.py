"""Many small least-squares problems at once: output scale and shift eliminated, the rest by Levenberg and Marquardt.

A problem asks for `f(x) = A * g(a*(x - c); p) + B`. For given (a, c, p) the best A and B are a regression on one
variable, so only the others are stepped, with the Jacobian of what remains after that regression (variable projection
in Kaufman's form: Golub and Pereyra, Inverse Problems 19 (2003) R1). Steps of all problems are solved together; each
family is evaluated once an iteration, for all of its problems and all of their difference quotients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from actsearch.analysis.novelty.family import Array, Family
from actsearch.analysis.novelty.match import Limit

SCALE, CENTRE, PARAMETERS = 0, 1, 2
"""Columns of `theta`: a, c, and where the parameters of the family begin."""
_LARGEST_SCALE, _FARTHEST_CENTRE, _LARGEST_PARAMETER = 1e3, 8.0, 1e4
_STEP = 1e-6
"""Relative step of the difference quotients."""
_EXACT = 1e-13
"""Residual, relative to f, at which a problem is solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Where a fit starts and what it may move."""

    family: Family
    theta: Array
    """Shape (2 + parameters,): a, c, parameters."""
    free: NDArray[np.bool_]
    """What of `theta` may move."""
    scaled: bool = True
    """Whether A is fitted, else 1."""
    shifted: bool = True
    """Whether B is fitted, else 0."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Parameters that stand for a limit, and which; they do not move."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Problems sorted by family, padded to as many columns as the widest has."""

    problems: Sequence[Problem]
    slices: list[tuple[Family, slice]]
    free: NDArray[np.bool_]
    scaled: Array
    shifted: Array
    target: Array
    x: Array

    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Values (problems, points) and difference quotients (problems, columns, points) at `theta`."""
        count, width = theta.shape
        step = _STEP * np.maximum(np.abs(theta), 0.1)
        moved = np.repeat(theta[:, None, :], 1 + width, axis=1)
        columns = np.arange(width)
        moved[:, 1 + columns, columns] += step
        u = moved[:, :, SCALE, None] * (self.x - moved[:, :, CENTRE, None])
        values = np.zeros((count, 1 + width, len(self.x)))
        for family, rows in self.slices:
            used = PARAMETERS + len(family.parameters)
            points = u[rows, : 1 + used].reshape(-1, len(self.x))
            settings = moved[rows, : 1 + used, PARAMETERS:used].reshape(len(points), used - PARAMETERS)
            values[rows, : 1 + used] = family.values(points, settings).reshape(-1, 1 + used, len(self.x))
            values[rows, 1 + used :] = values[rows, :1]
        quotients = (values[:, 1:] - values[:, :1]) / step[:, :, None]
        return values[:, 0], np.where(self.free[:, :, None], quotients, 0.0)

    def project(self, values: Array, quotients: Array) -> tuple[Array, Array, Array]:
        """Cost, residual and Jacobian of the residual, with A and B at their best where they are fitted."""
        shifted, scaled = self.shifted[:, None], self.scaled[:, None]
        values = values - shifted * values.mean(axis=1, keepdims=True)
        target = self.target - shifted * self.target.mean(axis=1, keepdims=True)
        norm = np.maximum((values * values).sum(axis=1, keepdims=True), 1e-300)
        factor = np.where(scaled > 0, (target * values).sum(axis=1, keepdims=True) / norm, 1.0)
        residual = target - factor * values
        jacobian = quotients - shifted[:, :, None] * quotients.mean(axis=2, keepdims=True)
        along = (jacobian @ values[:, :, None]) / norm[:, :, None]
        jacobian = factor[:, :, None] * (jacobian - scaled[:, :, None] * along * values[:, None, :])
        cost = (residual * residual).sum(axis=1)
        bad = ~np.isfinite(cost) | ~np.isfinite(jacobian).all(axis=(1, 2))
        cost[bad], residual[bad], jacobian[bad] = np.inf, 0.0, 0.0
        return cost, residual, jacobian


def fit(problems: Sequence[Problem], target: Array, x: Array, *, iterations: int) -> tuple[list[Problem], Array]:
    """The problems where they end, and their sums of squared residuals; in another order than they were given.

    `target` is f at the points `x`. A problem that has no value where it starts has the cost infinity.
    """
    if not problems:
        return [], np.zeros(0)
    ordered = sorted(problems, key=lambda problem: problem.family.name)
    batch, theta = _batch(ordered, target, x)
    with np.errstate(all="ignore"):
        theta, cost = _minimise(batch, theta, iterations)
    done = [
        Problem(
            family=p.family, theta=row[: len(p.theta)], free=p.free, scaled=p.scaled, shifted=p.shifted, limits=p.limits
        )
        for p, row in zip(ordered, theta, strict=True)
    ]
    return done, cost


def _batch(problems: Sequence[Problem], target: Array, x: Array) -> tuple[_Batch, Array]:
    width = max(len(problem.theta) for problem in problems)
    theta, free = np.zeros((len(problems), width)), np.zeros((len(problems), width), dtype=bool)
    for row, problem in enumerate(problems):
        theta[row, : len(problem.theta)] = problem.theta
        free[row, : len(problem.theta)] = problem.free
    slices, start = [], 0
    for row in range(1, len(problems) + 1):
        if row == len(problems) or problems[row].family is not problems[start].family:
            slices.append((problems[start].family, slice(start, row)))
            start = row
    batch = _Batch(
        problems=problems,
        slices=slices,
        free=free,
        scaled=np.array([float(p.scaled) for p in problems]),
        shifted=np.array([float(p.shifted) for p in problems]),
        target=np.broadcast_to(target, (len(problems), len(x))),
        x=x,
    )
    return batch, theta


def _minimise(batch: _Batch, theta: Array, iterations: int) -> tuple[Array, Array]:
    cost, residual, jacobian = batch.project(*batch.evaluate(theta))
    solved = _EXACT**2 * (batch.target[0] ** 2).sum()
    damping = np.full(len(theta), 1e-3)
    for _ in range(iterations):
        if (cost <= solved).all():
            break
        step = _steps(residual, jacobian, damping)
        trial = _within_bounds(theta + step)
        trial_cost, trial_residual, trial_jacobian = batch.project(*batch.evaluate(trial))
        better = trial_cost < cost
        theta[better], cost[better] = trial[better], trial_cost[better]
        residual[better], jacobian[better] = trial_residual[better], trial_jacobian[better]
        damping = np.where(better, damping / 10, damping * 10).clip(1e-12, 1e8)
    return theta, cost


def _steps(residual: Array, jacobian: Array, damping: Array) -> Array:
    normal = jacobian @ jacobian.transpose(0, 2, 1)
    diagonal = np.einsum("pii->pi", normal)
    # Columns that do not move have a zero diagonal: any positive number there leaves them where they are.
    floor = 1e-14 * diagonal.max(axis=1, keepdims=True) + 1e-300
    diagonal += damping[:, None] * diagonal + floor
    gradient = jacobian @ residual[:, :, None]
    return np.linalg.solve(normal, gradient)[:, :, 0]


def _within_bounds(theta: Array) -> Array:
    theta[:, SCALE] = theta[:, SCALE].clip(-_LARGEST_SCALE, _LARGEST_SCALE)
    theta[:, CENTRE] = theta[:, CENTRE].clip(-_FARTHEST_CENTRE, _FARTHEST_CENTRE)
    theta[:, PARAMETERS:] = theta[:, PARAMETERS:].clip(-_LARGEST_PARAMETER, _LARGEST_PARAMETER)
    return theta
