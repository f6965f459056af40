"""A/A control: how often a search among disguised copies of one function claims that one is better.

    python benchmarks/aa_control.py simulated   # a few minutes
    python benchmarks/aa_control.py real        # longer

A repetition is a search in small: the candidates, all copies, are scored on two seeds, and the best of them go to the
finals, where they and the baselines, copies too, are judged on 16 seeds as in `actsearch search`. Whatever is then
claimed is wrong.

Copies that share seeds tie exactly, and so does a copy in another form up to rounding, of which the common seeds would
make a difference that is tiny and yet "significant". So a copy is disguised by chance: it shares the split of each seed
with the others, which is what pairs them, and has initial weights and an order of the data of its own. On real scores
these come from training gelu on digits (40 steps); simulated ones are a part of the split, common to all, plus noise of
the copy: normal, heavy-tailed (Student's t with 3 degrees of freedom) or one-sided (one training in twenty goes wrong),
with one learning rate that is clearly the best; or normal with three that are equally good.

Each row counts repetitions that end in any claim at all (`claims`; the stated level is 5 %), in a finalist that "beats
every baseline" (`wins`), and in what a rule of two standard errors, without correction, would have called a win of the
best finalist over the best baseline (`two_errors`).
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import record
from numpy.typing import NDArray
from scipy import stats

from actsearch.evaluate.fairness import LEVEL, Verdict, judge
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.trainer import train
from actsearch.grammar.activation import parse
from actsearch.outcome import Scores

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, SEARCH_SEEDS = 16, 2
RATES = (3e-3, 1e-2, 3e-2)
FUNCTION, STEPS = "gelu(x)", 40
_APART = 100_000
"""A copy's seed is that of the split plus a multiple of this."""


@dataclasses.dataclass(frozen=True)
class Size:
    """Candidates and finalists of a repetition; repetitions by number of baselines."""

    candidates: int
    finalists: int
    repetitions: dict[int, int]


SIZES = {"simulated": Size(32, 10, {1: 1000, 7: 300}), "real": Size(12, 6, {1: 24, 4: 24})}
Noise = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]
CLEAR, ALIKE = (-9.0, 0.0, -9.0), (0.0, 0.0, 0.0)
"""What the learning rates are worth."""
NOISES: dict[str, tuple[Noise, tuple[float, ...]]] = {
    "normal": (lambda random, shape: random.normal(size=shape), CLEAR),
    "heavy-tailed": (lambda random, shape: random.standard_t(3, size=shape), CLEAR),
    "one-sided": (lambda random, shape: random.normal(size=shape) - 5.0 * (random.random(shape) < 0.05), CLEAR),
    "normal, rates alike": (lambda random, shape: random.normal(size=shape), ALIKE),
}


def simulated(
    noise: Noise, worth: tuple[float, ...], random: np.random.Generator, copies: int, seeds: int
) -> list[Scores]:
    """Scores of copies on common splits, validation and test, at learning rates that are worth so much."""
    shape = (copies, len(RATES), seeds)
    training = noise(random, shape) + np.array(worth)[:, None]
    values, test = (random.normal(size=seeds) + training + 0.5 * random.normal(size=shape) for _ in range(2))
    return [_scores(v.tolist(), t.tolist()) for v, t in zip(values, test, strict=True)]


def real(first_split: int, copies: int, seeds: int) -> list[Scores]:
    """Scores of copies that were trained on common splits from weights, and in an order, of their own."""
    task: Any = load_task("digits")
    recipe = dataclasses.replace(task.recipe, steps=STEPS)
    own = [_APART * (copy + 1) + first_split + seed for copy in range(copies) for seed in range(seeds)]
    subject = subject_of(parse(FUNCTION))
    (scores,) = train([subject], own, lambda seed: task.split(seed % _APART), recipe, Quality())
    return [
        _scores(*([row[seeds * copy : seeds * (copy + 1)] for row in rows] for rows in (scores.values, scores.test)))
        for copy in range(copies)
    ]


def _scores(values: Sequence[Sequence[float]], test: Sequence[Sequence[float]]) -> Scores:
    return Scores(
        learning_rates=RATES,
        seeds=tuple(range(len(values[0]))),
        values=tuple(map(tuple, values)),
        test=tuple(map(tuple, test)),
    )


def repetition(make: Callable[[int, int], list[Scores]], size: Size, counts: Sequence[int]) -> list[Verdict]:
    """One search and its verdicts by numbers of baselines; `make` gives scores of copies on so many seeds."""
    searched = make(size.candidates, SEARCH_SEEDS)
    best = sorted(range(size.candidates), key=lambda copy: -searched[copy].mean())[: size.finalists]
    # Copies are the same, so which of them goes on decides nothing: the finals are on seeds of their own.
    finals = make(size.finalists + max(counts), SEEDS)
    named = {f"copy {copy}": finals[place] for place, copy in enumerate(best)}
    verdicts = []
    for count in counts:
        baselines = {f"baseline {i}": finals[size.finalists + i] for i in range(count)}
        verdicts.append(judge({**named, **baselines}, functions=tuple(named), baselines=tuple(baselines)))
    return verdicts


def has_claim(verdict: Verdict) -> bool:
    """Whether any finalist is called better or worse than any baseline."""
    return any((d.p_value or 0.0) <= LEVEL for j in verdict.judgements.values() for d in j.differences)


def has_win(verdict: Verdict) -> bool:
    """Whether any finalist "beats every baseline"."""
    return any(
        all(d.mean > 0 and (d.p_value or 0.0) <= LEVEL for d in j.differences)
        for j in verdict.judgements.values()
        if j.differences
    )


def by_two_errors(verdict: Verdict) -> bool:
    """Whether the best finalist is better than the best baseline by more than two standard errors."""
    best = max((j for j in verdict.judgements.values() if j.differences), key=lambda j: j.mean)
    return best.to_best is not None and best.to_best.mean > 2 * (best.to_best.standard_error or 0.0)


def measure(kind: str) -> Iterator[tuple[str, int, list[Verdict]]]:
    """Name of the scores, number of baselines, verdicts."""
    size = SIZES[kind]
    makers: dict[str, Callable[[int], Callable[[int, int], list[Scores]]]] = {
        f"simulated, {name}": functools.partial(_simulated_maker, noise, worth, seed)
        for seed, (name, (noise, worth)) in enumerate(NOISES.items())
    }
    if kind == "real":
        makers = {f"real, {FUNCTION} on digits": lambda i: lambda copies, seeds: real(64 * i + seeds, copies, seeds)}
    for name, maker in makers.items():
        verdicts: dict[int, list[Verdict]] = {count: [] for count in size.repetitions}
        for i in range(max(size.repetitions.values())):
            counts = [count for count, wanted in size.repetitions.items() if i < wanted]
            for count, verdict in zip(counts, repetition(maker(i), size, counts), strict=True):
                verdicts[count].append(verdict)
        yield from ((name, count, found) for count, found in verdicts.items())


def _simulated_maker(noise: Noise, worth: tuple[float, ...], seed: int, i: int) -> Callable[[int, int], list[Scores]]:
    return functools.partial(simulated, noise, worth, np.random.default_rng([seed, i]))


def main() -> None:
    """Measure one kind of scores and append its rows to the table beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(SIZES))
    kind = parser.parse_args().kind
    for name, baselines, verdicts in measure(kind):
        claims = sum(map(has_claim, verdicts))
        low, high = stats.binomtest(claims, len(verdicts)).proportion_ci(method="wilson")
        row = {
            "scores": name,
            "candidates": SIZES[kind].candidates,
            "finalists": SIZES[kind].finalists,
            "baselines": baselines,
            "seeds": SEEDS,
            "repetitions": len(verdicts),
            "claims": claims,
            "claims_share": round(claims / len(verdicts), 4),
            "claims_low": round(float(low), 4),
            "claims_high": round(float(high), 4),
            "wins": sum(map(has_win, verdicts)),
            "two_errors": sum(map(by_two_errors, verdicts)),
        }
        print(row, flush=True)
        record.append(TABLE, {**record.machine("numpy", "scipy", "torch"), **row})


if __name__ == "__main__":
    main()
