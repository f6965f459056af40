"""Entropy: correct the best functions by what raises the entropy of their output most.

Sun et al. (2024), A Method on Searching Better Activation Functions (EAFO), arXiv:2405.12954; the correction itself is
`actsearch.grammar.entropy`, and a space has it where its rules say `entropy_correction(f, m, s)`. Where m and s are
numbers it is static. Where they are parameters they begin as the mean and the deviation of the pre-activations of a
small network that is trained with the function, and are trained on from there. Changed against the paper: it corrects
many functions, not one, and the measured density is the normal one of the same moments.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import Task, subject_of
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.perceptron import Perceptron, lessons_of, one_thread
from actsearch.evaluate.trainer.recipe import Lesson
from actsearch.grammar.activation import Candidate
from actsearch.grammar.expression import Apply, Parameter, walk
from actsearch.grammar.space import Space
from actsearch.grammar.space.derivation import Derivation, Path
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.rules import RuleSpace
from actsearch.search.strategy import Archive, Novel, Proposal, State, Told, load_random, save_random

_COMBINATOR = "entropy_correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropySettings:
    """Constants of the strategy."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "fresh": (0.01, 1), "parents": (1, 10_000), "measured": (0, 10_000), "steps": (0, 1_000_000),
    }  # fmt: skip

    fresh: float = 0.5
    """Share of each generation that are functions without a correction."""
    parents: int = 64
    """How many of the best are corrected."""
    measured: int = 4
    """How many networks are trained for their pre-activations in a generation, at most."""
    steps: int = 50
    """How long each of them is trained."""


class Entropy:
    """Adds to the best functions the correction that raises their output's entropy."""

    def __init__(self, space: Space, settings: EntropySettings, task: Task | None = None) -> None:
        self._corrections = _corrections(space) if isinstance(space, RuleSpace) else {}
        if not isinstance(space, RuleSpace) or not self._corrections:
            raise UnsupportedError(
                f"the entropy strategy corrects functions, and no rule of the space {space.name!r} has {_COMBINATOR}:"
                " search the space entropy, or give one of your own such a rule."
            )
        self._space = space
        self.settings = settings
        self._lesson: Lesson | None = None
        if task is not None and any(correction.moments for correction in self._corrections.values()):
            self._lesson = lessons_of(task, "entropy measures pre-activations: it")[0]

    def start(self, seed: int) -> State:
        """The state before the first ask."""
        return {"random": save_random(random.Random(seed)), "measured": []}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Corrections of the best, and functions without one; samples where there are no more of these."""
        generator = load_random(state["random"])
        novel = Novel(archive)
        best = heapq.nlargest(self.settings.parents, archive.scored, key=lambda told: told.score or 0.0)
        # Who has left the best does not come back.
        measured = [told.id for told in best if told.id in state["measured"]]
        self._correct(best, measured, novel, count - max(round(count * self.settings.fresh), 1), generator)
        for _ in range(2 * count):
            if len(novel) < count and (genome := self._plain(generator)) is not None:
                novel.takes(Proposal(genome=genome, parents=(), move="sample"))
        novel.fill(lambda: Proposal(genome=self._space.sample(generator), parents=(), move="sample"), count)
        return {"random": save_random(generator), "measured": measured}, novel.proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state: the archive says which are the best."""
        del results
        return state

    def _plain(self, generator: random.Random) -> Derivation | None:
        """A sample without corrections, where the rules have a way without."""

        def choose(fitting: Sequence[Production]) -> Production:
            without = [p for p in fitting if (p.symbol, p.name) not in self._corrections] or list(fitting)
            return generator.choices(without, [p.weight for p in without])[0]

        return self._space.derive(choose, generator)

    def _correct(
        self, best: Sequence[Told], measured: list[str], novel: Novel, wanted: int, generator: random.Random
    ) -> None:
        """Gather corrections until there are `wanted`, those of better functions first; note in `measured` of whom."""
        networks = self.settings.measured
        for told in best:
            sites = list(self._sites(told.genome))
            static = [site for site in sites if not site[2].moments]
            if len(novel) + len(static) > wanted:
                return
            self._take(told, static, novel, generator)
            moving = [site for site in sites if site[2].moments]
            if moving and networks and told.id not in measured and len(novel) + len(moving) <= wanted:
                networks -= 1
                measured.append(told.id)
                self._take(told, moving, novel, generator, self._moments(told.genome))

    def _sites(self, genome: Any) -> Iterator[_Site]:
        """Where `genome` has no correction and could have one that takes the same parts."""
        for path, node in genome.nodes():
            if (node.symbol, node.production.name) not in self._corrections:
                parts = [child.symbol for child in node.children]
                for correction in self._corrections.values():
                    own = correction.production
                    if own.symbol == node.symbol and [symbol for _, symbol in own.holes] == parts:
                        yield path, node, correction

    def _take(
        self, told: Told, sites: Sequence[_Site], novel: Novel, generator: random.Random, moments: Sequence[float] = ()
    ) -> None:
        for path, node, correction in sites:
            corrected = correction.instead_of(node, generator, moments)
            genome = told.genome.replaced(path, corrected)  # type: ignore[attr-defined]
            if self._space.contains(genome):
                move = "measure" if moments else "correct"
                novel.takes(Proposal(genome=genome, parents=(told.id,), move=move))

    def _moments(self, genome: Any) -> tuple[float, float]:
        """Mean and deviation of the pre-activations of a network with the function; standard normal without a task."""
        if self._lesson is None:
            return 0.0, 1.0
        return preactivation_moments(self._space.candidate(genome), self._lesson, self.settings.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correction:
    """A production that corrects, and the names of its parameters for mean and deviation; none if these are fixed."""

    production: Production
    moments: tuple[str, ...]

    def instead_of(self, node: Derivation, generator: random.Random, moments: Sequence[float] = ()) -> Derivation:
        """This production with the parts of `node`, its moments starting at those that are given."""
        start = dict(zip(self.moments, moments, strict=True)) if moments else {}
        specs = generator.choice(self.production.alternatives)
        own = tuple(replace(spec, initial=start.get(spec.name, spec.initial)) for spec in specs)
        return Derivation(production=self.production, children=node.children, parameters=own)


_Site = tuple[Path, Derivation, _Correction]
"""Where in a genome, what stands there, and what may stand there instead."""


def _corrections(space: RuleSpace) -> dict[tuple[str, str], _Correction]:
    """The corrections that the rules have, by symbol and name of the production."""
    found = {}
    for production in space.all_productions():
        for node in walk(production.template):
            if isinstance(node, Apply) and node.operator == _COMBINATOR:
                moments = [part.name for part in node.arguments[1:] if isinstance(part, Parameter)]
                names = tuple(moments) if len(moments) == len(node.arguments) - 1 else ()
                found[production.symbol, production.name] = _Correction(production=production, moments=names)
    return found


def preactivation_moments(candidate: Candidate, lesson: Lesson, steps: int) -> tuple[float, float]:
    """Mean and standard deviation, two decimals, of what the function gets in a network, over all hidden layers.

    The network has been trained for `steps` of the lesson's steps at the middle learning rate, on the data of seed 0;
    what it gets there are the validation data. Standard normal if the training diverged.
    """
    recipe = lesson.recipe
    course = Course.of(lesson.split(0), recipe, 0)
    make = subject_of(candidate).module
    model = Perceptron(recipe, course, [make(width, channel_dim=-1) for width in recipe.widths[1:-1]])
    rates = sorted(recipe.learning_rates)
    with one_thread():
        model.descend(course, min(steps, recipe.steps), rates[len(rates) // 2])
        with torch.no_grad():
            hidden = model.preactivations(course.split.validation_inputs)[:-1]
        deviation, mean = torch.std_mean(torch.cat([layer.flatten() for layer in hidden]).double())
    found = round(mean.item(), 2), round(deviation.item(), 2)
    return found if all(map(math.isfinite, found)) and found[1] > 0 else (0.0, 1.0)
