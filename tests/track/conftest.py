"""Real journals to make views of: searches of four generations in which everything happens that can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.outcome import Failed, Outcome, Rejected, Scored, Scores
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, SearchRecord, Step, TrialRecord
from actsearch.store.summary import Summary, summarise
from actsearch.store.tuning import TUNE

SEEDS = (11, 12, 13)
HOSTILE = "</script><script>alert('x')</script> & \"quoted\" `ticked` | piped"


def scores(mean: float) -> Scores:
    """Scores over `SEEDS` around `mean`, with a second learning rate that diverged once."""
    return Scores(
        learning_rates=(0.1, 1.0),
        seeds=SEEDS,
        values=((mean - 0.01, mean, mean + 0.01), (None, mean + 1.0, mean + 1.0)),
    )


def outcome(number: int) -> Outcome:
    """An outcome of every kind in turn; of five candidates two are scored."""
    match number % 5:
        case 0 | 1:
            mean = -1.0 + 0.01 * number
            return Scored(score=mean, scores=scores(mean), stage="train")
        case 2:
            return Rejected(stage="domain", reason="not finite at 20", measured=float("inf"))
        case 3:
            return Rejected(stage="duplicate", reason="repeats another", measured=None)
        case _:
            return Failed(stage="train", traceback="Traceback (most recent call last):\n  ...\nValueError: broken")


def candidate(number: int, size: int) -> CandidateRecord:
    """A candidate of `size` a generation whose parents are two scored ones of the generation before."""
    generation = number // size + 1
    repeated = number - 3 if number % 5 == 3 else number
    first = (generation - 2) * size
    parents = () if generation == 1 else (identity(first), identity(first + 1))
    return CandidateRecord(
        number=number,
        id=identity(repeated),
        generation=generation,
        expression=HOSTILE if number == 0 else f"x * sigmoid(beta * x) + {repeated}",
        parameters={"beta": {"initial": 1.0, "granularity": "layer"}},
        genome="{}",
        parents=parents,
        move="crossover" if parents else "sample",
    )


def identity(number: int) -> str:
    """Id of the candidate proposed as `number`."""
    return f"{number:012x}"


class Story:
    """A search told step by step into the journal under `store`."""

    def __init__(self, store: Path, size: int = 15) -> None:
        self.store = store
        self.size = size
        with Journal.open(store, create=True) as journal:
            self.search = journal.create_search({
                "version": "0.1.0", "space": "pointwise", "task": "digits", "strategy": "evolution",
                "workers": "laptop", "budget": "60c", "seed": 7,
                "settings": {"population": 16, "moves": {"crossover": 0.5}, "seed": 8, "what?": None},
            })  # fmt: skip
            journal.record_scores(self.search, "search", {"baseline:relu": scores(-0.9), "baseline:gelu": scores(-0.7)})

    def generation(self, generation: int, *, evaluated: int | None = None) -> None:
        """Propose a generation and write the first `evaluated` of its outcomes (all, if None)."""
        numbers = range((generation - 1) * self.size, generation * self.size)
        step = Step(generation=generation, state={}, seconds=float(generation))
        with Journal.open(self.store) as journal:
            journal.begin_step(self.search, step, [candidate(number, self.size) for number in numbers])
        self.outcomes(numbers[: self.size if evaluated is None else evaluated])

    def outcomes(self, numbers: range) -> None:
        """Write the outcomes of the candidates `numbers`."""
        results = {number: (outcome(number), 0.25) for number in numbers}
        with Journal.open(self.store) as journal:
            journal.record_outcomes(self.search, results, budget_seconds=numbers[-1] + 1.0 if numbers else 0.0)

    def finals(self, numbers: list[int]) -> None:
        """Write final scores of the candidates `numbers` and of the baselines."""
        rows = {"baseline:relu": scores(-0.95), "baseline:gelu": scores(-0.75)}
        with Journal.open(self.store) as journal:
            rows |= {identity(number): scores(-0.5 + 0.001 * number) for number in numbers}
            journal.record_scores(self.search, "final", rows)

    def tuning(self, subjects: dict[str, float], numbers: range) -> None:
        """Write the trials `numbers` of each subject: from a score on each is better than the last, a third stopped."""
        with Journal.open(self.store) as journal:
            for subject, score in subjects.items():
                for number in numbers:
                    ending = "stopped" if number % 3 == 2 else "complete"
                    curve = ((0.5, score - 1.0), (1.0, score + 0.01 * number))[: 1 if ending == "stopped" else 2]
                    trial = TrialRecord(
                        subject=subject, number=number, seed=11, ending=ending, curve=curve, seconds=0.5, gains={},
                        values={"learning rate": 0.1 * (number + 1), "beta": 1.5}, parameters={},
                    )  # fmt: skip
                    journal.record_trial(self.search, TUNE, trial)

    def end(self, status: str = "finished", because: str | None = "budget") -> None:
        """Write how the search ended."""
        with Journal.open(self.store) as journal:
            journal.set_status(self.search, status=status, stopped_because=because, seconds=12.5)

    def now(self) -> SearchRecord:
        """The search as the journal has it."""
        with Journal.open(self.store) as journal:
            return journal.search(self.search.name)

    def summary(self) -> Summary:
        """Its summary."""
        with Journal.open(self.store) as journal:
            return summarise(journal, journal.search(self.search.name))

    def candidates(self) -> list[CandidateRecord]:
        """Its proposals."""
        with Journal.open(self.store) as journal:
            return journal.candidates(self.search)

    def whole(self) -> Story:
        """All four generations, the finals of the best four, and the end."""
        for generation in range(1, 5):
            self.generation(generation)
        self.finals([56, 55, 51, 50])
        self.end()
        return self


@pytest.fixture(scope="session")
def tell() -> Callable[..., Story]:
    """Maker of stories."""
    return Story
