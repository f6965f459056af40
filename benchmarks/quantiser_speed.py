"""Time of the quantiser of derivatives against a dense dynamic program.

    python benchmarks/quantiser_speed.py [--rounds 5]

Both divide the same sorted values of GELU's derivative, at equally likely inputs from N(0, 1), into the runs of least
squared differences. The dense one writes down the cost of all n^2 runs and, for each of the levels, takes the best of
all beginnings of the last run, which is O(k n^2), in whole arrays of numpy. They take turns, and must find divisions of
the same cost. The compiler divides 4,096 values. Writes `benchmarks/quantiser_speed.csv` anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import record
from numpy.typing import NDArray
from scipy.special import ndtri

from actsearch.compile.saving.function import Function
from actsearch.compile.saving.quantise import divide
from actsearch.grammar.activation import parse

TABLE = Path(__file__).with_suffix(".csv")
Array = NDArray[np.float64]


def main() -> None:
    """Measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    record.write(TABLE, [_row(size, bits, arguments.rounds) for size in (1024, 2048, 4096) for bits in (2, 4)])


def _row(size: int, bits: int, rounds: int) -> dict[str, Any]:
    values = np.sort(Function(parse("gelu(x)")).slope(ndtri((np.arange(size) + 0.5) / size)))
    ours = divide(values, np.ones(size), 2**bits)
    cost = float(np.sum(np.min((values[:, None] - ours[None]) ** 2, axis=1)))
    if abs(cost - dense(values, 2**bits)) > 1e-9 * (1 + cost):
        raise SystemExit("the two disagree on the least cost")
    seconds = record.interleaved(
        {"ours": lambda: divide(values, np.ones(size), 2**bits), "dense": lambda: dense(values, 2**bits)}, rounds
    )
    (ours_least, ours_median), (dense_least, dense_median) = map(record.milliseconds, seconds.values())
    row: dict[str, Any] = record.machine("numpy") | {
        "values": size, "levels": 2**bits, "ours_ms": ours_least, "ours_median_ms": ours_median,
        "dense_ms": dense_least, "dense_median_ms": dense_median, "ratio": round(dense_median / ours_median, 1),
    }  # fmt: skip
    print(*list(row.values())[3:], flush=True)
    return row


def dense(values: Array, count: int) -> float:
    """The least sum of squared differences from the means of at most `count` runs."""
    number = np.arange(values.size + 1, dtype=np.float64)
    centred = values - values.mean()
    first, second = (np.r_[0.0, np.cumsum(power)] for power in (centred, centred * centred))
    lengths = number[None] - number[:, None]
    sums = first[None] - first[:, None]
    # From each beginning, a row, to each end.
    costs = second[None] - second[:, None] - sums * sums / np.where(lengths > 0, lengths, 1)
    costs[lengths < 0] = np.inf
    best = costs[0]
    for _ in range(1, count):
        best = (best[:, None] + costs).min(axis=0)
    return float(best[-1])


if __name__ == "__main__":
    main()
