from __future__ import annotations

import math

import pytest
import torch

from actsearch.analysis import catalog
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of


@pytest.fixture(scope="module")
def periodic():
    torch.set_num_threads(1)
    return load_task("periodic")


def test_what_is_asked_lies_outside_of_what_is_seen(periodic):
    split = periodic.split(1)
    assert float(split.train_inputs.abs().max()) <= 3 * math.pi
    for inputs in (split.validation_inputs, split.test_inputs):
        assert float(inputs.abs().min()) >= 3 * math.pi
        assert float(inputs.abs().max()) <= 4.5 * math.pi + 1e-4
        assert int((inputs > 0).sum()) == len(inputs) // 2
    assert not set(split.validation_inputs.flatten().tolist()) & set(split.test_inputs.flatten().tolist())
    assert float(split.train_labels.std()) == pytest.approx(1, abs=0.15)
    assert not torch.equal(split.train_labels, periodic.split(2).train_labels)


def test_a_periodic_unit_extrapolates_and_others_do_not(periodic):
    names = ("snake", "tanh", "gelu")
    subjects = [subject_of(catalog.find(name).activation) for name in names]
    snake, *others = periodic.run(subjects, (0, 1), Quality())
    # Saying the mean everywhere has -1.
    assert snake.mean() > -0.7
    assert all(other.mean() < -0.9 for other in others)
