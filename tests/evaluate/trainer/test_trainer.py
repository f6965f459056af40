from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

from actsearch.analysis.moments import normalised
from actsearch.evaluate import trainer
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, load_task
from actsearch.evaluate.trainer import Recipe, Split, SquaredError, train
from actsearch.evaluate.trainer.course import Course
from actsearch.grammar.activation import parse
from actsearch.outcome import Rejected, Scores

EVERYONE = Quality(margin=-1e9)


@pytest.fixture(scope="module")
def digits():
    torch.set_num_threads(1)
    return load_task("digits")


@pytest.fixture(scope="module")
def mixed(subject) -> list[Subject]:
    """No parameter, per layer, per channel, both, one that is NaN at once, one rejected for quality."""
    return [
        subject("sin(x)"),
        subject("x * sigmoid(beta * x)", beta=(1.5, "channel")),
        subject("sqrt(x)"),
        subject("a * tanh(x) + (1 - a) * relu(x)", a=0.3),
        Subject.everywhere(activation=parse("abs(x)"), gain=1e-12),
        subject("b * maximum(x, 0) + c * sin(d * x)", b=(1.0, "layer"), c=(0.5, "channel"), d=(2.0, "channel")),
    ]


def short(recipe: Recipe, **changes) -> Recipe:
    return dataclasses.replace(recipe, **({"steps": 30} | changes))


def test_a_member_s_scores_do_not_depend_on_its_neighbours(digits, mixed):
    seeds, quality = (0, 7), Quality(margin=0.1)
    alone = [digits.run([subject], seeds, quality)[0] for subject in mixed]
    assert [isinstance(result, Rejected) for result in alone] == [False, False, True, False, True, False]
    assert digits.run(mixed, seeds, quality) == alone
    assert digits.run(mixed[::-1], seeds, quality) == alone[::-1]
    assert digits.run([mixed[5], mixed[4], mixed[5], mixed[1]], seeds, quality) == [alone[i] for i in (5, 4, 5, 1)]


def test_nor_on_the_block_it_is_in(digits, mixed, monkeypatch):
    recipe = short(digits.recipe)
    whole = train(mixed, (3,), digits.split, recipe, Quality())
    monkeypatch.setattr(trainer, "BLOCK", 2)
    assert train(mixed, (3,), digits.split, recipe, Quality()) == whole


def test_a_neighbour_that_diverges_later_changes_nothing(digits, subject):
    recipe = short(digits.recipe, steps=60, learning_rates=(1e-2, 30.0))
    wild, calm = subject("x**3 + exp(x)"), subject("tanh(beta * x)", beta=(1.0, "channel"))
    together = train([wild, calm, wild], (1, 2), digits.split, recipe, EVERYONE)
    assert any(value is None for row in together[0].values for value in row)
    assert any(value is not None for row in together[0].values for value in row)
    assert together[1] == train([calm], (1, 2), digits.split, recipe, EVERYONE)[0]
    assert together[0] == together[2] == train([wild], (1, 2), digits.split, recipe, EVERYONE)[0]


def test_a_seed_s_scores_do_not_depend_on_the_other_seeds(digits, subject):
    both = digits.run([subject("sin(x)")], (0, 1), Quality())[0]
    one = digits.run([subject("sin(x)")], (1,), Quality())[0]
    assert [row[1:] for row in both.values] == list(one.values)
    assert [row[1:] for row in both.test] == list(one.test)


def test_nor_a_learning_rate_s_on_the_other_learning_rates(digits, mixed):
    rates = (3e-3, 1e-2, 3e-2)
    together = train([mixed[5]], (0,), digits.split, short(digits.recipe), EVERYONE)[0]
    for row, rate in zip(together.values, rates, strict=True):
        recipe = short(digits.recipe, learning_rates=(rate,))
        assert train([mixed[5]], (0,), digits.split, recipe, EVERYONE)[0].values == (row,)


def test_different_seeds_learning_rates_and_splits_differ(digits, subject):
    scores = digits.run([subject("sin(x)")], (0, 1), Quality())[0]
    assert isinstance(scores, Scores)
    assert scores.seeds == (0, 1)
    assert scores.learning_rates == (3e-3, 1e-2, 3e-2)
    values = [value for matrix in (scores.values, scores.test) for row in matrix for value in row]
    assert len(set(values)) == 12
    assert all(-1.0 < value < 0.0 for value in values)


def regression(seed: int) -> Split:
    """Two outputs of five features, 16 of the samples three times as important as the others."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(200, 5, generator=generator)
    y = torch.stack([x[:, 0] * x[:, 1], torch.sin(2 * x[:, 2])], dim=1)
    return Split(
        train_inputs=x[:100],
        train_labels=y[:100],
        validation_inputs=x[100:],
        validation_labels=y[100:],
        weights=torch.ones(100).index_fill_(0, torch.arange(16), 3.0),
    )


REGRESSION = Recipe(
    widths=(5, 16, 48, 2), steps=60, batch=25, learning_rates=(1e-2, 3e-2), chance=-math.inf, objective=SquaredError()
)


def test_odd_sizes_do_not_depend_on_neighbours_either(mixed):
    seeds = (0, 1)
    kept = [mixed[at] for at in (0, 1, 3, 5)]
    alone = [train([subject], seeds, regression, REGRESSION, EVERYONE)[0] for subject in kept]
    for order in ((3, 2, 1, 0), (1, 3), (2, 0, 1)):
        chosen = train([kept[at] for at in order], seeds, regression, REGRESSION, EVERYONE)
        assert chosen == [alone[at] for at in order]
    assert all(result.test is None for result in alone)


def in_float64(candidate: Subject, course: Course, recipe: Recipe, rate: float) -> float:
    """The validation score of a plain model of torch's own, trained by torch's own Adam, in float64."""
    modules: list[nn.Module] = []
    for weight in course.weights:
        linear = nn.Linear(*weight.shape).double()
        with torch.no_grad():
            linear.weight.copy_(weight.T)
            linear.bias.zero_()
        modules += [linear, candidate.module(weight.shape[1]).double()]
    model = nn.Sequential(*modules[:-1])
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    split = course.split
    is_classified = split.train_labels.dtype == torch.int64
    for picked in course.batches:
        outputs, labels = model(split.train_inputs[picked].double()), split.train_labels[picked]
        if is_classified:
            losses = nn.functional.cross_entropy(outputs, labels, reduction="none")
        else:
            losses = (outputs - labels).square().mean(dim=1)
        weights = 1.0 if split.weights is None else split.weights[picked]
        adam.zero_grad()
        (losses * weights).mean().backward()
        adam.step()
    with torch.no_grad():
        outputs, labels = model(split.validation_inputs.double()), split.validation_labels
        loss = nn.functional.cross_entropy if is_classified else nn.functional.mse_loss
        return -float(loss(outputs, labels if is_classified else labels.double()))


SUBJECTS = [
    ("sin(x)", {}),
    ("x * sigmoid(beta * x) + a", {"beta": (1.2, "channel"), "a": 0.1}),
    ("c[0] + c[1] * x + c[2] * x**2 + tanh(b * x)", {"c": ([0.0, 0.5, 0.1], "channel"), "b": (1.1, "group:8")}),
    ("(x - mean[layer](x)) / std[layer](x) + tanh(b * x)", {"b": 0.7}),
]


@pytest.mark.parametrize(("text", "parameters"), SUBJECTS)
def test_a_member_trains_as_a_plain_model_in_float64(digits, text, parameters):
    candidate = Subject.everywhere(activation=parse(text, **parameters), gain=1.2)
    for recipe, split in ((short(digits.recipe, steps=40), digits.split), (REGRESSION, regression)):
        course = Course.of(split(5), recipe, 5)
        result = train([candidate], (5,), split, recipe, EVERYONE)[0]
        for (score,), rate in zip(result.values, recipe.learning_rates, strict=True):
            # Rounding alone is far below this after so few steps; a wrong constant of Adam moves the score by 1e-2.
            assert score == pytest.approx(in_float64(candidate, course, recipe, rate), abs=1e-4)


def test_the_order_of_training_may_be_part_of_the_task(digits, subject):
    split, recipe = digits.split(0), short(digits.recipe)
    course = Course.of(split, recipe, 0)
    assert course.batches.shape == (30, 64)
    # Epoch after epoch, no image twice in one.
    assert len(course.batches[:18].unique()) == 18 * 64
    by_class = split.train_labels.argsort(stable=True)[: 18 * 64].view(18, 64)
    ordered = dataclasses.replace(split, batches=torch.cat([by_class, by_class]))
    first, second = (
        train([subject("tanh(x)")], (0,), lambda _, own=own: own, recipe, EVERYONE)[0] for own in (split, ordered)
    )
    assert first.mean() > second.mean() + 0.5
    with pytest.raises(ValueError, match="batches for 18 of 30 steps"):
        Course.of(dataclasses.replace(split, batches=by_class), recipe, 0)


def test_a_recipe_may_have_its_own_measure_and_initial_weights(digits, subject):
    def accuracy(outputs, labels):
        return (outputs.argmax(dim=1) == labels).float().mean(dim=1)

    def small(inputs, outputs, generator):
        return torch.randn(inputs, outputs, generator=generator) / inputs

    plain, measured, other = (
        train([subject("tanh(x)")], (0,), digits.split, recipe, EVERYONE)[0].mean()
        for recipe in (
            short(digits.recipe),
            short(digits.recipe, measure=accuracy),
            short(digits.recipe, initial=small),
        )
    )
    assert 0.8 < measured < 1.0
    assert plain < 0
    assert other not in (plain, measured)


def test_recipes_that_cannot_be_trained_are_refused():
    for changes in ({"widths": (64, 10)}, {"widths": (64, 30, 10)}, {"steps": 0}, {"batch": 1}, {"learning_rates": ()}):
        with pytest.raises(ValueError, match="a recipe has"):
            dataclasses.replace(REGRESSION, **changes)
    with pytest.raises(ValueError, match="a batch of 128 is larger than the 100 samples"):
        Course.of(regression(0), dataclasses.replace(REGRESSION, batch=128), 0)


def test_a_constant_factor_ties_exactly(digits):
    plain, gain = normalised(parse("x * sigmoid(beta * x)", beta=(1.0, "channel")))
    assert gain > 1
    for factor in ("3", "0.001", "1e6"):
        scaled = normalised(parse(f"{factor} * x * sigmoid(beta * x)", beta=(1.0, "channel")))
        assert scaled == (plain, gain)
    results = [
        digits.run([Subject.everywhere(activation=a, gain=g)], (0,), Quality())[0]
        for a, g in (normalised(parse("2 * relu(x)")), normalised(parse("relu(x)")))
    ]
    assert results[0] == results[1]


def test_the_gain_is_part_of_what_is_trained(digits):
    activation = parse("sin(x)")
    low, high = digits.run([Subject.everywhere(activation=activation, gain=g) for g in (0.5, 1.5)], (0,), Quality())
    assert low != high
