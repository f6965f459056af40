"""Processor time that each objective adds to a candidate of the task digits, beside that of its trainings, in one run.

    python benchmarks/objective_seconds.py [--rounds 5] [--out benchmarks/objective_seconds.csv]

Sixteen functions of the catalog, one block of the stacked trainer, three learning rates, two seeds; in one thread, as a
worker has. Trainings without and with each objective take turns, and what is added is the difference of the
least times. Kernels are compiled and data loaded before; `cost` and `saved` then find derivatives that are known.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import record

from actsearch.analysis import catalog
from actsearch.evaluate.objectives import OBJECTIVES, QUALITY
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import subject_of
from actsearch.evaluate.worker import Job, Order, Worker

FUNCTIONS = (
    "relu", "gelu", "silu", "tanh", "elu", "mish", "sin", "softplus", "selu", "sigmoid", "softsign", "hardtanh",
    "hardswish", "logsigmoid", "tanhshrink", "celu",
)  # fmt: skip
SEEDS = (0, 1)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    worker = Worker.of("digits")
    jobs = [Job(key=name, subject=subject_of(catalog.look_up(name).candidate)) for name in FUNCTIONS]
    names = ("", *(name for name in OBJECTIVES if name != QUALITY), f"{QUALITY}:tabular")
    runs = {
        name: partial(worker.run, jobs, Order(seeds=SEEDS, quality=Quality(), objectives=(name,) if name else ()))
        for name in names
    }
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(arguments.rounds + 1):
        for name, run in runs.items():
            started = time.process_time()
            run()
            if turn:
                seconds[name].append(time.process_time() - started)
    least = {name: min(values) for name, values in seconds.items()}
    rows = []
    for name in names[1:]:
        added = (least[name] - least[""]) / len(jobs)
        rows.append(
            record.machine("torch", "actsearch")
            | {
                "objective": name,
                "candidate_milliseconds": f"{1e3 * least[''] / len(jobs):.3g}",
                "added_milliseconds": f"{1e3 * added:.3g}",
                "share": f"{(least[name] - least['']) / least['']:.3f}",
            }
        )
        print(f"{name}: {1e3 * added:.2f} ms beside {1e3 * least[''] / len(jobs):.2f} ms", flush=True)
    record.write(arguments.out, rows)


if __name__ == "__main__":
    main()
