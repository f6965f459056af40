from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from deap import algorithms, base, tools

from actsearch.compile.cost import kernel_cost
from actsearch.errors import ActsearchError, ConfigError
from actsearch.grammar.space import read_space
from actsearch.search.config import SearchConfig
from actsearch.search.strategies.evolution import seeded_global_random
from actsearch.search.strategies.pareto import Pareto, ParetoSettings
from actsearch.search.strategy import Archive, Told

LEVELS, VARIABLES = 21, 6


def area(points) -> float:
    """What points of two objectives dominate, both being small, of the rectangle up to (1.1, 10.1)."""
    covered, lowest = 0.0, 10.1
    for first, second in sorted(points):
        covered += max(lowest - second, 0.0) * (1.1 - first)
        lowest = min(lowest, second)
    return covered


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A space whose genomes are the points of a grid: a production for each level, a hole for each variable."""
    path: Path = tmp_path_factory.mktemp("space") / "grid.yaml"
    holes = " + ".join(f"level_{number + 1}" for number in range(VARIABLES))
    levels = "\n".join(f'    l{level}: "{level + 1} * x"' for level in range(LEVELS))
    path.write_text(
        f"title: a grid\npaper: none\nstart: point\nrules:\n  point:\n    all: {holes}\n  level:\n{levels}\n"
    )
    return read_space(path)


def zdt1(genome) -> tuple[float, float]:
    """Zitzler, Deb, Thiele (2000), Evolutionary Computation 8(2): both are to be small."""
    first, *others = (int(child.production.name[1:]) / (LEVELS - 1) for child in genome.children)
    g = 1 + 9 * sum(others) / len(others)
    return first, g * (1 - math.sqrt(first / g))


def told_of(genome) -> Told:
    first, second = zdt1(genome)
    return Told(id=genome.encode(), genome=genome, score=-first, objectives={"cost": first, "saved": second})


class Small(base.Fitness):
    weights = (-1.0, -1.0)


class Point:
    def __init__(self, genome) -> None:
        self.genome = genome
        self.fitness = Small(zdt1(genome))


SETTINGS = ParetoSettings(objectives="cost,saved", population=20, fresh=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_the_survivors_are_those_of_deap(grid, seed):
    generator = random.Random(seed)
    points = list({genome.encode(): genome for genome in (grid.sample(generator) for _ in range(90))}.values())
    strategy = Pareto(grid, SETTINGS)
    state = strategy.start(0)
    survivors = [Point(genome) for genome in points[:30]]
    survivors = tools.selNSGA2(survivors, 20)
    state = strategy.tell(state, [told_of(genome) for genome in points[:30]])
    for first in (30, 60):
        later = points[first : first + 30]
        survivors = tools.selNSGA2(survivors + [Point(genome) for genome in later], 20)
        state = strategy.tell(state, [told_of(genome) for genome in later])
        assert [member["id"] for member in state["population"]] == [point.genome.encode() for point in survivors]


def deaps_front(grid, *, generations: int, seed: int) -> list[tuple[float, float]]:
    """The front of NSGA-II as DEAP's own example runs it, with the moves of the space."""
    generator = random.Random(seed)
    toolbox = base.Toolbox()

    def mutate(point: Point) -> tuple[Point]:
        moved = grid.moves[generator.choice(list(grid.moves))](point.genome, generator)
        return (point if moved is None else Point(moved),)

    def mate(first: Point, second: Point) -> tuple[Point, Point]:
        crossed = grid.crossover(first.genome, second.genome, generator)
        return (first, second) if crossed is None else (Point(crossed[0]), Point(crossed[1]))

    toolbox.register("mutate", mutate)
    toolbox.register("mate", mate)
    with seeded_global_random(seed):
        population = tools.selNSGA2([Point(grid.sample(generator)) for _ in range(20)], 20)
        for _ in range(generations):
            parents = tools.selTournamentDCD(population, 20)
            children = algorithms.varOr(parents, toolbox, 20, cxpb=0.3, mutpb=0.7)
            population = tools.selNSGA2(population + [Point(child.genome) for child in children], 20)
    return [point.fitness.values for point in tools.sortNondominated(population, 20, first_front_only=True)[0]]


def our_front(grid, *, generations: int, seed: int) -> list[tuple[float, float]]:
    strategy, archive = Pareto(grid, SETTINGS), Archive()
    state = strategy.start(seed)
    for _ in range(generations + 1):
        state, proposals = strategy.ask(state, 20, archive)
        results = [told_of(proposal.genome) for proposal in proposals]
        archive.proposed(told.id for told in results)
        archive.tell(results)
        state = strategy.tell(state, results)
    points = [Point(grid.decode(member["genome"])) for member in state["population"]]
    return [point.fitness.values for point in tools.sortNondominated(points, 20, first_front_only=True)[0]]


def test_its_front_is_as_good_as_that_of_deaps_own_run(grid):
    ours, deaps, drawn = [], [], []
    for seed in range(3):
        ours.append(area(our_front(grid, generations=25, seed=seed)))
        deaps.append(area(deaps_front(grid, generations=25, seed=seed)))
        generator = random.Random(seed)
        drawn.append(area([zdt1(grid.sample(generator)) for _ in range(20 * 26)]))
    assert sum(ours) >= 0.99 * sum(deaps)
    assert min(ours) > max(drawn)


def test_tasks_are_objectives(grid):
    strategy = Pareto(grid, ParetoSettings(objectives="quality:a,quality:b", population=4))
    generator = random.Random(0)
    scores = [(1.0, 0.0), (0.0, 1.0), (0.6, 0.6), (0.5, 0.5), (0.1, 0.1), (0.7, 0.2)]
    results = [
        Told(id=str(n), genome=grid.sample(generator), score=a, objectives={"quality:a": a, "quality:b": b})
        for n, (a, b) in enumerate(scores)
    ]
    state = strategy.tell(strategy.start(0), results)
    assert {member["id"] for member in state["population"]} == {"0", "1", "2", "5"}


def test_quality_and_cost_are_known_without_being_measured(swish):
    strategy = Pareto(swish, ParetoSettings(population=4))
    genome = swish.sample(random.Random(1))
    told = Told(id="a", genome=genome, score=0.25)
    (member,) = strategy.tell(strategy.start(0), [told])["population"]
    assert member["values"] == [0.25, kernel_cost(swish.activation(genome)).weighted]
    cheaper = Told(id="b", genome=swish.sample(random.Random(2)), score=0.25, objectives={"cost": 1.0})
    first, second = strategy.tell(strategy.start(0), [told, cheaper])["population"]
    assert (first["id"], second["id"]) == ("b", "a"), "of two as good the cheaper one stands on the first front"


def test_what_lacks_an_objective_is_no_member(swish):
    strategy = Pareto(swish, ParetoSettings(objectives="quality,sparsity"))
    genome = swish.sample(random.Random(1))
    results = [
        Told(id="a", genome=genome, score=0.25, objectives={"sparsity": 0.5}),
        Told(id="b", genome=genome, score=0.25, objectives={"noise": 1.0}),
        Told(id="c", genome=genome, score=None, objectives={"sparsity": 0.5}),
    ]
    (member,) = strategy.tell(strategy.start(0), results)["population"]
    assert (member["id"], member["values"]) == ("a", [0.25, 0.5])


@pytest.mark.parametrize(
    ("objectives", "said"),
    [("", "names nothing"), ("quality,", "unknown objective"), ("cost,cost", "one twice"), ("costs", "did you mean")],
)
def test_objectives_that_are_no_list_are_a_sentence(objectives, said, swish):
    with pytest.raises(ActsearchError, match=said):
        Pareto(swish, SearchConfig.of({"pareto.objectives": objectives}).strategies["pareto"])


def test_a_search_that_does_not_measure_what_is_weighed_does_not_begin(search):
    with pytest.raises(ConfigError, match="weighs sparsity, which the search does not measure: add `--objective spars"):
        search(strategy="pareto", settings={"pareto.objectives": "quality,sparsity"})
