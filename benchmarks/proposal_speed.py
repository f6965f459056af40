"""How many distinct candidates a second one core proposes, and what share of the proposals are duplicates.

    python benchmarks/proposal_speed.py [SPACE...] [--candidates 6000]

A candidate is sampled, brought into normal form, named by its hash and passed through the static funnel, in batches
and in one thread. Those count as distinct that have a value and a slope on the whole domain, are no straight lines, and
are neither the text nor the function of an earlier one; the more are proposed, the more are duplicates. Seconds are
those of the processor, so that what else the machine does counts little. Writes `benchmarks/proposal_speed.csv` anew.
"""

from __future__ import annotations

import argparse
import functools
import gc
import random
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import record
import torch

from actsearch.grammar.space import read_space
from actsearch.plugins import find
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import Funnel
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

TABLE = Path(__file__).with_suffix(".csv")
SPACES = ("swish", "actbench")
BATCH = 100


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spaces", nargs="*", default=SPACES, help="pointwise spaces, by name or path")
    parser.add_argument("--candidates", type=int, default=6_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    record.keep_memory()
    # What is compiled on first use is no cost of a candidate.
    _measure(arguments.spaces[0], BATCH)
    rows = [record.machine("torch", "numpy") | _measure(name, arguments.candidates) for name in arguments.spaces]
    record.write(TABLE, rows)
    for row in rows:
        print(row)


def _measure(name: str, count: int) -> dict[str, Any]:
    space, generator = read_space(find("search_spaces", name)), random.Random(0)
    size = space.size()
    if size.exact and size.count <= count:
        genomes = list(space.enumerate())
        generator.shuffle(genomes)
        draw = iter(genomes).__next__
        count = len(genomes) // BATCH * BATCH
    else:
        draw = functools.partial(space.sample, generator)
    funnel = Funnel(space=space, config=SearchConfig())
    kinds: Counter[str] = Counter()
    seconds: list[float] = []
    distinct: list[int] = []
    gc.collect()
    for first in range(0, count, BATCH):
        started = time.process_time()
        proposals = [Proposal(genome=draw(), parents=(), move="sample") for _ in range(BATCH)]
        records = funnel.pass_together(proposals, first=first, generation=0)
        seconds.append(time.process_time() - started)
        found = Counter(map(_kind, records))
        distinct.append(found["trained"] + found["gradient"])
        kinds += found
    proposed = BATCH * len(seconds)
    return {
        "space": name,
        "candidates": proposed,
        "candidates_per_s": round(proposed / sum(seconds)),
        "distinct_per_s": round(sum(distinct) / sum(seconds)),
        "distinct_per_s_of_median_batch": round(
            statistics.median(d / s for d, s in zip(distinct, seconds, strict=True))
        ),
        "same_text_share": _share(kinds["same text"], proposed),
        "same_function_share": _share(kinds["same function"], proposed),
        "not_finite_share": _share(kinds["domain"], proposed),
        "trivial_share": _share(kinds["trivial"], proposed),
        "distinct_share": _share(sum(distinct), proposed),
    }


def _kind(candidate: CandidateRecord) -> str:
    if candidate.outcome is None:
        return "trained"
    if candidate.outcome.stage == "duplicate":
        return "same text" if "expression" in candidate.outcome.reason else "same function"
    return candidate.outcome.stage


def _share(part: int, whole: int) -> float:
    return float(f"{part / whole:.3g}")


if __name__ == "__main__":
    main()
