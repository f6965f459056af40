"""What ask and tell of each strategy cost when many candidates are known already.

    python benchmarks/strategy_overhead.py [STRATEGY...] [--space swish] [--known 10000]

The known candidates are samples with made-up scores, a quarter of them rejected. Milliseconds are the processor's, a
candidate, of a generation of 32: of the first, in which caches are filled, and the median of the next three. Writes
`benchmarks/strategy_overhead.csv` anew.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path

import record
import torch

from actsearch.grammar.space import Space, read_space
from actsearch.plugins import find
from actsearch.search.config import SearchConfig
from actsearch.search.strategies import STRATEGIES, make_strategy
from actsearch.search.strategy import Archive, Told

TABLE = Path(__file__).with_suffix(".csv")
GENERATION, GENERATIONS = 32, 4


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=list(STRATEGIES))
    parser.add_argument("--space", default="swish")
    parser.add_argument("--known", type=int, default=10_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in arguments.strategies:
        # Strategies share what they have seen of a space that is one object.
        space = read_space(find("search_spaces", arguments.space))
        first, *later = _milliseconds(name, space, arguments.known)
        measured = {"first_ms": round(first, 2), "later_ms": round(statistics.median(later), 2)}
        rows.append(
            record.machine("numpy", "scikit-learn")
            | {"strategy": name, "space": arguments.space, "known": arguments.known}
            | measured
        )
        print(rows[-1])
    record.write(TABLE, rows)


def _milliseconds(name: str, space: Space, known: int) -> list[float]:
    generator, archive = random.Random(0), Archive()
    told = []
    while len(told) < known:
        genome = space.sample(generator)
        if not archive.knows(genome):
            archive.proposed([genome.encode()])
            score = generator.gauss(0, 1) if len(told) % 4 else None
            told.append(
                Told(id=str(len(told)), genome=genome, score=score, stage="domain" if score is None else "train")
            )
    archive.tell(told)
    strategy = make_strategy(name, space, SearchConfig.of({"auto.catalog": "false"}).strategies)
    state = strategy.tell(strategy.start(0), told)
    spent = []
    for generation in range(GENERATIONS):
        started = time.process_time()
        state, proposals = strategy.ask(state, GENERATION, archive)
        spent.append(time.process_time() - started)
        archive.proposed(proposal.genome.encode() for proposal in proposals)
        results = [
            Told(id=f"{generation}.{place}", genome=p.genome, score=generator.gauss(0, 1), stage="train")
            for place, p in enumerate(proposals)
        ]
        archive.tell(results)
        started = time.process_time()
        state = strategy.tell(state, results)
        spent[-1] += time.process_time() - started
    return [1e3 * seconds / GENERATION for seconds in spent]


if __name__ == "__main__":
    main()
