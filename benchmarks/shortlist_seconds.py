"""What it takes to choose who is on a shortlist: looking at each candidate, and a model of all their scores.

    python benchmarks/shortlist_seconds.py

Random candidates of `swish` and of `evonorm`, whose layers have statistics, with random scores; processor time on one
thread. Writes `benchmarks/shortlist_seconds.csv` anew.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import record

from actsearch.grammar.activation import Candidate
from actsearch.grammar.space import read_space
from actsearch.plugins import find
from actsearch.search.strategies.surrogate.expectation import expectations
from actsearch.search.strategies.surrogate.look import look

TABLE = Path(__file__).with_suffix(".csv")
GAMES = (("swish", 500), ("swish", 1000), ("swish", 2000), ("evonorm", 200))


def main() -> None:
    """Measure, write, print."""
    rows = []
    # What is imported at a first call is not counted.
    _seconds("swish", 20)
    for space, count in GAMES:
        looking, fitting = _seconds(space, count)
        rows.append({"space": space, "candidates": count, "ms_a_look": round(1e3 * looking / count, 2),
                     "model_seconds": round(fitting, 2)})  # fmt: skip
        print(rows[-1], flush=True)
    about = record.machine("numpy", "scikit-learn")
    record.write(TABLE, [about | row for row in rows])


def _seconds(name: str, count: int) -> tuple[float, float]:
    """Of looking at so many random candidates of a space, and of what a model expects of them."""
    space, rng = read_space(find("search_spaces", name)), random.Random(count)
    candidates = [Candidate.everywhere(space.activation(space.sample(rng))) for _ in range(count)]
    scores = np.random.default_rng(count).normal(size=count)
    started = time.process_time()
    looks = [look(candidate) for candidate in candidates]
    looked = time.process_time()
    expectations(looks, scores)
    return looked - started, time.process_time() - looked


if __name__ == "__main__":
    main()
