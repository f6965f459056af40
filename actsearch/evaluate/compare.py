"""Comparing given functions with the baselines of one task or several, on common seeds, without a search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.analysis.tensor_probe import probe_of
from actsearch.errors import ConfigError
from actsearch.evaluate.fairness import Judgement, Plan, PlannedTask, Verdict, claim, judge
from actsearch.evaluate.pool import open_executor
from actsearch.evaluate.profile import Profile, read_profile
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.sites import check_sites
from actsearch.evaluate.task import Subject, Task, load_task, subject_of
from actsearch.evaluate.worker import Job, Order
from actsearch.grammar.activation import Activation, Candidate
from actsearch.outcome import Outcome, Scored

_FIRST_SEED = 500
"""The final seeds of a search with `--seed 0`: comparisons by hand agree with its finals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One function or baseline, its outcome and what is known of it."""

    name: str
    is_baseline: bool
    is_given: bool
    """Whether it was asked for; a baseline may be."""
    outcome: Outcome
    judgement: Judgement | None
    """None without a score at every seed."""
    claim: str | None
    """What may be claimed of a function that was asked for, as a sentence without its subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Functions and baselines of one task, best first, those without a score last."""

    task: str
    metric: str
    seeds: tuple[int, ...]
    verdict: Verdict
    entries: tuple[Compared, ...]

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the best mean; None if none has a score."""
        return self.verdict.best_baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One comparison a task, and the plan that they follow; p values are corrected for all of them together."""

    plan: Plan
    comparisons: tuple[Comparison, ...]

    def conclusion(self, name: str) -> str | None:
        """What may be claimed of the function with that name, task after task; None if nothing may."""
        claims = [e.claim for c in self.comparisons for e in c.entries if e.name == name and e.claim is not None]
        return "; ".join(claims) or None


def compare(
    activations: Mapping[str, Activation | Candidate],
    *,
    task: str,
    seeds: int | None,
    workers: str,
    announce: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Train `activations` (by the name to report) and the task's baselines on the same seeds; see `study`."""
    return study(activations, tasks=[task], seeds=seeds, workers=workers, announce=announce).comparisons[0]


def study(
    activations: Mapping[str, Activation | Candidate],
    *,
    tasks: Sequence[str],
    seeds: int | None,
    workers: str,
    announce: Callable[[str], None] = lambda _: None,
) -> Study:
    """Train `activations` (by the name to report) and each task's baselines, task after task, on the same seeds.

    `announce` is told what is trained, and the plan's digest, once all that was asked for has been found good.
    """
    profile = read_profile(workers)
    loaded = {task: load_task(task) for task in dict.fromkeys(tasks)}
    planned = {
        name: PlannedTask(
            task=Path(name).stem,
            metric=task.metric,
            baselines=task.baselines,
            learning_rates=task.learning_rates,
            seeds=tuple(range(_FIRST_SEED, _FIRST_SEED + (seeds or task.final_seeds))),
        )
        for name, task in loaded.items()
    }
    plan = Plan(tasks=tuple(planned.values()), functions=tuple(activations))
    subjects = {name: _subjects(activations, task) for name, task in loaded.items()}
    comparisons = []
    for name, part in planned.items():
        others = len(subjects[name]) - len(activations)
        announce(
            f"training {len(activations)} function(s) and {others} baselines on {name}, {profile.title};"
            f" plan {plan.digest[:12]} ..."
        )
        outcomes = _outcomes(name, profile, subjects[name], part.seeds)
        comparisons.append(_comparison(name, part, activations, outcomes, tasks=len(loaded)))
    return Study(plan=plan, comparisons=tuple(comparisons))


def _subjects(activations: Mapping[str, Activation | Candidate], task: Task) -> dict[str, Subject]:
    """What is trained on `task`, by name: what is given, then the baselines that are not."""
    subjects = {name: _subject(name, given, task) for name, given in activations.items()}
    baselines = {name: subject_of(catalog.look_up(name).candidate) for name in task.baselines if name not in subjects}
    return {**subjects, **baselines}


def _outcomes(
    task: str, profile: Profile, subjects: Mapping[str, Subject], seeds: tuple[int, ...]
) -> dict[str, Outcome]:
    jobs = [Job(key=name, subject=subject) for name, subject in subjects.items()]
    with open_executor(plugins.lasting("workers", task), profile) as executor:
        found = {r.key: r.outcome for r in executor.submit(jobs, Order(seeds=seeds, quality=Quality()))}
    return {name: found[name] for name in subjects}


def _comparison(
    task: str, planned: PlannedTask, given: Mapping[str, object], outcomes: Mapping[str, Outcome], *, tasks: int
) -> Comparison:
    scores = {name: outcome.scores for name, outcome in outcomes.items() if isinstance(outcome, Scored)}
    verdict = judge(scores, functions=tuple(given), baselines=planned.baselines, tasks=tasks)
    entries = []
    for name, outcome in outcomes.items():
        judgement = verdict.judgements.get(name)
        entries.append(
            Compared(
                name=name,
                is_baseline=name in planned.baselines,
                is_given=name in given,
                outcome=outcome,
                judgement=judgement,
                claim=claim(judgement, verdict, planned.task) if judgement and name in given else None,
            )
        )
    entries.sort(key=lambda entry: -entry.judgement.mean if entry.judgement else math.inf)
    return Comparison(task=task, metric=planned.metric, seeds=planned.seeds, verdict=verdict, entries=tuple(entries))


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
