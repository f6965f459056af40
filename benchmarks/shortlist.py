"""What a shortlist is worth: finalists chosen by the few seeds of a search, or by more seeds among the best of it.

    python benchmarks/shortlist.py

Played on `benchmarks/actbench.npz`. The functions of a search are drawn from the table; it scores them with two of the
table's seeds, on the validation split. Then its finalists are the ten best, or the ten best by some of the
further seeds among a shortlist. The seeds that are left are those of the finals, on the test split: the winner is who
has the highest mean in one half of them, and its mean in the other half says what it is worth. A row is a task and a
way to choose: that worth, as regret to the best function that was drawn (no function counts as worse than the median
one, as scores of periodic have no bound), and the share of searches whose finals have one of the three best. Functions
without further seeds (not among the 200 best of their task) are never chosen.

Writes `benchmarks/shortlist.csv`; half a minute.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import record

from actsearch.evaluate.table import Measured, Table
from actsearch.evaluate.table.data import best_means

HERE = Path(__file__).parent
FINALISTS, REPEATS = 10, 400
DRAWN = (0.25, 1.0)
"""Shares of the table that a search has seen."""
WAYS = ((0, 0), (20, 4), (20, 6), (40, 4), (40, 6), (40, 8), (80, 4))
"""Length of the shortlist, further seeds of it."""


def main() -> None:
    """Play all, write the table."""
    table = Table.open(HERE / "actbench.npz")
    rows = []
    for task, measured in table.tasks.items():
        for share in DRAWN:
            for length, seeds in WAYS:
                found = [_play(measured, share, length, seeds, repeat) for repeat in range(REPEATS)]
                regret, has_best = np.mean(found, axis=0)
                error = np.std([r for r, _ in found]) / REPEATS**0.5
                rows.append({
                    **record.machine("numpy"),
                    "task": task,
                    "share_of_table": share,
                    "shortlist": length,
                    "seeds": seeds,
                    "regret_of_winner": f"{regret:.4g}",
                    "standard_error": f"{error:.2g}",
                    "finals_have_one_of_three_best": f"{has_best:.3f}",
                    "repeats": REPEATS,
                })  # fmt: skip
                print({key: value for key, value in rows[-1].items() if key not in {"date", "machine", "versions"}})
    record.write(Path(__file__).with_suffix(".csv"), rows)


def _play(measured: Measured, share: float, length: int, seeds: int, repeat: int) -> tuple[float, bool]:
    """Regret of the winner, and whether one of the three best functions is in the finals."""
    draw = np.random.default_rng(repeat)
    places = np.flatnonzero(draw.random(len(measured.best)) < share)
    pair = draw.permutation(len(measured.seeds))[:2]
    searched = best_means(measured.values[..., -1][np.array(measured.best)[places]][:, :, pair], test=False)
    order = draw.permutation(len(measured.more_seeds))
    more = measured.more[..., -1][places]
    best = np.argsort(-searched, kind="stable")
    if length:
        short = best[:length]
        confirmed = best_means(more[short][:, :, order[:seeds]], test=False)
        best = short[np.argsort(-confirmed, kind="stable")]
    finalists = best[:FINALISTS]
    # The same seeds of the finals, however many the shortlist had.
    left = order[max(seeds for _, seeds in WAYS) :]
    chosen_by, judged_by = left[: len(left) // 2], left[len(left) // 2 :]
    chosen = best_means(more[finalists][:, :, chosen_by], test=True)
    truth = best_means(more, test=True)
    worth = np.maximum(best_means(more[:, :, judged_by], test=True), np.median(truth))
    winner = finalists[int(chosen.argmax())]
    top = np.argsort(-truth, kind="stable")[:3]
    return float(worth[top[0]] - worth[winner]), bool(set(top.tolist()) & set(finalists.tolist()))


if __name__ == "__main__":
    main()
