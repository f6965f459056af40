"""What `show` says of a candidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from actsearch.analysis.latex import latex
from actsearch.analysis.novelty import novelty
from actsearch.analysis.pointwise import not_pointwise
from actsearch.analysis.properties import properties
from actsearch.analysis.textbook import READABLE, derivative
from actsearch.cli.candidate import Found
from actsearch.cli.front import value_text
from actsearch.cli.options import out
from actsearch.cli.rungs import told
from actsearch.compile.cost import WEIGHT, kernel_cost
from actsearch.compile.derive import derive
from actsearch.grammar.activation import Activation
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import X
from actsearch.grammar.text import write
from actsearch.outcome import Failed, Rejected
from actsearch.store.journal import Journal
from actsearch.store.summary import summarise, to_json
from actsearch.store.tuning import tuned_json


def describe(found: Found, store: Path) -> dict[str, Any]:
    """Everything known of a candidate as one document.

    `properties` are null for what is no function of x alone, and `properties_reason` says why. Of several functions
    that are assigned to sites or lanes, `parts` has by selector what is said of each.
    """
    candidate = found.candidate
    document: dict[str, Any] = {"id": candidate.id, "name": found.name}
    if candidate.is_everywhere:
        document |= _described(candidate.activation) | {"gain": found.gains["*"]}
    else:
        document |= {
            "expression": candidate.text,
            "parameters": candidate.parameters_json(),
            "gain": None,
            "gains": found.gains,
            "parts": {selector: _described(activation) for selector, activation in candidate.assignment},
        }
    document["rejection"] = None
    if found.record is not None and found.search is not None:
        document |= _journalled(found, store)
    return document


def _described(activation: Activation) -> dict[str, Any]:
    verdict = novelty(activation, most=1)
    document: dict[str, Any] = {
        "expression": activation.text,
        "derivative": None,
        "latex": {"f": latex(activation.expression), "derivative": None},
        "parameters": activation.parameters_json(),
        "properties": None,
        "novelty": {"verdict": verdict.verdict, "sentence": verdict.sentence()},
        "cost": _cost(activation),
    }
    if not activation.statistics:
        document["derivative"] = write(canonical(derive(activation.expression, X)))
        document["latex"]["derivative"] = latex(canonical(derivative(activation.expression, READABLE)))
    reason = not_pointwise(activation)
    if reason is None:
        document["properties"] = properties(activation).to_json()
    else:
        document["properties_reason"] = f"properties of a function of x alone do not apply: {reason}."
    return document


def _cost(activation: Activation) -> dict[str, Any]:
    """Primitives that an element needs; see `actsearch.compile.cost`."""
    cost = kernel_cost(activation)
    return {"forward": asdict(cost.forward), "backward": asdict(cost.backward), "weighted": cost.weighted}


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
    if found.tuned is not None:
        document["tuned"] = tuned_json(found.tuned, whole=True)
        document["tuned"]["summary"] = told(found.tuned)
    with Journal.open(store) as journal:
        candidates = to_json(summarise(journal, search), status=search.status)["candidates"]
    for candidate in candidates:
        if candidate["id"] == record.id:
            keys = (
                "score",
                "objectives",
                "final_score",
                "standard_error",
                "delta_to_best_baseline",
                "p_value",
                "claim",
                "final_failure",
                "stage",
            )
            document |= {key: candidate[key] for key in keys if key in candidate}
    return document


def print_description(document: dict[str, Any]) -> None:
    """The document for a person: what it is, and a table of facts, each proven or sampled."""
    parts = document.get("parts", {})
    if parts:
        _print_rows([("assignment", document["expression"]), ("id", document["id"]), *_origin(document)])
    for selector, part in parts.items():
        out.print()
        _print_rows([("stands at", selector), *_function_rows(part), _gain_row(document["gains"][selector])])
    if not parts:
        rows = [*_function_rows(document), ("id", document["id"]), *_origin(document), _gain_row(document["gain"])]
        _print_rows(rows)
        if document["properties"] is not None:
            out.print()
            out.print(_facts_table(document["properties"]["facts"]))


def _function_rows(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "f(x)", document["expression"]
    if document["derivative"]:
        yield "f'(x)", document["derivative"]
    for name, text in zip(("f", "f'"), document["latex"].values(), strict=True):
        if text:
            yield f"LaTeX {name}", text
    yield "novelty", document["novelty"]["sentence"]
    for name, spec in document["parameters"].items():
        initial = spec["initial"]
        entries = ", ".join(f"{entry:g}" for entry in (initial if isinstance(initial, list) else [initial]))
        yield name, f"starts at {entries}, one value per {spec['granularity']}"
    if document["properties"] is None:
        yield "properties", document["properties_reason"]
    yield "cost", _cost_text(document["cost"])


def _gain_row(gain: float) -> tuple[str, str]:
    return "output gain", f"{gain:g}, with which it is trained"


def _print_rows(rows: Iterable[tuple[str, str]]) -> None:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for label, text in rows:
        facts.add_row(f"[bold]{escape(label)}[/]", escape(text))
    out.print(facts)


def _facts_table(facts: dict[str, dict[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        mark = "[green]proven[/]" if fact["proven"] else "sampled"
        table.add_row(f"[bold]{escape(name.replace('_', ' '))}[/]", mark, escape(fact["on"]), escape(fact["text"]))
    return table


def _cost_text(cost: dict[str, Any]) -> str:
    parts = [f"{way} {cost[way]['operations']} ({cost[way]['special']} special)" for way in ("forward", "backward")]
    return f"operations an element: {', '.join(parts)}; {cost['weighted']} with special ones weighted by {WEIGHT}"


def _origin(document: dict[str, Any]) -> list[tuple[str, str]]:
    if "search" not in document:
        return []
    parents = ", ".join(document["parents"]) or "none"
    rows = [("found by", f"{document['search']}, generation {document['generation']}, {document['move']} of {parents}")]
    if document["rejection"]:
        rejection = document["rejection"]
        measured = "nothing" if rejection["measured"] is None else f"{rejection['measured']:.4g}"
        rows.append(("rejected", f"{rejection['stage']}: {rejection['reason']} (measured {measured})"))
    if "failure" in document:
        rows.append(("failed", document["failure"]["traceback"].strip().splitlines()[-1]))
    if document.get("score") is not None:
        rows.append(("score", f"{document['score']:.4f} in the search"))
    for name, value in document.get("objectives", {}).items():
        rows.append((name, value_text(name, value)))
    if "tuned" in document:
        rows.append(("tuned", document["tuned"]["summary"]))
    if document.get("final_score") is not None:
        delta = document["delta_to_best_baseline"]
        against = "" if delta is None else f", {delta:+.4f} to the best baseline"
        rows.append(("final", f"{document['final_score']:.4f} on fresh seeds{against}"))
        rows.append(("claim", document["claim"]))
    if document.get("final_failure") is not None:
        rows.append(("final", f"no score: {document['final_failure']}"))
    return rows
