"""What is printed of the rungs above a search's own task."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from actsearch.store.summary import BASELINE, Summary
from actsearch.store.tuning import Tuned, said


def tuning_table(summary: Summary, *, most: int = 10) -> Table:
    """Candidates and baselines that were tuned, by the score of their best trial; 80 columns wide or more."""
    title = f"Tuned on {Path(summary.search.settings['ladder.task']).stem} (score of the best trial)"
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("function", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("trials", justify="right", no_wrap=True)
    table.add_column("best setting", overflow="fold", ratio=1)
    expressions = {standing.name: standing.record.expression for standing in summary.candidates if standing.record}
    # A baseline of one trial was tried as it is, and not chosen.
    for tuned in [row for row in summary.tuned if len(row.trials) > 1][:most]:
        is_baseline = tuned.name.startswith(BASELINE)
        name = tuned.name.removeprefix(BASELINE)
        table.add_row(
            f"[bold]{escape(name)}[/]" if is_baseline else escape(expressions.get(name, name)),
            "baseline" if is_baseline else name[:8],
            "-" if tuned.score is None else f"{tuned.score:.4f}",
            str(len(tuned.trials)),
            _setting(tuned),
        )
    return table


def told(tuned: Tuned) -> str:
    """One line on the trials of a candidate."""
    endings = ", ".join(f"{count} {ending}" for ending, count in tuned.endings.items())
    score = "no trial ran to its end" if tuned.score is None else f"{tuned.score:.4f} with {_setting(tuned)}"
    return f"{score} (trials: {endings})"


def _setting(tuned: Tuned) -> str:
    return "none ran to its end" if tuned.best is None else said(tuned.best.values)
