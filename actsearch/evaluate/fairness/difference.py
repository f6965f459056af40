"""The paired difference between a function and a baseline, and what could have been seen of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95
POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A function's scores minus a baseline's on the same seeds; more is better for the function."""

    baseline: str
    mean: float
    standard_error: float | None
    """None on one seed, like what follows from it."""
    half_width: float | None
    """The 95 % interval is `mean` plus and minus this; it is that of one comparison, not corrected."""
    p_value: float | None
    """Two-sided, after correction for all comparisons; None where none is made (a baseline with a baseline)."""
    p_alone: float | None
    """Two-sided, before correction."""
    smallest: float | None
    """The smallest true difference that would have been found, after correction, four times out of five.

    None if so few seeds could not have shown any, or if it does not vary.
    """
    correlation: float | None
    """Of the scores of both over the seeds: what common seeds, splits and initial weights have bought. None if one of
    them does not vary."""

    @property
    def is_exact_tie(self) -> bool:
        """Whether both had the same score on every seed."""
        return self.mean == 0.0 and not self.standard_error

    def to_json(self) -> dict[str, Any]:
        """The difference as a JSON document."""
        return {
            "baseline": self.baseline,
            "difference": self.mean,
            "standard_error": self.standard_error,
            "interval": interval(self.mean, self.half_width),
            "p_value": self.p_value,
            "p_value_alone": self.p_alone,
            "smallest_detectable": self.smallest,
            "correlation": self.correlation,
        }


def difference(
    baseline: str,
    function_scores: NDArray[np.float64],
    baseline_scores: NDArray[np.float64],
    *,
    p_value: float | None = None,
    p_alone: float | None = None,
    critical: float = math.inf,
) -> Difference:
    """The difference of scores by seed, (seeds,); `critical` is the |t| that counts as found."""
    differences = function_scores - baseline_scores
    seeds = len(differences)
    error = standard_error(differences)
    return Difference(
        baseline=baseline,
        mean=float(differences.mean()),
        standard_error=error,
        half_width=half_width(error, seeds),
        p_value=p_value,
        p_alone=p_alone,
        smallest=None if error is None else smallest(error, seeds, critical),
        correlation=_correlation(function_scores, baseline_scores),
    )


def standard_error(values: NDArray[np.float64]) -> float | None:
    """Standard error of the mean of `values`, (seeds,); None of one."""
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def half_width(error: float | None, seeds: int) -> float | None:
    """Half the width of the 95 % t interval of a mean over `seeds` with that standard error."""
    return None if error is None else float(special.stdtrit(seeds - 1, (1 + CONFIDENCE) / 2)) * error


def interval(mean: float, half: float | None) -> list[float] | None:
    """Both ends of an interval, for JSON."""
    return None if half is None else [mean - half, mean + half]


def smallest(error: float, seeds: int, critical: float) -> float | None:
    """The true difference that is found at |t| >= `critical` with a power of 80 %: by the noncentral t distribution.

    None if there is none, or if nothing varies. The standard error is taken as known: Cohen (1988), Statistical Power
    Analysis, chapter 2.
    """
    if math.isinf(critical) or not error:
        return None
    noncentrality = float(special.nctdtrinc(seeds - 1, 1 - POWER, critical))
    return noncentrality * error if math.isfinite(noncentrality) else None


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if len(first) < 2 or not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])
