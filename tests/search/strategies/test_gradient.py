from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.trainer import Recipe, Split, SquaredError
from actsearch.evaluate.trainer.recipe import Lesson
from actsearch.grammar.activation import parse
from actsearch.grammar.space import open_space, read_space
from actsearch.search.strategies.gradient import Gradient, GradientSettings
from actsearch.search.strategies.gradient.mixture import Mixture, weigh
from actsearch.search.strategy import Archive, Told

FUNCTIONS = {"relu": "relu(x)", "sine": "sin(2 * x)", "tanh": "tanh(x)", "square": "x**2", "bell": "exp(-x**2)"}
RECIPE = Recipe(
    widths=(16, 32, 1), steps=200, batch=64, learning_rates=(3e-3, 1e-2, 3e-2), chance=-2.0, objective=SquaredError()
)


def planted(text: str, seed: int) -> Split:
    """What a network with the function at its hidden layer says of random inputs, scaled to unit variance."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(1600, 16, generator=generator)
    first = torch.randn(16, 32, generator=generator) / 4
    last = torch.randn(32, 1, generator=generator)
    with torch.no_grad():
        labels = parse(text).module()(inputs @ first) @ last
    labels = (labels - labels.mean()) / labels.std()
    return Split(
        train_inputs=inputs[:1400], train_labels=labels[:1400],
        validation_inputs=inputs[1400:], validation_labels=labels[1400:],
    )  # fmt: skip


class Planted(StackedTask):
    """Regression on data that a known function made."""

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def lessons(self) -> list[Lesson]:
        return [Lesson(split=partial(planted, self._text), recipe=RECIPE)]


@pytest.mark.parametrize("name", ["sine", "square", "bell"])
def test_the_function_that_made_the_data_weighs_most(name, write_space):
    space = read_space(Path(write_space(FUNCTIONS)))
    strategy = Gradient(space, GradientSettings(share=1.0), Planted(FUNCTIONS[name]))
    _, proposals = strategy.ask(strategy.start(0), 5, Archive())
    found = [space.candidate(proposal.genome).activation.id for proposal in proposals]
    assert found[0] == parse(FUNCTIONS[name]).without_factor().id
    assert len(found) == 5


def test_a_mixture_is_the_weighted_sum():
    subjects = [subject_of(parse(text)) for text in ("relu(x)", "sin(x)", "x * sigmoid(beta * x)")]
    mixture = Mixture([s.activation for s in subjects], [s.gain for s in subjects])
    x = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mixture.logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
        weights = torch.softmax(mixture.logits, dim=0)
        expected = sum(w * s.module(32, channel_dim=-1)(x) for w, s in zip(weights, subjects, strict=True))
        torch.testing.assert_close(mixture(x), expected, rtol=1e-5, atol=1e-6)


def test_what_is_weighed_does_not_depend_on_torchs_generator_and_leaves_it():
    lesson = Lesson(split=partial(planted, "sin(2 * x)"), recipe=RECIPE)
    subjects = [subject_of(parse(text)) for text in ("relu(x)", "sin(x)")]
    before = torch.get_rng_state()
    first = weigh(subjects, [lesson], 1, 0.1, 0.1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert weigh(subjects, [lesson], 1, 0.1, 0.1) == first
    torch.set_rng_state(before)


def test_neighbours_of_the_best_are_mixed_as_well(swish):
    strategy = Gradient(swish, GradientSettings(share=0.02, mixture=8, take=4), load_task("digits"))
    archive = Archive()
    state, proposals = strategy.ask(strategy.start(0), 4, archive)
    assert {proposal.move for proposal in proposals} == {"sample"}
    archive.proposed(proposal.genome.encode() for proposal in proposals)
    archive.tell([Told(id=f"t{n}", genome=p.genome, score=float(n)) for n, p in enumerate(proposals)])
    _, proposals = strategy.ask(state, 4, archive)
    assert {parent for proposal in proposals for parent in proposal.parents} <= {"t0", "t1", "t2", "t3"}
    assert any(proposal.parents for proposal in proposals)


@pytest.mark.parametrize("name", ["placement", "gated", "lanes"])
def test_functions_that_do_not_stand_everywhere_are_refused(name):
    with pytest.raises(UnsupportedError, match="mixes functions of x alone"):
        Gradient(open_space(name), GradientSettings(), load_task("digits"))


@pytest.mark.parametrize("task", [None, "pruned"])
def test_a_task_that_trains_no_stacks_is_refused(swish, task):
    with pytest.raises(UnsupportedError, match="the gradient strategy trains small perceptrons itself"):
        Gradient(swish, GradientSettings(), load_task(task) if task else None)
