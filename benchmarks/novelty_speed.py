"""Time that `novelty` takes to make its table, and for a query after that, and how much it recognises.

    OPENBLAS_NUM_THREADS=1 python benchmarks/novelty_speed.py [--queries 200]

On one thread, in CPU time. Queries are catalog functions in disguise (output and input scaled and shifted at random, or
their scalar parameters scaled by random factors, and their output), which are to be known, and random functions of the
search space `swish`. Appends a row each to `benchmarks/novelty_speed.csv`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import record
import torch

from actsearch.analysis.catalog import catalog
from actsearch.analysis.novelty import novelty
from actsearch.analysis.novelty.table import table_of
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Constant, Expression, Parameter, X, substitute
from actsearch.grammar.space import read_space
from actsearch.plugins import find

TABLE = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Measure, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=200)
    count = parser.parse_args().queries
    torch.set_num_threads(1)
    for entry in catalog().values():
        _ = entry.formula and entry.activation
    started = time.process_time()
    table = table_of()
    loading = time.process_time() - started
    for what, queries in (
        ("catalog functions, scaled and shifted", _disguised(count, inputs=True)),
        ("catalog functions, parameters moved", _disguised(count, inputs=False)),
        ("random functions of the space swish", _random(count)),
    ):
        novelty(next(queries))
        seconds, known = [], 0
        for query in queries:
            started = time.process_time()
            found = novelty(query)
            seconds.append(time.process_time() - started)
            known += found.verdict == "known"
        row = record.machine("torch", "numpy") | {
            "queries": what,
            "count": len(seconds),
            "entries": len(table.forms),
            "entries_by_value": len(table.families),
            "table_seconds": float(f"{loading:.3g}"),
            "median_ms": float(f"{1e3 * statistics.median(seconds):.3g}"),
            "p95_ms": float(f"{1e3 * statistics.quantiles(seconds, n=20)[-1]:.3g}"),
            "known_share": round(known / len(seconds), 3),
        }
        record.append(TABLE, row)
        print(row)


def _disguised(count: int, *, inputs: bool) -> Iterator[Activation]:
    generator = random.Random(0)
    names = [family.name for family in table_of().families if inputs or family.parameters]
    made = 0
    while made <= count:
        activation = catalog()[generator.choice(names)].activation
        scale = generator.choice((-1, 1)) * 10 ** generator.uniform(-0.5, 0.5)
        warped = Constant(scale) * X + scale * generator.uniform(-2, 2) if inputs else X
        factors = {spec.name: 1.0 if inputs else 10 ** generator.uniform(-0.4, 0.4) for spec in activation.parameters}
        settings: dict[Expression, Expression] = {
            Parameter(spec.name): Constant(spec.scalar * factors[spec.name]) for spec in activation.parameters
        }
        inner = substitute(substitute(activation.expression, settings), {X: warped})
        found = Activation.of(generator.uniform(0.3, 3) * inner + generator.uniform(-2, 2))
        if found.inputs:
            made += 1
            yield found


def _random(count: int) -> Iterator[Activation]:
    space, generator = read_space(find("search_spaces", "swish")), random.Random(0)
    made = 0
    while made <= count:
        activation = space.activation(space.sample(generator))
        if activation.inputs:
            made += 1
            yield activation


if __name__ == "__main__":
    main()
