"""What objectives are given: trained models that can be evaluated with changes, and trained again."""

from __future__ import annotations

import pytest
import torch

from actsearch.evaluate.objectives.objective import OfModels
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.trainer import CrossEntropy, SquaredError
from actsearch.grammar.activation import parse


class Looking(OfModels):
    """Keeps the models it is shown."""

    name, title, unit, is_more_better = "look", "a look", "none", True

    def __init__(self):
        self.models = []

    def measure(self, models):
        self.models.append(models)
        return models.scores(models.outputs())


@pytest.fixture(scope="module")
def seen():
    torch.set_num_threads(1)
    looking = Looking()
    subjects = [subject_of(parse(text)) for text in ("sin(x)", "x * sigmoid(beta * x)")]
    outcomes = load_task("digits").run_and_measure(subjects, (4, 5), Quality(), [looking])
    return looking.models, outcomes


def test_unchanged_models_have_the_scores_that_they_were_chosen_by(seen):
    models, outcomes = seen
    assert [own.seed for own in models] == [4, 5]
    for outcome in outcomes:
        assert outcome.objectives["look"] == pytest.approx(outcome.mean(), rel=1e-12)


def test_changes_reach_every_layer_and_leave_no_trace(seen):
    (models, _), _ = seen
    before = models.outputs()
    places: dict[str, list[tuple[int, tuple[int, ...]]]] = {"before": [], "after": [], "weights": []}

    def change(where):
        def noted(layer, tensor):
            places[where].append((layer, tuple(tensor.shape)))
            return tensor * 1.5

        return noted

    for where in places:
        assert not torch.equal(models.outputs(**{where: change(where)}), before)
    assert places["before"] == places["after"] == [(0, (2, 300, 32)), (1, (2, 300, 32))]
    assert places["weights"] == [(0, (2, 64, 32)), (1, (2, 32, 32)), (2, (2, 10, 32))]
    assert torch.equal(models.outputs(), before)


def test_models_trained_again_are_others_on_the_same_data(seen):
    (models, _), _ = seen
    again, once_more = models.again(), models.again()
    first, second = models.outputs(), again.outputs()
    assert torch.equal(second, once_more.outputs())
    assert not torch.equal(first, second)
    # As good as the first ones, on the same labels.
    assert (models.scores(second) - models.scores(first)).abs().max() < 0.2
    torch.testing.assert_close(models.losses(first), -models.scores(first))


def test_predictions_are_probabilities_or_values():
    outputs = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(CrossEntropy().predictions(outputs).sum(dim=1), torch.ones(2, 7))
    assert torch.equal(SquaredError().predictions(outputs), outputs)
