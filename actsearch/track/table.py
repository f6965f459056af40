"""Tables that MLflow's page shows: every candidate, the baselines, and what was tuned on a real task."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence

from actsearch.outcome import Failed, Rejected, Scored
from actsearch.store.record import CandidateRecord
from actsearch.store.stages import ordered_rejections
from actsearch.store.summary import BASELINE, Standing, Summary
from actsearch.store.tuning import said

CANDIDATES, RUNGS = "candidates.json", "rungs.json"
_CANDIDATE = (
    "expression", "outcome", "score", "standard_error", "stage", "reason", "measured", "generation", "move", "id",
    "parents", "parameters", "number", "seconds",
)  # fmt: skip
_RUNG = (
    "function", "tuned_score", "final_score", "trials", "complete", "stopped", "diverged", "failed", "best_trial",
    "best_setting", "seconds", "id",
)  # fmt: skip
_BASELINE = ("name", "score", "final_score", "standard_error")


def candidates_json(candidates: Iterable[CandidateRecord]) -> str:
    """Every proposal with its outcome: the scored ones best first, then the others in order of proposal.

    After the columns that there always are stand those of the objectives that were measured.
    The journal keeps the whole tracebacks.
    """
    known = sorted(candidates, key=_place)
    objectives = list(dict.fromkeys(name for candidate in known for name in _objectives(candidate)))
    rows = [[*_row(candidate), *map(_objectives(candidate).get, objectives)] for candidate in known]
    return json.dumps({"columns": [*_CANDIDATE, *objectives], "data": rows}, allow_nan=False)


def rungs_json(summary: Summary) -> str:
    """What was tuned on the real task, the best first: its trials by their ending, and the best of its settings."""
    standings = {standing.name: standing for standing in (*summary.candidates, *summary.baselines)}
    rows = []
    for subject in summary.tuned:
        name = subject.name.removeprefix(BASELINE)
        standing, best = standings.get(name), subject.best
        record = standing.record if standing else None
        rows.append([
            record.expression if record else name,
            subject.score,
            standing.final_score if standing else None,
            len(subject.trials),
            *(subject.endings.get(ending, 0) for ending in _RUNG[4:8]),
            best.number if best else None,
            said(best.values) if best else "",
            sum(trial.seconds for trial in subject.trials),
            record.id if record else f"baseline {name}",
        ])  # fmt: skip
    return json.dumps({"columns": _RUNG, "data": rows}, allow_nan=False)


def logged(summary: Summary) -> dict[str, str]:
    """The tag that lets MLflow show JSON files of columns and data as tables.

    As CSV it would show the first 500 rows only, and an id such as 00001234e567 as a number.
    """
    names = [CANDIDATES, *([RUNGS] if summary.tuned else [])]
    return {"mlflow.loggedArtifacts": json.dumps([{"path": name, "type": "table"} for name in names])}


def baselines_csv(summary: Summary) -> str:
    """The baselines with their scores under the search's seeds and, with its standard error, under fresh ones."""
    return _csv(_BASELINE, ([getattr(row, name) for name in _BASELINE] for row in summary.baselines))


def note(summary: Summary, best: Sequence[Standing]) -> str:
    """Markdown that stands above the parent run: the `best` candidates, the baselines, and what fell where."""
    named = [(_code(row.record.expression), row) for row in best if row.record is not None]
    named += [(f"baseline {_code(row.name)}", row) for row in summary.baselines]
    header = ["", "score", *(["tuned"] if summary.tuned else []), "final score"]
    lines = [_cells(header), "|---" * len(header) + "|"]
    for name, row in named:
        tuned = [_number(row.tuned.score if row.tuned else None)] if summary.tuned else []
        lines.append(_cells([name, _number(row.score), *tuned, _number(row.final_score)]))
    if summary.winner is not None and summary.winner.claim is not None:
        lines += [
            "",
            f"{_code(summary.winner.record.expression if summary.winner.record else '')} {summary.winner.claim}.",
        ]
    counts = summary.counts
    lines += ["", "| stage | rejected | share |", "|---|---|---|"]
    fell = [*ordered_rejections(counts.rejected), ("failed", counts.failed)]
    lines += [f"| {stage} | {count} | {count / max(counts.generated, 1):.1%} |" for stage, count in fell]
    lines += ["", f"{counts.generated} proposals, {counts.evaluated} scored, {len(summary.finalists)} in the finals."]
    trials = sum(len(subject.trials) for subject in summary.tuned)
    if trials:
        lines[-1] += f" On the real task {len(summary.tuned)} functions were tuned in {trials} trials."
    files = ["lineage.html", CANDIDATES, *([RUNGS] if trials else [])]
    named_files = f"{', '.join(f'`{file}`' for file in files[:-1])} and `{files[-1]}`"
    return "\n".join([*lines, "", f"See {named_files} among the artifacts."])


def _place(candidate: CandidateRecord) -> tuple[bool, float, int]:
    outcome = candidate.outcome
    return (False, -outcome.score, candidate.number) if isinstance(outcome, Scored) else (True, 0.0, candidate.number)


def _row(candidate: CandidateRecord) -> list[object]:
    outcome = candidate.outcome
    kind, stage, reason = "waiting", "", ""
    score: float | None = None
    error: float | None = None
    measured: float | str | None = None
    match outcome:
        case Scored():
            kind, stage, score, error = "scored", outcome.stage, outcome.score, outcome.scores.standard_error()
        case Rejected():
            kind, stage, measured, reason = "rejected", outcome.stage, _plain(outcome.measured), outcome.reason
        case Failed():
            kind, stage, reason = "failed", outcome.stage, _last_line(outcome.traceback)
    parameters = json.dumps(candidate.parameters) if candidate.parameters else ""
    return [
        candidate.expression, kind, score, error, stage, reason, measured, candidate.generation, candidate.move,
        candidate.id, " ".join(candidate.parents), parameters, candidate.number, candidate.seconds,
    ]  # fmt: skip


def _objectives(candidate: CandidateRecord) -> Mapping[str, float]:
    return candidate.outcome.objectives if isinstance(candidate.outcome, Scored) else {}


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _plain(value: float | None) -> float | str | None:
    """`value` as JSON can say it."""
    return value if value is None or math.isfinite(value) else str(value)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _cells(texts: Iterable[str]) -> str:
    return "|" + "".join(f" {text} |" for text in texts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"
