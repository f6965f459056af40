"""Catalog control: the same budget spent choosing a function of the catalog for the task, instead of searching one.

    python benchmarks/catalog_control.py

A search that beats fixed baselines may owe it to choosing, not to finding: whoever tries hundreds of known functions on
a task also gets to choose. So a search of `SPACE` on digits is given a budget of as many candidates as the catalog has
functions of x that can be trained there. Both sides train theirs on the same two seeds, send their ten best to finals
on the same 16 fresh seeds, and are judged against the baselines of the task; then the best finalist of the search is
judged against the best of the catalog. One row a seed of the search.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import record

import actsearch
from actsearch.analysis import catalog
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.fairness import claim, judge
from actsearch.evaluate.protocols.domain import Domain
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, load_task, subject_of
from actsearch.evaluate.worker import Job, Order, Worker
from actsearch.outcome import Scored, Scores
from actsearch.store.journal import Journal
from actsearch.store.summary import BASELINE, FINAL

TABLE = Path(__file__).with_suffix(".csv")
SPACE, TASK, FINALISTS = "swish", "digits", 10


def main() -> None:
    """Measure one seed after the other and append a row for each to the table beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many searches (default: 3)")
    functions = trainable()
    for seed in range(parser.parse_args().seeds):
        row = measure(functions, seed)
        print(row, flush=True)
        record.append(TABLE, {**record.machine("torch"), **row})


def trainable() -> dict[str, Subject]:
    """The catalog's pointwise functions of x with finite values, each once; the task's baselines are among them."""
    found: dict[str, Subject] = {}
    known = set()
    for name in catalog.names():
        entry = catalog.look_up(name)
        if entry.beyond or entry.lanes or set(entry.candidate.inputs) != {"x"}:
            continue
        activation = entry.activation
        if activation.is_pointwise and Domain().check(probe_of(activation)) is None:
            subject = subject_of(activation)
            if all(map(math.isfinite, subject.gains)) and subject.activation.id not in known:
                found[name] = subject
                known.add(subject.activation.id)
    return found


def measure(functions: Mapping[str, Subject], seed: int) -> dict[str, Any]:
    """One search, one choice within the catalog, and their verdicts."""
    baselines = load_task(TASK).baselines
    with tempfile.TemporaryDirectory() as folder:
        summary = actsearch.search(
            SPACE,
            task=TASK,
            budget=f"{len(functions)}c",
            seed=seed,
            workers="in-process",
            store=folder,
            settings={"finalists": str(FINALISTS), "track_uri": "none"},
        )
        with Journal.open(Path(folder)) as journal:
            finals = journal.scores(summary.search, FINAL)
    search_seeds = next(c.record.outcome.scores.seeds for c in summary.candidates)  # type: ignore[union-attr]
    final_seeds = next(iter(finals.values())).seeds
    known = {name.removeprefix(BASELINE): scores for name, scores in finals.items()}
    searched = _scores(functions, search_seeds)
    best = sorted(searched, key=lambda name: -searched[name].mean())[:FINALISTS]
    chosen = _scores({name: functions[name] for name in best}, final_seeds)
    of_catalog = judge({**chosen, **{b: known[b] for b in baselines}}, functions=best, baselines=baselines)
    champion = max(chosen, key=lambda name: of_catalog.judgements[name].mean)
    duel = judge(
        {"found": known[summary.winner.name], champion: chosen[champion]}, functions=("found",), baselines=(champion,)
    )
    (difference,) = duel.judgements["found"].differences
    return {
        "space": SPACE,
        "task": TASK,
        "budget": len(functions),
        "seed": seed,
        "found": summary.winner.record.expression,
        "found_score": round(summary.winner.final_score, 5),
        "found_claim": summary.winner.claim,
        "catalog": champion,
        "catalog_score": round(of_catalog.judgements[champion].mean, 5),
        "catalog_claim": claim(of_catalog.judgements[champion], of_catalog, TASK),
        "difference": round(difference.mean, 5),
        "difference_half_width": round(difference.half_width, 5),
        "difference_p": round(difference.p_value, 4),
    }


def _scores(subjects: Mapping[str, Subject], seeds: tuple[int, ...]) -> dict[str, Scores]:
    worker = Worker.of(TASK)
    jobs = [Job(key=name, subject=subject) for name, subject in subjects.items()]
    outcomes = {r.key: r.outcome for r in worker.run(jobs, Order(seeds=seeds, quality=Quality()))}
    return {name: outcome.scores for name, outcome in outcomes.items() if isinstance(outcome, Scored)}


if __name__ == "__main__":
    main()
