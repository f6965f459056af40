"""The live view of a running search: a panel on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from actsearch.search.progress import Snapshot
from actsearch.store.stages import ordered_rejections

_LINE_SECONDS = 5.0
_SHOWN_BASELINES = ("relu", "gelu", "silu")


class LiveView:
    """Context manager whose `show` takes snapshots; writes on `console` (standard error) only."""

    def __init__(self, console: Console, *, title: str, budget: str) -> None:
        self._console = console
        self._title = title
        self._budget = budget
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._last_line = 0.0
        self._last_phase = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show the state of the search."""
        if self._live:
            self._live.update(self._panel(snapshot))
            return
        now = time.monotonic()
        if snapshot.phase != self._last_phase or now - self._last_line >= _LINE_SECONDS:
            self._last_line, self._last_phase = now, snapshot.phase
            self._console.print(self._line(snapshot), soft_wrap=True, markup=False)

    def _panel(self, snapshot: Snapshot) -> RenderableType:
        facts = Table.grid(padding=(0, 2))
        facts.add_row("phase", _phase(snapshot))
        facts.add_row("time", f"{snapshot.budget_seconds:.0f} s of the budget {self._budget}")
        speed = f"{snapshot.candidates_per_second:.1f} candidates/s"
        facts.add_row("generation", f"{snapshot.generation}   {snapshot.evaluated} scored   {speed}")
        fell = "   ".join(f"{stage} {count}" for stage, count in ordered_rejections(dict(snapshot.rejected)))
        facts.add_row("rejected", fell + (f"   failed {snapshot.failed}" if snapshot.failed else ""))
        facts.add_row("baselines", _baselines(snapshot))
        best = Text("none yet")
        if snapshot.best is not None and snapshot.best_score is not None:
            best = Text.assemble((f"{snapshot.best_score:.4f}  ", "bold green"), snapshot.best.expression)
        facts.add_row("best", best)
        return Panel(Group(facts), title=escape(self._title), title_align="left")

    def _line(self, snapshot: Snapshot) -> str:
        parts = [f"[{snapshot.budget_seconds:5.0f} s] {_phase(snapshot)}"]
        if snapshot.generated:
            rejected = " ".join(f"{s}={n}" for s, n in ordered_rejections(dict(snapshot.rejected)) if n)
            parts.append(f"generation {snapshot.generation}, {snapshot.evaluated} scored")
            parts.append(f"{snapshot.candidates_per_second:.1f}/s, rejected: {rejected or 'none'}")
        if snapshot.best is not None and snapshot.best_score is not None:
            parts.append(f"best {snapshot.best_score:.4f} {snapshot.best.expression} ({_baselines(snapshot)})")
        return "; ".join(parts)


def _phase(snapshot: Snapshot) -> str:
    if snapshot.phase == "starting":
        return "starting workers"
    if snapshot.phase == "shortlist":
        return f"the best on more seeds, {snapshot.finals_done} of {snapshot.finals_total}"
    if snapshot.phase == "tuning":
        return f"tuning on the real task, {snapshot.finals_done} of {snapshot.finals_total} trials"
    if snapshot.phase == "finals":
        return f"finals on fresh seeds, {snapshot.finals_done} of {snapshot.finals_total}"
    return snapshot.phase


def _baselines(snapshot: Snapshot) -> str:
    shown = [name for name in _SHOWN_BASELINES if name in snapshot.baselines] or list(snapshot.baselines)[:3]
    return "  ".join(f"{name} {snapshot.baselines[name]:.4f}" for name in shown) or "training"
