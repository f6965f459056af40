"""Strategies on real evaluations in a space that no table holds, at equal wall time.

    python benchmarks/strategies_real.py [STRATEGY...] [--space pangaea] [--task digits] [--budget 150] [--seeds 3]
    python benchmarks/strategies_real.py --report

Each search is the real command in a process of its own with one worker, `actsearch search SPACE --task TASK --strategy
STRATEGY --budget SECONDS --seed SEED --workers in-process`, without MLflow and without functions of the catalog; no
shortlist and one finalist on two seeds leave nearly all of the budget to the search. Two searches of different
strategies run side by side, so that all have the same conditions; where one would be left over, a search that does not
count runs beside it.

What a search found by a share of its budget is its incumbent then: the highest search score of the generations that had
ended. Incumbents and the best at the end (none of which is one function with a better one) are trained again on 16
seeds that no search uses, each at the learning rate of three that is best on validation, and the test split judges.
`ten best` is the mean of the ten of the highest search scores; `winner` is the one of forty whose validation mean over
these seeds is highest. Whatever diverges at every learning rate counts as chance.

Replaces the rows of what was run in `benchmarks/strategies_real.csv`: one for each search and measure, and one for each
baseline. `processor` is the share of a core that the search had. `--report` prints the tables of docs/strategies.md.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import record
from numpy.typing import NDArray

from actsearch.analysis import catalog
from actsearch.evaluate.fairness.difference import half_width, standard_error
from actsearch.evaluate.fairness.reported import reported
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, Task, load_task, subject_of
from actsearch.outcome import Rejected, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import choose
from actsearch.search.funnel import subject_of_record
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import summarise

TABLE = Path(__file__).with_suffix(".csv")
SHARES = (0.25, 0.5, 1.0)
TEN, FORTY = 10, 40
JUDGES = tuple(range(900_000, 900_016))
"""Seeds that judge; those of a search with `--seed K` begin at 1000 K."""
TOGETHER = 16
SETTINGS = {
    "auto.catalog": "false",
    "track_uri": "none",
    "shortlist.length": "0",
    "finalists": "1",
    "final_seeds": "2",
    # It would take back scores after the search, and strategies do not see it.
    "protocols.stability.when": "never",
}
KEY = ("space", "task", "budget", "strategy", "seed", "measure")
"""Columns that say which row it is."""
MEASURES = (*(f"incumbent at {100 * share:.0f} %" for share in SHARES), "ten best", "winner")
BASELINE = "baseline"
Array = NDArray[np.float64]


class Run(NamedTuple):
    """A search to run."""

    strategy: str
    seed: int
    counts: bool = True


class Judged(NamedTuple):
    """What the held-out seeds say of a function."""

    validation: float
    """Mean at the best learning rate."""
    test: Array
    """By seed, (len(JUDGES),)."""


class Found(NamedTuple):
    """What a search knew at some time."""

    measure: str
    trained: int
    best: Sequence[CandidateRecord]


def main() -> None:
    """Run, judge, write; or report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=["auto", "evolution", "random"])
    parser.add_argument("--space", default="pangaea")
    parser.add_argument("--task", default="digits")
    parser.add_argument("--budget", type=int, default=150, help="seconds of a search")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each strategy")
    parser.add_argument("--report", action="store_true", help="print the tables of what was run, run nothing")
    arguments = parser.parse_args()
    if arguments.report:
        _report()
        return
    task = load_task(arguments.task)
    game = {**record.machine("torch", "llvmlite"), "space": arguments.space, "task": arguments.task}
    game["budget"] = str(arguments.budget)
    record.replace(TABLE, _baselines(task, game), *KEY)
    for pair in _pairs(arguments.strategies, arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            stores = {run: Path(folder) / f"{run.strategy}-{run.seed}" for run in pair}
            shares = _search_together(stores, game)
            for run in pair:
                if run.counts:
                    rows = _rows(stores[run], task, arguments.budget)
                    common = {**game, "strategy": run.strategy, "seed": str(run.seed), "processor": shares[run]}
                    record.replace(TABLE, [common | row for row in rows], *KEY)


def _pairs(strategies: Sequence[str], seeds: int) -> list[tuple[Run, Run]]:
    """Searches two by two; neighbours differ in strategy, and whom a strategy runs beside takes turns."""
    runs = [Run(strategy, seed) for seed in range(seeds) for strategy in strategies]
    if len(runs) % 2:
        runs.append(Run(strategies[0], seeds, counts=False))
    return list(zip(runs[::2], runs[1::2], strict=True))


def _search_together(stores: Mapping[Run, Path], game: Mapping[str, str]) -> dict[Run, float]:
    """Run searches side by side; the share of a core that each had."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    settings = [argument for key, value in SETTINGS.items() for argument in ("--set", f"{key}={value}")]
    started, shares = time.monotonic(), {}
    processes = {}
    for run, store in stores.items():
        command = [sys.executable, "-m", "actsearch", "search", game["space"], "--task", game["task"]]
        command += ["--strategy", run.strategy, "--budget", f"{game['budget']}s", "--seed", str(run.seed), *settings]
        command += ["--workers", "in-process", "--store", str(store), "--json"]
        processes[run] = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    for run, process in processes.items():
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"the search with {run.strategy} ended with {process.returncode}")
        shares[run] = round((used.ru_utime + used.ru_stime) / (time.monotonic() - started), 3)
    return shares


def _rows(store: Path, task: Task, budget: float) -> list[dict[str, Any]]:
    """What a search found, judged."""
    with Journal.open(store) as journal:
        search = journal.search()
        ends, records = journal.step_seconds(search), journal.candidates(search)
        apart = choose(summarise(journal, search).candidates, FORTY, SearchConfig().finalists_apart)
    found = []
    for share, measure in zip(SHARES, MEASURES, strict=False):
        known = [r for r in records if ends[r.generation - 1] <= share * budget or share == 1.0]
        scored = [r for r in known if isinstance(r.outcome, Scored)]
        trained = sum(r.seconds is not None for r in known)
        found.append(Found(measure, trained, sorted(scored, key=lambda r: -_score(r))[:1]))
    best = [standing.record for standing in apart if standing.record is not None]
    everything = {r.id: subject_of_record(r) for r in (*best, *(r for part in found for r in part.best))}
    judged = dict(zip(everything, _judge(task, list(everything.values())), strict=True))
    winner = max(best, key=lambda r: judged[r.id].validation)
    found += [Found("ten best", found[-1].trained, best[:TEN]), Found("winner", found[-1].trained, [winner])]
    return [
        {
            "measure": part.measure,
            "trained": part.trained,
            "search_score": _shown(float(np.mean([_score(r) for r in part.best]))) if part.best else "",
            **_judged_row(np.mean([judged[r.id].test for r in part.best], axis=0) if part.best else _chance(task)),
            "expression": part.best[0].expression if len(part.best) == 1 else "",
        }
        for part in found
    ]


def _baselines(task: Task, game: Mapping[str, str]) -> list[dict[str, Any]]:
    judged = _judge(task, [subject_of(catalog.look_up(name).candidate) for name in task.baselines])
    return [
        {
            **game, "strategy": name, "seed": "", "processor": "", "measure": BASELINE, "trained": "",
            "search_score": "", **_judged_row(one.test), "expression": "",
        }
        for name, one in zip(task.baselines, judged, strict=True)
    ]  # fmt: skip


def _judge(task: Task, subjects: Sequence[Subject]) -> list[Judged]:
    """Train on the held-out seeds; nothing is rejected."""
    found = []
    for start in range(0, len(subjects), TOGETHER):
        for outcome in task.run(subjects[start : start + TOGETHER], JUDGES, Quality(margin=-math.inf)):
            told = None if isinstance(outcome, Rejected) else reported(outcome)
            if told is None or isinstance(outcome, Rejected):
                found.append(Judged(-math.inf, _chance(task)))
            else:
                found.append(Judged(outcome.mean(), np.maximum(told.values, task.chance)))
    return found


def _report() -> None:
    """Print what was found, and the differences between strategies."""
    rows = record.read(TABLE)
    for space, task, budget in dict.fromkeys((row["space"], row["task"], row["budget"]) for row in rows):
        own = [row for row in rows if (row["space"], row["task"], row["budget"]) == (space, task, budget)]
        played = [row for row in own if row["measure"] != BASELINE]
        strategies = list(dict.fromkeys(row["strategy"] for row in played))
        print(f"\n`{space}` on {task}, {budget} s a search:\n")
        print(f"| strategy | candidates trained | {' | '.join(MEASURES)} |\n|{'---|' * (2 + len(MEASURES))}")
        for name in strategies:
            last = [row for row in played if (row["strategy"], row["measure"]) == (name, MEASURES[-1])]
            counts = [int(row["trained"]) for row in last]
            trained = " to ".join(map(str, sorted({min(counts), max(counts)})))
            cells = [_cell(list(_scores(played, name, measure).values())) for measure in MEASURES]
            print(f"| `{name}` | {trained} | {' | '.join(cells)} |")
        print(f"\n| difference | {' | '.join(MEASURES)} |\n|{'---|' * (1 + len(MEASURES))}")
        for first, second in itertools.combinations(strategies, 2):
            cells = []
            for measure in MEASURES:
                one, other = _scores(played, first, measure), _scores(played, second, measure)
                cells.append(_cell([one[seed] - other[seed] for seed in one if seed in other], signed=True))
            print(f"| `{first}` - `{second}` | {' | '.join(cells)} |")
        baselines = {row["strategy"]: float(row["held_out"]) for row in own if row["measure"] == BASELINE}
        known = sorted(baselines.items(), key=lambda item: -item[1])
        print(f"\nBaselines: {', '.join(f'{name} {score:.4f}' for name, score in known)}.")
        print(f"Share of a core that a search had: {min(float(row['processor']) for row in played)} at least.")


def _scores(rows: Sequence[Mapping[str, str]], strategy: str, measure: str) -> dict[str, float]:
    """Held-out mean by the seed of the search; searches of one seed are paired, and so are the seeds that judge."""
    own = (row for row in rows if (row["strategy"], row["measure"]) == (strategy, measure))
    return {row["seed"]: float(row["held_out"]) for row in own}


def _cell(values: Sequence[float], *, signed: bool = False) -> str:
    """Mean over searches, and half of its 95 % t interval."""
    half = half_width(standard_error(np.array(values)), len(values))
    said = f"{np.mean(values):{'+' if signed else ''}.4f}"
    return said if half is None else f"{said} ± {half:.4f}"


def _score(one: CandidateRecord) -> float:
    return one.outcome.score if isinstance(one.outcome, Scored) else -math.inf


def _chance(task: Task) -> Array:
    return np.full(len(JUDGES), task.chance)


def _judged_row(test: Array) -> dict[str, Any]:
    """Mean, its standard error over the held-out seeds, and the scores by seed."""
    error = standard_error(test)
    return {
        "held_out": _shown(float(test.mean())),
        "held_out_error": "" if error is None else _shown(error),
        "by_seed": " ".join(str(_shown(float(score))) for score in test),
    }


def _shown(value: float) -> float:
    return float(f"{value:.5g}")


if __name__ == "__main__":
    main()
