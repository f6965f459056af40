"""What `show` says of a candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from actsearch.analysis.novelty import novelty
from actsearch.analysis.properties import properties
from actsearch.cli.candidate import Found
from actsearch.cli.options import out
from actsearch.compile.derive import derive
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import X
from actsearch.grammar.text import write
from actsearch.outcome import Failed, Rejected
from actsearch.store.journal import Journal
from actsearch.store.summary import summarise, to_json


def describe(found: Found, store: Path) -> dict[str, Any]:
    """Everything known of a candidate as one document."""
    activation = found.activation
    verdict = novelty(activation)
    document: dict[str, Any] = {
        "id": activation.id,
        "name": found.name,
        "expression": activation.text,
        "derivative": write(canonical(derive(activation.expression, X))),
        "parameters": activation.parameters_json(),
        "gain": found.gain,
        "properties": properties(activation).to_json(),
        "novelty": {"verdict": verdict.verdict, "sentence": verdict.sentence()},
        "rejection": None,
    }
    if found.record is not None and found.search is not None:
        document |= _journalled(found, store)
    return document


def _journalled(found: Found, store: Path) -> dict[str, Any]:
    record, search = found.record, found.search
    if record is None or search is None:
        return {}
    outcome = record.outcome
    document: dict[str, Any] = {
        "search": search.name,
        "generation": record.generation,
        "move": record.move,
        "parents": list(record.parents),
    }
    if isinstance(outcome, Rejected):
        document["rejection"] = {"stage": outcome.stage, "reason": outcome.reason, "measured": outcome.measured}
    elif isinstance(outcome, Failed):
        document["failure"] = {"stage": outcome.stage, "traceback": outcome.traceback}
    with Journal.open(store) as journal:
        candidates = to_json(summarise(journal, search), status=search.status)["candidates"]
    for candidate in candidates:
        if candidate["id"] == record.id:
            keys = ("score", "final_score", "standard_error", "delta_to_best_baseline", "stage")
            document |= {key: candidate[key] for key in keys if key in candidate}
    return document


def print_description(document: dict[str, Any], found: Found) -> None:
    """The document for a person."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    rows: list[tuple[str, str]] = [
        ("f(x)", document["expression"]),
        ("f'(x)", document["derivative"]),
        ("id", document["id"]),
        ("novelty", document["novelty"]["sentence"]),
    ]
    for name, spec in document["parameters"].items():
        rows.append((name, f"starts at {spec['initial']:g}, one value per {spec['granularity']}"))
    rows += _origin(document)
    sampled = document["properties"]
    rows += [
        ("range", f"[{sampled['minimum']:.4g}, {sampled['maximum']:.4g}] on |x| <= 20 (sampled)"),
        ("slope", f"[{sampled['smallest_slope']:.4g}, {sampled['largest_slope']:.4g}] on |x| <= 20 (sampled)"),
        ("shape", f"parity {sampled['parity']}, {'monotone' if sampled['monotone'] else 'not monotone'} (sampled)"),
        ("on N(0, 1)", f"mean {sampled['gaussian_mean']:.4g}, std {sampled['gaussian_std']:.4g}"),
        ("output gain", f"{found.gain:g} = 1/std; squared gradients then scale by {sampled['slope_gain']:.4g} a layer"),
    ]
    for label, text in rows:
        facts.add_row(f"[bold]{escape(label)}[/]", escape(text))
    out.print(facts)


def _origin(document: dict[str, Any]) -> list[tuple[str, str]]:
    if "search" not in document:
        return []
    parents = ", ".join(document["parents"]) or "none"
    rows = [("found by", f"{document['search']}, generation {document['generation']}, {document['move']} of {parents}")]
    if document["rejection"]:
        rejection = document["rejection"]
        rows.append(("rejected", f"{rejection['stage']}: {rejection['reason']} (measured {rejection['measured']})"))
    if "failure" in document:
        rows.append(("failed", document["failure"]["traceback"].strip().splitlines()[-1]))
    if document.get("score") is not None:
        rows.append(("score", f"{document['score']:.4f} in the search"))
    if document.get("final_score") is not None:
        delta = document["delta_to_best_baseline"]
        against = "" if delta is None else f", {delta:+.4f} to the best baseline"
        rows.append(("final", f"{document['final_score']:.4f} on fresh seeds{against}"))
    return rows
