"""How `evaluate` prints a comparison."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from actsearch.evaluate.compare import Compared, Comparison
from actsearch.outcome import Failed, Rejected, Scored


def comparison_table(comparison: Comparison) -> Table:
    """Functions and baselines, best first."""
    title = f"{comparison.task}: {comparison.metric}, {len(comparison.seeds)} seeds, more is better"
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("function", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column(f"vs {comparison.best_baseline}", justify="right")
    table.add_column("learning rate", justify="right")
    for entry in comparison.entries:
        name = f"[bold]{escape(entry.name)}[/]" if entry.is_baseline else escape(entry.name)
        table.add_row(name, *map(escape, _cells(entry)))
    return table


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as one document."""
    return {
        "task": comparison.task,
        "metric": comparison.metric,
        "seeds": list(comparison.seeds),
        "best_baseline": comparison.best_baseline,
        "candidates": [_entry(entry) for entry in comparison.entries if entry.is_given],
        "baselines": [_entry(entry) for entry in comparison.entries if entry.is_baseline],
    }


def _cells(entry: Compared) -> tuple[str, str, str]:
    outcome = entry.outcome
    if isinstance(outcome, Rejected):
        return f"rejected: {outcome.reason}", "-", "-"
    if isinstance(outcome, Failed):
        return f"failed: {outcome.traceback.strip().splitlines()[-1]}", "-", "-"
    error = outcome.scores.standard_error()
    score = f"{outcome.score:.4f}" + (f" ± {error:.4f}" if error is not None else "")
    delta = "-" if entry.delta is None else f"{entry.delta:+.4f}"
    if entry.delta is not None and entry.delta_error:
        delta += f" ± {entry.delta_error:.4f}"
    best = outcome.scores.best
    return score, delta, "-" if best is None else f"{outcome.scores.learning_rates[best]:g}"


def _entry(entry: Compared) -> dict[str, Any]:
    outcome = entry.outcome
    document: dict[str, Any] = {"name": entry.name, "score": None, "standard_error": None}
    if isinstance(outcome, Scored):
        document |= {"score": outcome.score, "standard_error": outcome.scores.standard_error()}
        document |= {"delta_to_best_baseline": entry.delta, "delta_standard_error": entry.delta_error}
    elif isinstance(outcome, Rejected):
        document["rejection"] = {"stage": outcome.stage, "reason": outcome.reason, "measured": outcome.measured}
    else:
        document["failure"] = outcome.traceback
    return document
