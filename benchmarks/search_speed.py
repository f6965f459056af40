"""A whole search on two cores against two plain eager loops at once: candidates trained a second.

    python benchmarks/search_speed.py [--space swish] [--budget 60] [--plain 15] [--rounds 3]

A round is a search by the real command, `actsearch search SPACE --task digits --budget 60s`, in a process of its own
with a fresh store: static funnel, journal, MLflow, two local Ray workers. Then two processes of one thread train
candidates of that very search, drawn at random from all that came through its static funnel: the obvious loop of
`plain_loop.py`, on the search's seeds and learning rates, one training after the other. They begin together once both
have imported everything.

A candidate has been trained when it has an outcome of the training, be it a rejection after a tenth of it; the loop,
which has no such rejection, needs all its trainings. `ratio` is of candidates a second; `trainings_ratio` counts single
trainings to the last step alone. Of a search the seconds are those of the budget up to the last outcome, baselines
included; the columns `command_` divide by the whole command instead, from the start of its process to its end with
workers, finals, MLflow and export, and count the finals among the trainings. `plain_share` is the share of a processor
that the loops had: far below 1 the machine had other work, and ratios are worth less.

Appends a row for each round to `benchmarks/search_speed.csv`. Not more than five minutes on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import record

TABLE = Path(__file__).with_suffix(".csv")
TASK = "digits"
PLAIN_PROCESSES = 2
PACKAGES = ("torch", "ray", "llvmlite", "mlflow")


def main() -> None:
    """Measure, append; or be one of the plain loops."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="swish")
    parser.add_argument("--budget", type=int, default=60, help="seconds of a search")
    parser.add_argument("--plain", type=float, default=15.0, help="seconds of the plain loops")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", metavar="STORE", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--index", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop is not None:
        print(json.dumps(_loop(arguments.loop, arguments.index, arguments.plain)))
        return
    rows = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            measured = _search(Path(folder), arguments.space, arguments.budget, seed=number)
            measured |= _ratios(measured, _plain(Path(folder), arguments.plain))
        rows.append(record.machine(*PACKAGES) | {"space": arguments.space, "task": TASK, "seed": number} | measured)
        record.append(TABLE, rows[-1])
        print(json.dumps(measured))
    for name in ("ratio", "trainings_ratio", "command_ratio", "command_trainings_ratio"):
        found = [row[name] for row in rows]
        print(f"{name}: median {statistics.median(found):.1f}, {min(found):.1f} to {max(found):.1f}")


def _search(store: Path, space: str, budget: int, *, seed: int) -> dict[str, Any]:
    """What a search came to, and how quickly."""
    command = [sys.executable, "-m", "actsearch", "search", space, "--task", TASK, "--budget", f"{budget}s"]
    command += ["--seed", str(seed), "--store", str(store), "--json"]
    started = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    command_seconds = time.monotonic() - started
    counts, (seconds, candidates, trainings) = json.loads(done.stdout)["counts"], _journalled(store)
    return {
        "generated": counts["generated"],
        "trained": candidates,
        "search_seconds": round(seconds, 2),
        "command_seconds": round(command_seconds, 2),
        "candidates_a_second": _digits(candidates / seconds),
        "trainings_a_second": _digits(trainings / seconds),
        "command_candidates_a_second": _digits(candidates / command_seconds),
        "command_trainings_a_second": _digits(counts["trained"] / command_seconds),
    }


def _journalled(store: Path) -> tuple[float, int, int]:
    """Seconds up to the last outcome, candidates that have one of the training, single trainings to the last step."""
    from actsearch.outcome import Scored
    from actsearch.store.journal import Journal
    from actsearch.store.summary import SEARCH

    with Journal.open(store) as journal:
        search = journal.search()
        records = [one for one in journal.candidates(search) if one.seconds is not None]
        trained = [one.outcome.scores.trained for one in records if isinstance(one.outcome, Scored)]
        trained += [scores.trained for scores in journal.scores(search, SEARCH).values()]
        return journal.step_seconds(search)[-1], len(records), sum(trained)


def _plain(store: Path, seconds: float) -> list[dict[str, float]]:
    """What loops that run at the same time say of themselves."""
    command = [sys.executable, __file__, "--loop", str(store), "--plain", str(seconds), "--index"]
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    held, go = os.pipe()  # Closing `go` ends the input of both loops at once, which is what they wait for.
    loops = [
        subprocess.Popen([*command, str(index)], stdin=held, stdout=subprocess.PIPE, text=True, env=environment)
        for index in range(PLAIN_PROCESSES)
    ]
    os.close(held)
    if any(loop.stdout is None or loop.stdout.readline() != "ready\n" for loop in loops):
        raise SystemExit("a plain loop did not start")
    os.close(go)
    return [json.loads(loop.communicate()[0]) for loop in loops]


def _loop(store: Path, index: int, seconds: float) -> dict[str, float]:
    """Train one by one for so many seconds; how many trainings, in how long, and how many a candidate has."""
    import torch
    from plain_loop import train_plainly

    from actsearch.evaluate.task import load_task
    from actsearch.search.funnel import subject_of_record
    from actsearch.store.journal import Journal

    torch.set_num_threads(1)
    task: Any = load_task(TASK)
    with Journal.open(store) as journal:
        search = journal.search()
        records = [one for one in journal.candidates(search) if one.seconds is not None]
    # No candidate is drawn by both.
    mine = random.Random(search.seed).sample(records, len(records))[index::PLAIN_PROCESSES]
    seeds = range(1000 * search.seed, 1000 * search.seed + task.search_seeds)
    trainings = [(rate, seed) for rate in task.learning_rates for seed in seeds]
    train_plainly(task, subject_of_record(mine[0]), *trainings[0])
    print("ready", flush=True)
    sys.stdin.read()
    started, processor, count = time.monotonic(), time.process_time(), 0
    for one in mine:
        subject = subject_of_record(one)
        for rate, seed in trainings:
            train_plainly(task, subject, rate, seed)
            count += 1
            if time.monotonic() - started >= seconds:
                took = time.monotonic() - started
                share = (time.process_time() - processor) / took
                return {"trainings": count, "seconds": took, "share": share, "each": len(trainings)}
    raise SystemExit("the search was too short: the loop has trained all its candidates")


def _ratios(search: dict[str, Any], loops: list[dict[str, float]]) -> dict[str, float]:
    trainings = sum(loop["trainings"] / loop["seconds"] for loop in loops)
    candidates = trainings / loops[0]["each"]
    return {
        "plain_candidates_a_second": _digits(candidates),
        "plain_trainings_a_second": _digits(trainings),
        "plain_share": _digits(statistics.mean(loop["share"] for loop in loops)),
        "ratio": _digits(search["candidates_a_second"] / candidates),
        "trainings_ratio": _digits(search["trainings_a_second"] / trainings),
        "command_ratio": _digits(search["command_candidates_a_second"] / candidates),
        "command_trainings_ratio": _digits(search["command_trainings_a_second"] / trainings),
    }


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
