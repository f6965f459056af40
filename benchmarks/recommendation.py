"""Whom a search should recommend: the function of the highest score, or that of which a model expects most.

    python benchmarks/recommendation.py [--tasks digits tabular ...] [--repeats 60] [--print]
    python benchmarks/recommendation.py --train [--more 256]

Played on the table (`table_game.py`). Functions have been seen with one or two of the table's seeds, drawn at
random or chosen by `surrogate`, those that the funnel lets through alone. Ways to order them:

- `score`: by what the seeds say;
- `expectation`: by `actsearch/search/strategies/surrogate/expectation.py`, as a search's shortlist;
- `noise NUMBER`: by expectation with a least noise, as a share of the function's variance; 3 on digits alone;
- `halves`: half of a shortlist by score, half by `noise 1` (the incumbent is that of `noise 1`).

`incumbent` is the regret of who comes first: the held-out mean (40 seeds, test split) of the best that was seen minus
its own. A shortlist of 40, at most one in eight and at least eleven, none of them one function with another (outputs
correlated by more than 0.999), is trained with six of the 40 seeds; the ten best of it are finalists; of sixteen
further seeds (test split) they have a winner, and the last 18 say what it is worth: `winner` is its regret.
`in_shortlist` and `in_finals` are the shares of the ten best that were seen. `_to_score` is the paired difference to
`score` and `_half` half of its 95 % interval, 1.96 standard errors over repeats.

The table has held-out seeds of the 200 functions that are best by the same seeds that a search is answered with. If no
others could be recommended, whoever goes by these seeds would be at an advantage; so `--train` trains the next best
(`--more`, by their mean over these seeds, among those that the funnel lets through) with the same held-out seeds, and
keeps the scores in `recommendation.npz`. `unknown` is the share of a shortlist that has no held-out seeds even so:
these take a place and cannot win.

Replaces the rows of what was played in `benchmarks/recommendation.csv`.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from gallery import Gallery
from numpy.typing import NDArray
from table_game import EARLY, Board, Judge, play

from actsearch.evaluate.pool import open_executor
from actsearch.evaluate.profile import read_profile
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.subject import Subject
from actsearch.evaluate.table.data import best_means, rounded, save_arrays
from actsearch.evaluate.worker import Job, Order
from actsearch.outcome import Scored
from actsearch.plugins import lasting
from actsearch.search.config import SearchConfig
from actsearch.search.strategies import make_strategy
from actsearch.search.strategies.surrogate.expectation import expectations
from actsearch.search.strategies.surrogate.look import Look

HERE = Path(__file__).parent
TABLE, MORE = HERE / "recommendation.csv", HERE / "recommendation.npz"
SEEN = {"random": (50, 100, 300, 1000), "surrogate": (50, 100, 300)}
REPEATS_OF_MANY = 15
"""Of 1,000 functions, or so many as are asked for if they are fewer: they differ little, and a fit takes a second."""
PLACES, RATIO, FINALISTS, APART = 40, 8, 10, 0.999
SHORTLIST_SEEDS, CHOOSING_SEEDS = 6, 16
DEALS = 4
"""Ways to deal the held-out seeds out to shortlist, finals and judges, for each repeat."""
NOISES = (1.0, 3.0)
"""Least noises that are tried beside none, the last one on digits alone."""
TOGETHER = 32
KEY = ("task", "seen_by", "seen", "seeds", "way")
Array = NDArray[np.float64]


def main() -> None:
    """Train, or play and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=["digits", "tabular", "periodic", "longtail"])
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--train", action="store_true", help="train more functions with the held-out seeds")
    parser.add_argument("--more", type=int, default=256)
    parser.add_argument("--print", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    board = Board.of_actbench()
    gallery = Gallery(board=board)
    for task in arguments.tasks:
        stage = Stage(gallery=gallery, judge=Judge(board=board, task=task))
        if arguments.train:
            _train(stage, arguments.more)
            continue
        for (by, counts), seeds in itertools.product(SEEN.items(), (1, 2)):
            for row in _rows(stage, by, counts, seeds, arguments.repeats):
                print(row, flush=True)
                if not arguments.print:
                    record.replace(TABLE, [{**record.machine("numpy", "scikit-learn"), **row}], *KEY)


@dataclass(kw_only=True)
class Stage:
    """One task: what is answered, and what is known of functions by seeds that answer nothing."""

    gallery: Gallery
    judge: Judge

    @cached_property
    def held_out_seeds(self) -> NDArray[np.float32]:
        """(functions, learning rates, seeds, splits); NaN for those that were never trained with them."""
        measured, numbers = self.judge.measured, self.gallery.numbers
        place = {number: at for at, number in enumerate(numbers)}
        shape = (len(numbers), *measured.more.shape[1:-1])
        found = np.full(shape, np.nan, dtype=np.float32)
        scores = dict(zip(measured.best, measured.more[..., -1], strict=True)) | further(self.judge.task)
        for number, own in scores.items():
            if number in place:
                found[place[number]] = own
        return found

    @cached_property
    def is_known(self) -> NDArray[np.bool_]:
        """Which have held-out seeds."""
        known: NDArray[np.bool_] = np.isfinite(self.held_out_seeds).any(axis=(1, 2, 3))
        return known

    @cached_property
    def worth(self) -> Array:
        """Held-out means; those without held-out seeds have the mean of the table's others, on the test split."""
        others = np.array([self.judge.held_out[number] for number in self.gallery.numbers])
        apart = np.maximum(best_means(self.held_out_seeds, test=True), self.judge.floor)
        found: Array = np.where(self.is_known, apart, others)
        return found

    def answers(self, seeds: Sequence[int]) -> Array:
        """Scores with some of the table's seeds; -inf for what diverges, or is no better than chance early on."""
        measured = self.judge.measured
        scores = measured.means(seeds, test=False)
        early = measured.means(seeds, share=EARLY, test=False)
        found: Array = np.where(early > measured.chance, scores, -np.inf)[self.gallery.numbers].astype(np.float64)
        return found

    def means(self, function: int, seeds: Sequence[int], *, test: bool) -> float:
        """Of one function over some of the held-out seeds; -inf if it has none."""
        if not self.is_known[function]:
            return -math.inf
        return float(best_means(self.held_out_seeds[function][:, list(seeds)], test=test))


def further(task: str) -> dict[int, NDArray[np.float32]]:
    """Scores of what `--train` trained, (learning rates, seeds, splits), by number in the table."""
    if not MORE.exists():
        return {}
    with np.load(MORE, allow_pickle=False) as arrays:
        if f"{task}_numbers" not in arrays:
            return {}
        return dict(zip(arrays[f"{task}_numbers"].tolist(), arrays[f"{task}_scores"], strict=True))


def _train(stage: Stage, count: int) -> None:
    """Train the next best with the held-out seeds, some at a time, and keep what is there."""
    measured, table = stage.judge.measured, stage.gallery.board.table
    known = further(stage.judge.task)
    means = measured.means(test=False)
    others = set(stage.gallery.numbers).difference(measured.best)
    order = sorted((n for n in others if math.isfinite(means[n])), key=lambda n: (-float(means[n]), n))[:count]
    missing = [number for number in order if number not in known]
    with open_executor(lasting("workers", stage.judge.task), read_profile("in-process")) as executor:
        for start in range(0, len(missing), TOGETHER):
            block = missing[start : start + TOGETHER]
            functions = (table.functions[number] for number in block)
            subjects = [Subject.everywhere(function.activation, function.gain) for function in functions]
            jobs = [Job(key=str(number), subject=subject) for number, subject in zip(block, subjects, strict=True)]
            for result in executor.submit(jobs, Order(seeds=measured.more_seeds, quality=Quality(margin=-math.inf))):
                scores = np.full(measured.more.shape[1:-1], np.nan, dtype=np.float32)
                if isinstance(result.outcome, Scored):
                    for split, matrix in enumerate((result.outcome.scores.values, result.outcome.scores.test)):
                        scores[..., split] = np.array(matrix, dtype=np.float64)
                known[int(result.key)] = rounded(scores)
            _keep(stage.judge.task, known)
            print(stage.judge.task, len(known), flush=True)


def _keep(task: str, known: Mapping[int, NDArray[np.float32]]) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    if MORE.exists():
        with np.load(MORE, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    arrays[f"{task}_numbers"] = np.array(sorted(known))
    arrays[f"{task}_scores"] = np.array([known[number] for number in sorted(known)])
    save_arrays(MORE, arrays)


def _rows(stage: Stage, by: str, counts: Sequence[int], seeds: int, repeats: int) -> Iterator[dict[str, Any]]:
    found: dict[int, dict[str, list[tuple[float, ...]]]] = {count: {} for count in counts}
    for repeat in range(repeats):
        count_of_all = len(stage.judge.measured.seeds)
        asked = [(repeat + place * (count_of_all // 2)) % count_of_all for place in range(seeds)]
        answers = stage.answers([stage.judge.measured.seeds[seed] for seed in asked])
        seen = _seen(stage, by, asked, repeat, max(count for count in counts if not _is_left_out(count, repeat)))
        for count in counts:
            if not _is_left_out(count, repeat):
                for way, numbers in _played(stage, np.sort(seen[:count]), answers, repeat).items():
                    found[count].setdefault(way, []).append(numbers)
    for count, ways in found.items():
        for way, values in ways.items():
            yield {"task": stage.judge.task, "seen_by": by, "seen": count, "seeds": seeds, "way": way} | _summary(
                np.array(values), np.array(ways["score"])
            )


def _is_left_out(count: int, repeat: int) -> bool:
    return count >= 1000 and repeat >= REPEATS_OF_MANY


def _seen(stage: Stage, by: str, asked: Sequence[int], repeat: int, count: int) -> NDArray[np.int64]:
    """Functions of the gallery in the order in which they were seen."""
    if by == "random":
        return np.random.default_rng(repeat).permutation(len(stage.gallery.numbers))[:count]
    strategy = make_strategy(by, stage.gallery.board.space, SearchConfig().strategies)
    judge = Judge(board=stage.gallery.board, task=stage.judge.task)
    chosen = [stage.judge.measured.seeds[seed] for seed in asked]
    early = judge.measured.means(chosen, share=EARLY, test=False)
    answer = judge.measured.means(chosen, test=False), ~(early > judge.measured.chance)
    judge.answers = [answer] * len(judge.measured.seeds)
    size = SearchConfig().generation_after
    played = play(strategy, judge, seed=repeat, generation=size, evaluations=count, at_most=count)
    order: NDArray[np.int64] = np.searchsorted(stage.gallery.numbers, played.functions[:count])
    return order


def _played(stage: Stage, seen: NDArray[np.int64], answers: Array, repeat: int) -> dict[str, tuple[float, ...]]:
    """By way: regret of the incumbent, shares of the ten best, regret of the winner, share that cannot win."""
    scores = answers[seen]
    looks = [stage.gallery.looks[place] for place in seen]
    orders = {"score": np.argsort(-scores, kind="stable"), "expectation": _by_expectation(looks, scores)}
    noises = NOISES if stage.judge.task == "digits" else NOISES[:1]
    orders |= {f"noise {noise:g}": _by_expectation(looks, scores, noise) for noise in noises}
    places = max(min(PLACES, len(seen) // RATIO), FINALISTS + 1)
    shortlists = {way: _apart(stage, seen[order], places) for way, order in orders.items()}
    half = shortlists["score"][: places // 2]
    shortlists["halves"] = _apart(stage, np.array([*half, *seen[orders["noise 1"]]]), places)
    firsts = {way: int(seen[order[0]]) for way, order in orders.items()}
    firsts["halves"] = firsts["noise 1"]
    worth = np.where(stage.is_known, stage.worth, -np.inf)[seen]
    ten = set(seen[np.argsort(-worth, kind="stable")[:10]].tolist())
    best = int(seen[worth.argmax()])
    found: dict[str, tuple[float, ...]] = {}
    for way, shortlist in shortlists.items():
        deals = [_finals(stage, shortlist, best, ten, np.random.default_rng([repeat, d])) for d in range(DEALS)]
        in_finals, winner = np.mean(deals, axis=0)
        found[way] = (
            float(stage.worth[seen].max() - stage.worth[firsts[way]]), len(ten.intersection(shortlist)) / len(ten),
            float(in_finals), float(winner), float(np.mean(~stage.is_known[shortlist])),
        )  # fmt: skip
    return found


def _by_expectation(looks: Sequence[Look], scores: Array, noise: float = 0.0) -> NDArray[np.int64]:
    expected = expectations(looks, scores, noise)
    return np.argsort(-np.where(np.isfinite(scores), expected, -np.inf), kind="stable")


def _apart(stage: Stage, order: NDArray[np.int64], places: int) -> list[int]:
    """The first of `order`, none of them one function with another."""
    kept: list[int] = []
    for function in order.tolist():
        if len(kept) < places and not (stage.gallery.correlations[function, kept] > APART).any():
            kept.append(function)
    return kept


def _finals(
    stage: Stage, shortlist: Sequence[int], best: int, ten: set[int], draw: np.random.Generator
) -> tuple[float, float]:
    """The share of `ten` in the finals, and the regret of the winner to `best` by seeds that chose nothing."""
    order = draw.permutation(stage.held_out_seeds.shape[2]).tolist()
    short, left = order[:SHORTLIST_SEEDS], order[SHORTLIST_SEEDS:]
    choosing, judging = left[:CHOOSING_SEEDS], left[CHOOSING_SEEDS:]
    finalists = sorted(shortlist, key=lambda f: -stage.means(f, short, test=False))[:FINALISTS]
    winner = max(finalists, key=lambda f: stage.means(f, choosing, test=True))
    worth = [max(stage.means(f, judging, test=True), stage.judge.floor) for f in (best, winner)]
    return len(ten.intersection(finalists)) / len(ten), worth[0] - worth[1]


def _summary(values: Array, scored: Array) -> dict[str, float]:
    means, differences = values.mean(axis=0), values - scored
    half = 1.96 * differences.std(axis=0, ddof=1) / len(values) ** 0.5
    found: dict[str, float] = {"repeats": len(values)}
    for column, name in enumerate(("incumbent", "in_shortlist", "in_finals", "winner")):
        found[name] = float(f"{means[column]:.4g}")
        found[f"{name}_to_score"] = float(f"{differences[:, column].mean():.3g}")
        found[f"{name}_half"] = float(f"{half[column]:.2g}")
    return found | {"unknown": round(float(means[-1]), 3)}


if __name__ == "__main__":
    main()
