"""The lineage of a search as one HTML page that needs nothing from elsewhere: no network, no storage."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from actsearch.outcome import Failed, Rejected
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Standing, Summary
from actsearch.track.page import PAGE, STYLE
from actsearch.track.script import SCRIPT

_EXAMPLES = 6
"""Expressions named for each stage and generation of the strip of rejections, which shows counts."""
_SHOWN = 400
"""Characters of an expression that the page keeps."""
# In a script element these could end it, open a comment or, in older browsers, break a line of the program.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def render(summary: Summary, candidates: Sequence[CandidateRecord]) -> str:
    """Page that draws the scored candidates over their generations, with their parents, and counts the others.

    `candidates` are all proposals of the search that `summary` sums up; the winner's ancestry is marked.
    """
    search, winner = summary.search, summary.winner
    turned, stages = _turned_away(candidates)
    document = {
        "nodes": [_node(standing, standing.record) for standing in summary.candidates if standing.record is not None],
        "winner": None if winner is None else winner.name,
        "baselines": [{"name": row.name, "score": row.score} for row in summary.baselines],
        "stages": [{"name": name, "count": count} for name, count in stages.items()],
        "turned": turned,
        "generations": max((candidate.generation for candidate in candidates), default=1),
    }
    asked = [search.space, search.task, search.strategy, f"seed {search.seed}", f"budget {search.budget}"]
    return PAGE.substitute(
        title=html.escape(search.name),
        facts=html.escape(" · ".join([*asked, search.status])),
        style=STYLE,
        script=SCRIPT,
        data=json.dumps(document, allow_nan=False, separators=(",", ":")).translate(_UNSAFE),
    )


def _node(standing: Standing, candidate: CandidateRecord) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "g": candidate.generation,
        "s": standing.score,
        "e": _short(candidate.expression),
        "m": candidate.move,
        "p": list(candidate.parents),
        "f": standing.final_score,
        "d": standing.delta,
    }


def _turned_away(candidates: Sequence[CandidateRecord]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Rejected and failed proposals: counts with examples by generation and stage, and totals by stage."""
    totals: Counter[str] = Counter()
    groups: dict[tuple[int, str], dict[str, Any]] = {}
    for candidate in candidates:
        match candidate.outcome:
            case Rejected(stage=stage, reason=reason):
                name, why = stage, reason
            case Failed(stage=stage, traceback=traceback):
                name, why = "failed", f"{stage}: {traceback.strip().rpartition(chr(10))[2]}"
            case _:
                continue
        totals[name] += 1
        group = groups.setdefault((candidate.generation, name), {"g": candidate.generation, "t": name, "n": 0, "x": []})
        group["n"] += 1
        if len(group["x"]) < _EXAMPLES:
            group["x"].append([_short(candidate.expression)[:90], _short(why)[:90]])
    return list(groups.values()), dict(totals.most_common())


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
