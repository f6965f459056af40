from __future__ import annotations

import math

import pytest
import torch

from actsearch.evaluate.task import load_task


def test_the_recipe_is_what_every_figure_rests_on():
    digits = load_task("digits")
    recipe = digits.recipe
    assert recipe.widths == (64, 32, 32, 10)
    assert (recipe.steps, recipe.batch) == (150, 64)
    assert recipe.learning_rates == digits.learning_rates == (3e-3, 1e-2, 3e-2)
    assert recipe.chance == digits.chance == -math.log(10)


def test_the_seed_holds_out_images_to_choose_by_and_others_to_report():
    digits = load_task("digits")
    split = digits.split(3)
    parts = (split.train_inputs, split.validation_inputs, split.test_inputs)
    assert [part.shape for part in parts] == [(1197, 64), (300, 64), (300, 64)]
    assert float(split.train_inputs.mean()) == pytest.approx(0, abs=1e-5)
    assert float(split.train_inputs.std()) == pytest.approx(1, abs=1e-4)
    other = digits.split(4)
    assert not torch.equal(split.validation_labels, other.validation_labels)
    # Every image is in one part.
    labels = [torch.cat([s.train_labels, s.validation_labels, s.test_labels]).sort().values for s in (split, other)]
    assert torch.equal(*labels)
    assert labels[0].bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
