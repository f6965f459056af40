from __future__ import annotations

import random

import pytest
import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.task import load_task
from actsearch.evaluate.trainer.perceptron import lessons_of
from actsearch.grammar.activation import Candidate, parse
from actsearch.grammar.space import open_space
from actsearch.search.strategies.entropy import Entropy, EntropySettings, preactivation_moments
from actsearch.search.strategy import Archive, Told


@pytest.fixture(scope="module")
def space():
    return open_space("entropy")


def plain(space, name):
    """The genome of one function of x without a correction."""
    return space.decode(f'["plain",[["single",[["{name}",[["x",[],[]]],[]]],[]]],[]]')


def scored(space, names):
    """An archive of functions, better ones first."""
    archive = Archive()
    genomes = [plain(space, name) for name in names]
    archive.proposed(genome.encode() for genome in genomes)
    told = [
        Told(id=space.candidate(genome).id, genome=genome, score=-float(place), stage="train")
        for place, genome in enumerate(genomes)
    ]
    archive.tell(told)
    return archive


def test_it_asks_for_crrelu_where_relu_is_best(space):
    archive = scored(space, ["relu", "sin"])
    strategy = Entropy(space, EntropySettings())
    _, proposals = strategy.ask(strategy.start(0), 8, archive)
    first = space.candidate(proposals[0].genome).activation
    crrelu = parse("relu(x) + eps * x * exp(-x**2 / 2)", eps=first.parameters[0])
    assert (proposals[0].move, proposals[0].parents) == ("correct", (archive.told[0].id,))
    assert first.with_granularity("layer").id == crrelu.with_granularity("layer").id
    assert first.parameters[0].initial == 0.01


def test_half_of_a_generation_has_no_correction(space):
    archive = scored(space, ["relu", "sin", "tanh", "gelu", "silu", "elu"])
    strategy = Entropy(space, EntropySettings())
    _, proposals = strategy.ask(strategy.start(0), 12, archive)
    moves = [proposal.move for proposal in proposals]
    assert moves.count("sample") == 6
    texts = [space.candidate(p.genome).text for p in proposals if p.move == "sample"]
    assert not [text for text in texts if "eps" in text]


def test_measured_corrections_begin_at_the_moments_of_the_preactivations(space):
    archive = scored(space, ["relu"])
    digits = load_task("digits")
    strategy = Entropy(space, EntropySettings(steps=20), digits)
    state, proposals = strategy.ask(strategy.start(0), 8, archive)
    (measured,) = [proposal for proposal in proposals if proposal.move == "measure"]
    initial = {spec.name: spec.initial for spec in space.candidate(measured.genome).activation.parameters}
    mean, deviation = preactivation_moments(
        space.candidate(archive.told[0].genome), lessons_of(digits, "a test")[0], 20
    )
    assert (initial["m"], initial["s"]) == (mean, deviation)
    assert (mean, deviation) != (0.0, 1.0)
    # The same function is not measured again.
    archive.proposed(proposal.genome.encode() for proposal in proposals)
    _, again = strategy.ask(state, 8, archive)
    assert "measure" not in [proposal.move for proposal in again]


def test_moments_are_those_of_the_data_where_the_network_passes_them_on():
    lesson = lessons_of(load_task("digits"), "a test")[0]
    before = torch.get_rng_state()
    mean, deviation = preactivation_moments(Candidate.everywhere(parse("x")), lesson, 0)
    assert torch.equal(torch.get_rng_state(), before)
    # Inputs have unit variance, and weights keep it.
    assert abs(mean) < 0.1
    assert 0.8 < deviation < 1.2


def test_evolution_has_the_correction_as_a_move(space):
    genome, generator = plain(space, "gelu"), random.Random(0)
    moved = [space.moves["point"](genome, generator) for _ in range(100)]
    names = {child.production.name for child in moved if child is not None and child.children == genome.children}
    assert names >= {"corrected", "measured"}


@pytest.mark.parametrize("name", ["swish", "evonorm"])
def test_a_space_without_corrections_is_refused(name):
    with pytest.raises(UnsupportedError, match=f"no rule of the space '{name}' has entropy_correction"):
        Entropy(open_space(name), EntropySettings())


def test_a_task_without_lessons_is_refused(space):
    with pytest.raises(UnsupportedError, match=r"digits, tabular and periodic do"):
        Entropy(space, EntropySettings(), load_task("pruned"))
