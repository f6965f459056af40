"""Tables that a person reads, 80 columns wide or more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from actsearch.outcome import Scored
from actsearch.store.summary import Standing, Summary

STAGES = ("duplicate", "domain", "trivial", "gradient", "quality")


def finals_table(summary: Summary, *, most: int = 10) -> Table:
    """Finalists and baselines by their score on fresh seeds, best first."""
    entries: list[Standing] = [*summary.finalists[:most], *(b for b in summary.baselines if b.final is not None)]
    # Scores are negative for the most part: what diverged goes last by itself, not as a 0.
    entries.sort(key=lambda standing: -math.inf if standing.final_score is None else standing.final_score, reverse=True)
    reference = summary.best_baseline
    seeds = len(entries[0].final.seeds) if entries and entries[0].final else 0
    against = f"vs {reference.name}" if reference else "delta"
    then = Path(summary.search.settings.get("ladder.task", "")).stem
    title = f"Finals on {f'{then}, ' if then else ''}{seeds} fresh seeds (score, more is better)"
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("function", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column(against, justify="right", no_wrap=True)
    for standing in entries:
        record = standing.record
        name = record.expression if record else f"[bold]{standing.name}[/]"
        table.add_row(
            name if record is None else _escape(name),
            record.id[:8] if record else "baseline",
            _plus_minus(standing.final_score, standing.standard_error),
            "-" if record is None and standing is reference else _signed(standing.delta, standing.delta_error),
        )
    return table


def verdict(summary: Summary) -> str:
    """One plain sentence on the best finalist against the best baseline."""
    winner, reference = summary.winner, summary.best_baseline
    if winner is None or winner.record is None or reference is None or winner.delta is None:
        return "No comparison with the baselines was made."
    against = f"{winner.delta:+.4f} ± {winner.delta_error or 0.0:.4f} against {reference.name}, the best baseline"
    text = f"Winner: {winner.record.expression} ({against})"
    if winner.delta_error and winner.delta > 2 * winner.delta_error:
        compared = len(summary.finalists)
        return f"{text}: better by more than two standard errors, not corrected for the choice among {compared}."
    return f"{text}: no clear difference."


def search_table(summary: Summary, *, most: int) -> Table:
    """Candidates by the search's own score, best first."""
    table = Table(title=f"Best of {summary.search.name} (the search's own score)", title_justify="left", expand=False)
    table.add_column("function", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("final", justify="right", no_wrap=True)
    table.add_column("gen", justify="right", no_wrap=True)
    table.add_column("move", no_wrap=True)
    for standing in summary.candidates[:most]:
        record = standing.record
        if record is not None and isinstance(record.outcome, Scored):
            final = "-" if standing.final_score is None else f"{standing.final_score:.4f}"
            table.add_row(
                _escape(record.expression),
                record.id[:8],
                f"{standing.score:.4f}",
                final,
                str(record.generation),
                record.move,
            )
    return table


def funnel_line(counts_rejected: Sequence[tuple[str, int]], generated: int, evaluated: int, failed: int) -> str:
    """One line: how many proposals fell at which stage."""
    fell = ", ".join(f"{stage} {count}" for stage, count in counts_rejected if count) or "none"
    return f"{generated} generated, {evaluated} scored, {failed} failed; rejected: {fell}"


def ordered_rejections(rejected: dict[str, int]) -> list[tuple[str, int]]:
    """Stages in the order of the funnel, others after them."""
    others = sorted(set(rejected) - set(STAGES))
    return [(stage, rejected.get(stage, 0)) for stage in (*STAGES, *others)]


def _plus_minus(value: float | None, error: float | None) -> str:
    if value is None:
        return "diverged"
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _signed(value: float | None, error: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:+.4f}" if error is None else f"{value:+.4f} ± {error:.4f}"


def _escape(text: str) -> str:
    return text.replace("[", "\\[")
