"""Comparing given functions with the baselines, on common seeds, without a search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.analysis.tensor_probe import probe_of
from actsearch.errors import ConfigError
from actsearch.evaluate.pool import open_executor
from actsearch.evaluate.profile import read_profile
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.sites import check_sites
from actsearch.evaluate.task import Subject, Task, load_task, subject_of
from actsearch.evaluate.worker import Job, Order
from actsearch.grammar.activation import Activation, Candidate
from actsearch.outcome import Outcome, Scored, Scores, paired

_FIRST_SEED = 500
"""The final seeds of a search with `--seed 0`: comparisons by hand agree with its finals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One function or baseline, its outcome and its paired difference to the best baseline."""

    name: str
    is_baseline: bool
    is_given: bool
    """Whether it was asked for; a baseline may be."""
    outcome: Outcome
    delta: float | None
    delta_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Functions and baselines of one task, best first, those without a score last."""

    task: str
    metric: str
    seeds: tuple[int, ...]
    best_baseline: str | None
    entries: tuple[Compared, ...]


def compare(
    activations: Mapping[str, Activation | Candidate],
    *,
    task: str,
    seeds: int | None,
    workers: str,
    announce: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Train `activations` (by the name to report) and the task's baselines on the same seeds.

    `announce` is told what is trained once all that was asked for has been found good.
    """
    loaded = load_task(task)
    order = Order(seeds=tuple(range(_FIRST_SEED, _FIRST_SEED + (seeds or loaded.final_seeds))), quality=Quality())
    subjects = {name: _subject(name, given, loaded) for name, given in activations.items()}
    baselines = {name: subject_of(catalog.look_up(name).candidate) for name in loaded.baselines if name not in subjects}
    jobs = [Job(key=name, subject=subject) for name, subject in {**subjects, **baselines}.items()]
    profile = read_profile(workers)
    announce(f"training {len(subjects)} function(s) and {len(baselines)} baselines on {task}, {profile.title} ...")
    with open_executor(plugins.lasting("workers", task), profile) as executor:
        outcomes = {result.key: result.outcome for result in executor.submit(jobs, order)}
    scores = {name: o.scores for name, o in outcomes.items() if isinstance(o, Scored)}
    rivals = [name for name in loaded.baselines if name in scores]
    best = max(rivals, key=lambda name: scores[name].mean(), default=None)
    entries = [
        Compared(
            name=name,
            is_baseline=name in loaded.baselines,
            is_given=name in activations,
            outcome=outcomes[name],
            delta=delta,
            delta_error=error,
        )
        for name in (job.key for job in jobs)
        for delta, error in [_difference(scores.get(name), scores.get(best or ""))]
    ]
    entries.sort(key=lambda e: -e.outcome.score if isinstance(e.outcome, Scored) else math.inf)
    return Comparison(task=task, metric=loaded.metric, seeds=order.seeds, best_baseline=best, entries=tuple(entries))


def _subject(name: str, given: Activation | Candidate, task: Task) -> Subject:
    candidate = Candidate.everywhere(given) if isinstance(given, Activation) else given
    selectors = [selector for selector, _ in candidate.assignment]
    check_sites(task, f"{name[:60]!r} cannot be trained: it", inputs=candidate.inputs, selectors=selectors)
    for _, activation in candidate.assignment:
        rejection = Domain().check(probe_of(activation))
        if rejection:
            raise ConfigError(f"{name[:60]!r} cannot be trained: {rejection.reason}.")
    subject = subject_of(candidate)
    if any(map(math.isinf, subject.gains)):
        raise ConfigError(f"{name[:60]!r} cannot be trained: it is constant.")
    return subject


def _difference(scores: Scores | None, reference: Scores | None) -> tuple[float | None, float | None]:
    difference = paired(scores, reference) if scores and reference else None
    return difference or (None, None)
