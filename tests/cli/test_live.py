from __future__ import annotations

import io

import pytest
from rich.console import Console

from actsearch.cli.live import LiveView
from actsearch.outcome import Failed, Rejected, Scored, Scores
from actsearch.search.progress import Progress, Snapshot
from actsearch.store import stages
from actsearch.store.record import CandidateRecord

WIDTH = 80
STAGES = dict.fromkeys((*stages.STAGES, "later"), 12345)


def candidate(expression: str) -> CandidateRecord:
    return CandidateRecord(
        number=0, id="0" * 12, generation=1, expression=expression, parameters={}, genome="[]", parents=(),
        move="sample", gain=1.0,
    )  # fmt: skip


def snapshot(**changes: object) -> Snapshot:
    """A long search in full swing."""
    fields = {
        "phase": "searching", "generation": 1234, "generated": 123_456, "evaluated": 34_567, "failed": 89,
        "rejected": STAGES, "candidates_per_second": 123.4, "budget_seconds": 86_399.0, "best_score": -0.0876,
        "best": candidate(" + ".join(f"sin({number} * x)" for number in range(40))),
        "baselines": dict.fromkeys(("relu", "gelu", "silu", "tanh", "elu", "mish", "sin"), -0.123456),
        **changes,
    }  # fmt: skip
    return Snapshot(**fields)


def screen(**options: object) -> Console:
    return Console(file=io.StringIO(), width=WIDTH, highlight=False, color_system=None, **options)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"phase": "starting", "generated": 0, "rejected": {}, "best": None, "best_score": None, "baselines": {}},
        {"phase": "shortlist", "finals_done": 12, "finals_total": 40},
        {"phase": "finals", "finals_done": 3, "finals_total": 17},
        {"phase": "done", "best": candidate("[bold]x[/bold] * x")},
    ],
    ids=["searching", "starting", "shortlist", "finals", "done"],
)
def test_the_panel_fits_a_terminal_of_80_columns(changes):
    console = screen(force_terminal=True)
    view = LiveView(console, title="actsearch: swish on [red]digits[/red], evolution", budget="24h")
    console.print(view._panel(snapshot(**changes)))
    lines = console.file.getvalue().splitlines()
    assert len(lines) >= 8
    assert {len(line) for line in lines} == {WIDTH}
    shown = "\n".join(lines)
    assert "[red]digits[/red]" in shown
    expected = {
        "finals": "3 of 17",
        "shortlist": "12 of 40",
        "starting": "starting workers",
        "done": "[bold]x[/bold] * x",
    }
    assert expected.get(changes.get("phase"), "-0.0876") in shown
    assert "…" not in shown, "nothing is cut off"


def test_a_terminal_is_drawn_on_and_left_clean():
    console = screen(force_terminal=True)
    with LiveView(console, title="t", budget="30c") as view:
        for phase in ("starting", "searching", "finals", "done"):
            view.show(snapshot(phase=phase))
            view._live.refresh()
    written = console.file.getvalue()
    assert "starting workers" in written
    # The last thing is to erase the panel, so that the result stands alone.
    assert written.rstrip().endswith("\x1b[2K")


def test_off_a_terminal_every_phase_is_a_line():
    console = screen(force_terminal=False)
    with LiveView(console, title="t", budget="30c") as view:
        for phase in ("starting", "baselines", "searching", "searching", "searching", "finals", "done"):
            view.show(snapshot(phase=phase))
    lines = console.file.getvalue().splitlines()
    words = ["starting workers", "baselines", "searching", "finals on fresh seeds", "done"]
    assert len(lines) == len(words), "a phase that lasts is not told again at once"
    assert all(word in line for word, line in zip(words, lines, strict=True))
    assert "\x1b" not in console.file.getvalue()


def test_off_a_terminal_a_line_tells_the_best_and_what_was_rejected():
    console = screen(force_terminal=False)
    with LiveView(console, title="t", budget="30c") as view:
        view.show(snapshot(best=candidate("[bold]x[/bold]"), rejected={"domain": 3, "duplicate": 2, "trivial": 0}))
    (line,) = console.file.getvalue().splitlines()
    assert "rejected: duplicate=2 domain=3;" in line
    assert "best -0.0876 [bold]x[/bold] (relu -0.1235  gelu -0.1235  silu -0.1235)" in line


def test_off_a_terminal_a_phase_that_lasts_is_told_now_and_then():
    console = screen(force_terminal=False)
    with LiveView(console, title="t", budget="30c") as view:
        view.show(snapshot())
        view._last_line -= 60
        view.show(snapshot(generation=1235))
    assert "generation 1235" in console.file.getvalue().splitlines()[1]


def test_progress_lets_the_budget_run_from_where_an_earlier_session_left_it():
    shown: list[Snapshot] = []
    progress = Progress(show=shown.append)
    progress.changed()
    progress.begin(12.5)
    # A second beginning is none: the baselines have begun already.
    progress.begin(10_000.0)
    progress.changed()
    assert (shown[0].phase, shown[0].budget_seconds, shown[0].best) == ("starting", 0.0, None)
    assert 12.5 <= shown[1].budget_seconds < 10_000


def test_progress_counts_every_fate_and_keeps_the_best():
    progress = Progress(show=lambda _: None)
    progress.begin(0.0)
    scores = Scores(learning_rates=(0.1,), seeds=(0,), values=((-0.5,),))
    for score in (-0.5, -0.25, -0.75):
        progress.count(candidate(f"x + {score}"), Scored(score=score, scores=scores, stage="train"), trained_now=True)
    progress.count(candidate("x"), Failed(stage="train", traceback="t"), trained_now=True)
    for stage in ("domain", "domain", "quality"):
        progress.count(candidate("y"), Rejected(stage=stage, reason="r", measured=None), trained_now=False)
    seen = progress.snapshot()
    assert (seen.generated, seen.evaluated, seen.failed, seen.rejected) == (7, 3, 1, {"domain": 2, "quality": 1})
    assert (seen.best.expression, seen.best_score) == ("x + -0.25", -0.25)
    assert seen.candidates_per_second > 0
