"""Tables that a person reads, 80 columns wide or more."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from actsearch.outcome import Scored
from actsearch.store.stages import ordered_rejections
from actsearch.store.summary import Standing, Summary


def finals_table(summary: Summary, *, most: int = 10) -> Table:
    """Finalists and baselines by their score on fresh seeds, best first, with 95 % intervals and corrected p values."""
    reference = summary.best_baseline
    against = f"vs {reference.name}" if reference else "difference"
    seeds = summary.verdict.seeds if summary.verdict else 0
    then = Path(summary.search.settings.get("ladder.task", "")).stem
    title = f"Finals on {f'{then}, ' if then else ''}{seeds} fresh seeds (score, more is better; ± is 95 %)"
    table = Table(title=title, title_justify="left", expand=False, caption=_caption(summary), caption_justify="left")
    table.add_column("function", overflow="fold", ratio=1)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column(against, justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    entries = [*summary.finalists[:most], *(b for b in summary.baselines if b.judgement is not None)]
    for standing in sorted(entries, key=lambda standing: -(standing.final_score or 0.0)):
        judgement = standing.judgement
        if judgement is None:
            continue
        to_best = None if standing is reference else judgement.to_best
        table.add_row(
            _name(standing),
            plus_minus(judgement.mean, judgement.half_width),
            "-" if to_best is None else signed(to_best.mean, to_best.half_width),
            p_text(judgement.p_value),
        )
    for standing in summary.lost:
        table.add_row(_name(standing), "no score", "-", "-")
    return table


def verdict(summary: Summary) -> str:
    """One plain sentence on the best finalist, and one on each candidate that has no score in the finals."""
    winner, reference = summary.winner, summary.best_baseline
    if winner is None or winner.record is None or winner.claim is None:
        return "No comparison with the baselines was made."
    against = "" if reference is None or winner.delta is None else f" ({winner.delta:+.4f} to {reference.name})"
    lost = [f"\n{standing.name[:8]} has no score in the finals: {standing.failure}." for standing in summary.lost]
    return f"Winner: {winner.record.expression}{against}: {winner.claim}.{''.join(lost)}"


def _caption(summary: Summary) -> str | None:
    """What the p values are corrected for, and the plan."""
    if summary.verdict is None:
        return None
    said = f"p: the largest over all baselines, corrected for {summary.verdict.comparisons} comparisons."
    if summary.plans:
        plan = summary.plans[-1]
        said += f" Analysis plan {plan.digest[:12]}, laid down {plan.written[:16].replace('T', ' ')} UTC"
        said += f", not the first: {len(summary.plans) - 1} before." if len(summary.plans) > 1 else "."
    return said


def _name(standing: Standing) -> str:
    if standing.record is None:
        return f"[bold]{standing.name}[/]"
    return f"{standing.record.id[:8]} {_escape(standing.record.expression)}"


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


def funnel_table(summary: Summary) -> Table:
    """What became of all proposals: how many each stage took away, and how many were left behind it."""
    counts = summary.counts
    table = Table(title="Funnel", title_justify="left", expand=False)
    table.add_column("stage", no_wrap=True)
    for heading in ("rejected", "share", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    left = counts.generated
    table.add_row("proposals", "", "", str(left))
    fell = [*ordered_rejections(counts.rejected), ("failed", counts.failed)]
    for stage, count in fell:
        left -= count
        table.add_row(stage, str(count), f"{count / max(counts.generated, 1):.1%}", str(left))
    table.add_row("scored", "", "", str(counts.evaluated))
    if summary.shortlisted:
        table.add_row("shortlist", "", "", str(len(summary.shortlisted)))
    table.add_row("finals", "", "", str(len(summary.finalists)))
    return table


def plus_minus(value: float, error: float | None) -> str:
    """A value and half the width of its interval."""
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def signed(value: float, error: float | None) -> str:
    """A difference and half the width of its interval."""
    return f"{value:+.4f}" if error is None else f"{value:+.4f} ± {error:.4f}"


def p_text(value: float | None) -> str:
    """A p value, short."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _escape(text: str) -> str:
    return text.replace("[", "\\[")
