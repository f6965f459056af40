"""What one search looks like as MLflow runs: names, parameters, tags, metrics; no connection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from actsearch.outcome import Scored
from actsearch.store.record import CandidateRecord, SearchRecord
from actsearch.store.summary import Standing
from actsearch.store.tuning import said

PARENT = "mlflow.parentRunId"
NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
STATUS = {"finished": "FINISHED", "stopped": "KILLED", "running": "KILLED"}
"""MLflow's word for how a search ended; `running` stands in the journal after a kill."""
# MLflow's limits: 250 characters a key and a run name, 6000 a parameter, 8000 a tag.
_NAME, _PARAMETER, _TAG = 250, 6000, 8000
_FORBIDDEN = re.compile(r"[^\w\-. /:]", re.ASCII)


def experiment_name(search: SearchRecord) -> str:
    """Experiment that gathers the searches over one space and task."""
    return f"actsearch/{Path(search.space).stem}-{Path(search.task).stem}"


def parameters(search: SearchRecord) -> dict[str, str]:
    """What was asked for: every setting, nested ones with dots."""
    names = ("space", "task", "strategy", "workers", "budget", "seed", "version")
    asked = {name: getattr(search, name) for name in names}
    settings = dict(_flat("", search.settings))
    # A setting called like a field keeps the field's name free.
    named = {(f"settings.{key}" if key in asked else key): value for key, value in settings.items()}
    return {_key(key): _clip(_text(value), _PARAMETER) for key, value in {**asked, **named}.items()}


def tags(search: SearchRecord, key: str) -> dict[str, str]:
    """Tags of the parent run; `key` tells this search from all others at a shared server."""
    return {
        "actsearch.key": key,
        "actsearch.search": search.name,
        "actsearch.created": search.created,
        "mlflow.source.name": f"actsearch {search.version}",
    }


def ending(search: SearchRecord, winner: Standing | None) -> dict[str, str]:
    """Tags of the parent run that are known when the search has ended."""
    known = {"status": search.status, "stopped_because": search.stopped_because or ""}
    if winner is not None and winner.record is not None:
        known |= {"winner": winner.record.expression, "winner_id": winner.record.id, "claim": winner.claim or ""}
    return {key: _clip(value, _TAG) for key, value in known.items()}


def child_name(candidate: CandidateRecord) -> str:
    """Name of a candidate's run."""
    return _clip(candidate.expression, _NAME)


def child_tags(standing: Standing, candidate: CandidateRecord, rank: int, parent: str) -> dict[str, str]:
    """Tags of a candidate's run."""
    best = standing.tuned.best if standing.tuned else None
    known = {
        PARENT: parent,
        "rank": str(rank),
        "id": candidate.id,
        "expression": candidate.expression,
        "generation": str(candidate.generation),
        "move": candidate.move,
        "parents": " ".join(candidate.parents),
    }
    if best is not None:
        known["tuned"] = said(best.values)
    return {key: _clip(value, _TAG) for key, value in known.items()}


def figures(standing: Standing) -> dict[str, float]:
    """Metrics of a scored candidate: those that are known."""
    known = {
        "score": standing.score,
        "tuned_score": standing.tuned.score if standing.tuned else None,
        "final_score": standing.final_score,
        "standard_error": standing.standard_error,
        "delta_to_best_baseline": standing.delta,
        "p_value": standing.judgement.p_value if standing.judgement else None,
    }
    outcome = standing.record.outcome if standing.record else None
    measured = outcome.objectives if isinstance(outcome, Scored) else {}
    known |= {_key(name): value for name, value in measured.items()}
    return {name: value for name, value in known.items() if value is not None}


def trial_scores(standing: Standing) -> dict[int, float]:
    """Score of each trial on the real task that ran to its end, by number."""
    trials = standing.tuned.trials if standing.tuned else ()
    return {trial.number: trial.score for trial in trials if trial.score is not None}


def milliseconds(created: str) -> int:
    """An ISO 8601 time as MLflow counts it."""
    return int(datetime.fromisoformat(created).timestamp() * 1000)


def _flat(prefix: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _key(name: str) -> str:
    return _FORBIDDEN.sub("_", name)[:_NAME]


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
