"""A search played on a table: proposals go through the real funnel, and an evaluation is a look-up.

A function is known by its fingerprint, whatever genome says it. An evaluation answers with one seed, at the learning
rate whose validation score is best with that seed; other seeds and the test split judge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from actsearch.analysis import catalog
from actsearch.analysis.fingerprint import fingerprint
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.protocols.quality import STAGE as QUALITY
from actsearch.evaluate.table import Measured, Table
from actsearch.evaluate.task import load_task
from actsearch.grammar.space import Genome, Space, read_space
from actsearch.outcome import Rejected
from actsearch.plugins import find
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import DUPLICATE, Funnel
from actsearch.search.strategy import Archive, Proposal, Strategy, Told

_MOST_PROPOSALS = 200
"""For each place in a generation, as in a search."""
EARLY = 0.1
"""Share of the training after which `quality` looks."""


class Verdict(NamedTuple):
    """What the funnel says of a genome that comes first."""

    id: str
    stage: str | None
    """Of its rejection."""
    function: int | None
    """Its number in the table; None if rejected."""


@dataclass(kw_only=True)
class Board:
    """A table with its space; verdicts are kept, because all searches ask about the same genomes."""

    table: Table
    space: Space
    config: SearchConfig = field(default_factory=SearchConfig)
    _verdicts: dict[str, Verdict] = field(default_factory=dict)

    @classmethod
    def of_actbench(cls) -> Self:
        """The table and the space `actbench`."""
        table = Table.open(Path(__file__).with_name("actbench.npz"))
        return cls(table=table, space=read_space(find("search_spaces", "actbench")))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Number of a function in the table, by its fingerprint."""
        return {fingerprint(probe_of(f.activation)): number for number, f in enumerate(self.table.functions)}

    @cached_property
    def reachable(self) -> frozenset[int]:
        """Functions that the funnel lets through."""
        found = (self.verdict(genome).function for genome in self.space.enumerate())
        return frozenset(number for number in found if number is not None)

    def verdict(self, genome: Genome) -> Verdict:
        """What becomes of `genome` before training; raises KeyError for a function that is not in the table."""
        code = genome.encode()
        found = self._verdicts.get(code)
        if found is None:
            proposal = Proposal(genome=genome, parents=(), move="look")
            (record,) = Funnel(space=self.space, config=self.config).pass_together([proposal], first=0, generation=0)
            if isinstance(record.outcome, Rejected):
                found = Verdict(record.id, record.outcome.stage, None)
            else:
                found = Verdict(record.id, None, self.numbers[record.fingerprint or ""])
            self._verdicts[code] = found
        return found


@dataclass(kw_only=True)
class Judge:
    """What one task says of the functions that can be reached."""

    board: Board
    task: str

    @property
    def measured(self) -> Measured:
        """Its part of the table."""
        return self.board.table.tasks[self.task]

    @cached_property
    def held_out(self) -> dict[int, float]:
        """Score of each function on the test split, with the held-out seeds where it was trained with them.

        Others are brought to the level of these seeds by what the former have with both (median of the differences).
        None is below `floor`: how much worse than chance a bad function is does not matter.
        """
        scores = self.measured.means(test=True).astype(float)
        best = list(self.measured.best)
        scores += np.median(self.measured.held_out - scores[best])
        scores[best] = self.measured.held_out
        return {number: max(float(scores[number]), self.floor) for number in self.board.reachable}

    @cached_property
    def floor(self) -> float:
        """Chance, or where a task has none, what half of the functions surpass."""
        if math.isfinite(self.measured.chance):
            return self.measured.chance
        return float(np.median(self.measured.means(test=True)[sorted(self.board.reachable)]))

    @cached_property
    def best_ten(self) -> tuple[int, ...]:
        """By held-out means among those that were trained with the held-out seeds, best first."""
        known = [number for number in self.measured.best if number in self.board.reachable]
        return tuple(sorted(known, key=lambda number: -self.held_out[number])[:10])

    def out_of_reach(self) -> int:
        """How many of the ten best of the whole table the funnel rejects."""
        order = np.argsort(-self.measured.held_out, kind="stable")[:10]
        return sum(self.measured.best[place] not in self.board.reachable for place in order)

    @cached_property
    def answers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each seed: scores of all functions (-inf: diverged), and whether `quality` rejects them."""
        found = []
        for seed in self.measured.seeds:
            early = self.measured.means([seed], share=EARLY, test=False)
            found.append((self.measured.means([seed], test=False), ~(early > self.measured.chance)))
        return found

    @cached_property
    def levels(self) -> list[float]:
        """What the task's baselines score with each seed, the mean of those that are in the table."""
        activations = (catalog.look_up(name).activation for name in load_task(self.task).baselines)
        prints = (fingerprint(probe_of(activation)) for activation in activations)
        known = [self.board.numbers[found] for found in prints if found in self.board.numbers]
        return [float(scores[known].mean()) for scores, _ in self.answers]

    def told(self, genome: Genome, name: str, function: int, seed: int, level: float = 0.0) -> Told:
        """The result of training a function with the table's seed number `seed`, for a candidate of this name.

        `level` is taken from its score.
        """
        scores, hopeless = self.answers[seed]
        if hopeless[function]:
            return Told(id=name, genome=genome, score=None, stage=QUALITY)
        score = float(scores[function]) - level
        return Told(id=name, genome=genome, score=score if math.isfinite(score) else None, stage="train")


@dataclass(kw_only=True)
class Played:
    """A search that was played."""

    functions: list[int]
    """In order of evaluation."""
    scores: list[float]
    """What was answered, -inf for what has none; with `turns`, less the level of the seed."""
    regret: list[float]
    """Held-out score of the best function minus that of the incumbent, the best by its queried score, after each."""
    found_at: float
    """Evaluations until one of the best ten; infinite if none was found."""
    seconds: float
    """Of the processor, in ask and tell."""
    proposals: int


def play(
    strategy: Strategy, judge: Judge, *, seed: int, generation: Callable[[int], int], evaluations: int, at_most: int,
    turns: int = 1,
) -> Played:  # fmt: skip
    """One search of `evaluations`, and on until a best function is found or there were `at_most`.

    With `turns` generations take turns on so many of the table's seeds, and the seed's level is taken from scores.
    """
    board, generations = judge.board, 0
    state, archive, seen = strategy.start(seed), Archive(), set[object]()
    functions: list[int] = []
    scores: list[float] = []
    seconds, proposed = 0.0, 0
    best = set(judge.best_ten)
    while len(functions) < (evaluations if best & set(functions) else at_most):
        asked: list[tuple[Proposal, Verdict | None]] = []
        waiting, wanted = 0, generation(len(functions))
        while waiting < wanted and len(asked) < _MOST_PROPOSALS * wanted:
            started = time.process_time()
            state, proposals = strategy.ask(state, wanted - waiting, archive)
            seconds += time.process_time() - started
            if not proposals:
                break
            archive.proposed(proposal.genome.encode() for proposal in proposals)
            for proposal in proposals:
                verdict = board.verdict(proposal.genome)
                key = verdict.id if verdict.function is None else verdict.function
                is_new = key not in seen
                seen.add(key)
                asked.append((proposal, verdict if is_new else None))
                waiting += is_new and verdict.function is not None
        if not asked:
            break
        query = (seed + generations % turns) % len(judge.measured.seeds)
        level = judge.levels[query] if turns > 1 else 0.0
        generations += 1
        results = [_result(judge, proposal, verdict, query, level) for proposal, verdict in asked]
        for result, (_, verdict) in zip(results, asked, strict=True):
            if verdict is not None and verdict.function is not None:
                functions.append(verdict.function)
                scores.append(-math.inf if result.score is None else result.score)
        archive.tell(results)
        started = time.process_time()
        state = strategy.tell(state, results)
        seconds += time.process_time() - started
        proposed += len(asked)
    found_at = next((float(place) for place, number in enumerate(functions, 1) if number in best), math.inf)
    return Played(
        functions=functions, scores=scores, regret=_regret(judge, functions, scores), found_at=found_at,
        seconds=seconds, proposals=proposed,
    )  # fmt: skip


def _result(judge: Judge, proposal: Proposal, verdict: Verdict | None, query: int, level: float) -> Told:
    if verdict is None:
        repeated = judge.board.verdict(proposal.genome)
        return Told(id=repeated.id, genome=proposal.genome, score=None, stage=DUPLICATE)
    if verdict.function is None:
        return Told(id=verdict.id, genome=proposal.genome, score=None, stage=verdict.stage or "")
    return judge.told(proposal.genome, verdict.id, verdict.function, query, level)


def _regret(judge: Judge, functions: Sequence[int], scores: Sequence[float]) -> list[float]:
    top, incumbent, best = judge.held_out[judge.best_ten[0]], -math.inf, judge.floor
    regret = []
    for number, score in zip(functions, scores, strict=True):
        if score > incumbent:
            incumbent, best = score, judge.held_out[number]
        regret.append(top - best)
    return regret
