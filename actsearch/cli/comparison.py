"""How `evaluate` prints a study: on each task a table of all and one for each function given, then the sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from actsearch.cli.tables import p_text, plus_minus, signed
from actsearch.evaluate.compare import Compared, Comparison, Study
from actsearch.evaluate.fairness import Judgement
from actsearch.outcome import Failed, Rejected


def study_pages(study: Study) -> Iterator[RenderableType]:
    """What a person reads, in order."""
    for comparison in study.comparisons:
        yield comparison_table(comparison)
        for entry in comparison.entries:
            if entry.is_given and entry.judgement and entry.judgement.differences:
                yield differences_table(entry.name, entry.judgement, comparison)
    for name in dict.fromkeys(e.name for c in study.comparisons for e in c.entries if e.is_given):
        conclusion = study.conclusion(name)
        if conclusion:
            yield Text(f"{name} {conclusion}.")


def comparison_table(comparison: Comparison) -> Table:
    """Functions and baselines, best first, with 95 % intervals."""
    title = f"{comparison.task}: {comparison.metric}, {len(comparison.seeds)} seeds, more is better"
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("function", overflow="fold")
    table.add_column("score, 95 %", justify="right")
    table.add_column(f"vs {comparison.best_baseline}", justify="right")
    table.add_column("learning rate", justify="right")
    for entry in comparison.entries:
        name = f"[bold]{escape(entry.name)}[/]" if entry.is_baseline else escape(entry.name)
        table.add_row(name, *map(escape, _cells(entry, comparison.best_baseline)))
    return table


def differences_table(name: str, judgement: Judgement, comparison: Comparison) -> Table:
    """One function against every baseline."""
    verdict = comparison.verdict
    title = f"{name} on {Path(comparison.task).stem}; p corrected for {verdict.comparisons} comparisons"
    if verdict.tasks > 1:
        title += f" on each of {verdict.tasks} tasks"
    table = Table(title=escape(title), title_justify="left", expand=False)
    table.add_column("against", overflow="fold")
    for heading in ("difference, 95 %", "p", "seen from", "correlation"):
        table.add_column(heading, justify="right")
    for d in judgement.differences:
        table.add_row(
            d.baseline,
            signed(d.mean, d.half_width),
            p_text(d.p_value),
            "-" if d.smallest is None else f"{d.smallest:.2g}",
            "-" if d.correlation is None else f"{d.correlation:.2f}",
        )
    return table


def study_json(study: Study) -> dict[str, Any]:
    """The study as one document; what stands at the top is that of the first task."""
    given = [e.name for e in study.comparisons[0].entries if e.is_given]
    documents = [_comparison(comparison) for comparison in study.comparisons]
    return {
        **documents[0],
        "tasks": documents,
        "conclusions": {name: study.conclusion(name) for name in given},
        "plan": {"digest": study.plan.digest, **study.plan.to_json()},
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "task": comparison.task,
        "metric": comparison.metric,
        "seeds": list(comparison.seeds),
        "best_baseline": comparison.best_baseline,
        "comparisons": comparison.verdict.comparisons,
        "candidates": [_entry(entry) for entry in comparison.entries if entry.is_given],
        "baselines": [_entry(entry) for entry in comparison.entries if entry.is_baseline],
    }


def _cells(entry: Compared, best: str | None) -> tuple[str, str, str]:
    outcome, judgement = entry.outcome, entry.judgement
    if isinstance(outcome, Rejected):
        return f"rejected: {outcome.reason}", "-", "-"
    if isinstance(outcome, Failed):
        return f"failed: {outcome.traceback.strip().splitlines()[-1]}", "-", "-"
    if judgement is None:
        return "a training diverged at every rate", "-", "-"
    delta = None if entry.name == best else judgement.to_best
    return (
        plus_minus(judgement.mean, judgement.half_width),
        "-" if delta is None else signed(delta.mean, delta.half_width),
        f"{judgement.learning_rate:g}",
    )


def _entry(entry: Compared) -> dict[str, Any]:
    outcome, judgement = entry.outcome, entry.judgement
    document: dict[str, Any] = {"name": entry.name, "score": None, "standard_error": None}
    if judgement is not None:
        to_best = judgement.to_best
        document |= {"score": judgement.mean, "standard_error": judgement.standard_error}
        document |= {"delta_to_best_baseline": to_best.mean if to_best else None}
        document |= {"delta_standard_error": to_best.standard_error if to_best else None}
        document |= judgement.to_json()
        document["claim"] = entry.claim
    elif isinstance(outcome, Rejected):
        document["rejection"] = {"stage": outcome.stage, "reason": outcome.reason, "measured": outcome.measured}
    elif isinstance(outcome, Failed):
        document["failure"] = outcome.traceback
    else:
        document["rejection"] = {
            "stage": "final",
            "reason": "a training diverged at every learning rate",
            "measured": None,
        }
    return document
