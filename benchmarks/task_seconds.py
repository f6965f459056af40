"""Time one training of each task on one core, for the `seconds` that tasks state.

    python benchmarks/task_seconds.py [TASK]...

A few of the task's baselines are trained twice at every learning rate, as a worker does it, and the second time counts:
data are loaded and kernels compiled then. It is processor time, so that what else the machine does matters little.
Writes `benchmarks/task_seconds.csv` anew where no tasks are named.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import record
import torch

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.errors import ActsearchError
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of

TABLE = Path(__file__).with_suffix(".csv")
# No rejection: what is rejected early takes less.
TOLERANT = Quality(margin=-math.inf)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", help="names or paths; default: all that come along")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in arguments.tasks or plugins.names("workers"):
        try:
            seconds, stated = _seconds(name)
        except ActsearchError as error:
            print(f"{name}: left out: {error}")
            continue
        print(f"{name:14} {seconds:8.3f} s a training, stated: {stated:g}", flush=True)
        rows.append(record.machine("torch") | {"task": name, "seconds": float(f"{seconds:.3g}"), "stated": stated})
        if not arguments.tasks:
            record.write(TABLE, rows)


def _seconds(name: str) -> tuple[float, float]:
    task = load_task(name)
    subjects = [subject_of(catalog.find(baseline).activation) for baseline in task.baselines[:3]]
    for seed in (0, 1):
        started = time.process_time()
        task.run(subjects, (seed,), TOLERANT)
        seconds = time.process_time() - started
    return seconds / len(subjects) / len(task.learning_rates), task.seconds


if __name__ == "__main__":
    main()
