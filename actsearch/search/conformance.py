"""What a strategy is held to: `actsearch strategies NAME --check`, on any space.

It plays against scores that are made up from the candidate alone, so that it takes seconds: some candidates are
rejected, some fail, and what is left has a score. Nothing is said here of how good the strategy is.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from actsearch.grammar.space import Space
from actsearch.search.strategy import Archive, Proposal, State, Strategy, Told

_GENERATIONS, _COUNT = 5, 12
Make = Callable[[], Strategy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One point, and in one sentence how the strategy fails it; None if it holds."""

    point: str
    trouble: str | None


def check(make: Make, space: Space) -> Iterator[Finding]:
    """Findings about the strategy that `make` makes anew for `space`, as they are made."""
    game = play(make, space)
    outside = _outside(game, space)
    yield Finding(point="stays in the space", trouble=outside)
    if outside:
        return
    yield Finding(point="gives what is asked for", trouble=_counts(game))
    yield Finding(point="asks nothing twice", trouble=_repeated(game))
    yield Finding(point="a seed says everything", trouble=_differs(game, play(make, space)))
    yield Finding(point="knows no other randomness", trouble=_moves_global_random(make, space, game))
    yield Finding(point="keeps nothing but its state", trouble=_differs(game, play(make, space, anew=True)))
    yield Finding(point="a state is a value", trouble=_changes_its_state(make, space))
    yield Finding(point="takes rejections and failures", trouble=_gives_up(make, space))
    yield Finding(point="takes results in any order", trouble=_heeds_order(make, space))


@dataclass(slots=True)
class Game:
    """Some generations of ask and tell."""

    state: State
    asked: list[list[Proposal]] = field(default_factory=list)
    archive: Archive = field(default_factory=Archive)
    repeated: Proposal | None = None
    """One that was known already, or came twice."""

    def ask(self, strategy: Strategy, count: int) -> list[Proposal]:
        """Ask, by way of JSON as in a journal, and take note."""
        self.state, proposals = strategy.ask(_journalled(self.state), count, self.archive)
        codes: set[str] = set()
        for proposal in proposals:
            code = proposal.genome.encode()
            if code in codes or self.archive.knows(proposal.genome):
                self.repeated = self.repeated or proposal
            codes.add(code)
        self.archive.proposed(codes)
        self.asked.append(proposals)
        return proposals

    def tell(self, strategy: Strategy, results: Sequence[Told]) -> None:
        """Tell, by way of JSON."""
        self.archive.tell(results)
        self.state = strategy.tell(_journalled(self.state), results)


def play(
    make: Make, space: Space, *, seed: int = 0, anew: bool = False, judge: Callable[[Told], Told] = lambda told: told
) -> Game:
    """A game on made-up scores; `anew` with another object for every ask and tell."""
    strategy = make()
    game = Game(state=strategy.start(seed))
    for _ in range(_GENERATIONS):
        # A generation may take several asks, until enough candidates have got through the funnel.
        proposals = [each for count in (_COUNT, 3) for each in game.ask(make() if anew else strategy, count)]
        if not all(space.contains(proposal.genome) for proposal in proposals):
            break
        game.tell(make() if anew else strategy, [judge(result) for result in made_up(space, proposals)])
    return game


def made_up(space: Space, proposals: Sequence[Proposal]) -> list[Told]:
    """Results that depend on the candidate alone: a fifth are rejected or fail."""
    results = []
    for proposal in proposals:
        candidate = space.candidate(proposal.genome)
        draw = int(hashlib.sha256(candidate.text.encode()).hexdigest()[:8], 16)
        score = None if draw % 5 == 0 else -abs(len(candidate.text) - 30) / 10 + draw / 2**40
        stage = "train" if score is not None else ("domain", "train")[draw % 2]
        objectives = {} if score is None else {"cost": float(len(candidate.text)), "quality": score}
        results.append(Told(id=candidate.id, genome=proposal.genome, score=score, stage=stage, objectives=objectives))
    return results


def _journalled(state: State) -> State:
    read: State = json.loads(json.dumps(state, allow_nan=False))
    return read


def _outside(game: Game, space: Space) -> str | None:
    for proposal in itertools.chain.from_iterable(game.asked):
        if not space.contains(proposal.genome):
            return f"it asked for {proposal.genome.encode()[:80]}, which is no genome of {space.name}"
    return None


def _counts(game: Game) -> str | None:
    if not game.asked[0]:
        return "it asked for nothing"
    wanted = itertools.cycle((_COUNT, 3))
    for proposals, count in zip(game.asked, wanted, strict=False):
        if len(proposals) > count:
            return f"it gave {len(proposals)} proposals where {count} were asked for"
    return None


def _repeated(game: Game) -> str | None:
    found = game.repeated
    return None if found is None else f"it asked for {found.genome.encode()[:80]} again"


def _differs(first: Game, second: Game) -> str | None:
    if first.asked != second.asked:
        return "the same game went another way"
    return None if first.state == second.state else "the same game ended in another state"


def _moves_global_random(make: Make, space: Space, game: Game) -> str | None:
    kept = random.getstate()
    try:
        random.seed(97)
        before = random.getstate()
        again = play(make, space)
        if random.getstate() != before:
            return "it draws from Python's own generator and does not put that back"
    finally:
        random.setstate(kept)
    return "it depends on the state of Python's own generator" if _differs(game, again) else None


def _changes_its_state(make: Make, space: Space) -> str | None:
    strategy = make()
    game = play(make, space)
    kept = json.dumps(game.state)
    proposals = strategy.ask(game.state, _COUNT, game.archive)[1]
    if json.dumps(game.state) != kept:
        return "ask changes the state that it is given"
    strategy.tell(game.state, made_up(space, proposals))
    return "tell changes the state that it is given" if json.dumps(game.state) != kept else None


def _gives_up(make: Make, space: Space) -> str | None:
    def fallen(told: Told) -> Told:
        return Told(id=told.id, genome=told.genome, score=None, stage=("domain", "train")[len(told.id) % 2])

    game = play(make, space, judge=fallen)
    size = space.size()
    asked = sum(map(len, game.asked))
    if asked < _GENERATIONS * _COUNT and not (size.exact and size.count <= asked):
        return f"it stopped after {asked} proposals that were all rejected or failed"
    return _outside(game, space)


def _heeds_order(make: Make, space: Space) -> str | None:
    strategy = make()
    game = Game(state=strategy.start(0))
    for _ in range(_GENERATIONS):
        proposals = game.ask(strategy, _COUNT)
        game.tell(strategy, made_up(space, proposals)[::-1])
    return _outside(game, space) or _repeated(game)
