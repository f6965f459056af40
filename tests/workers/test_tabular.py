from __future__ import annotations

import pytest
import torch

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.trainer import train
from actsearch.grammar.activation import parse
from actsearch.outcome import Rejected


@pytest.fixture(scope="module")
def tabular():
    torch.set_num_threads(1)
    return load_task("tabular")


def test_each_table_is_split_and_scaled_by_its_training_rows(tabular):
    sizes = []
    for lesson in tabular.lessons:
        split = lesson.split(2)
        sizes.append((len(split.train_inputs), len(split.validation_inputs), len(split.test_inputs)))
        torch.testing.assert_close(split.train_inputs.mean(0), torch.zeros(lesson.recipe.widths[0]), atol=1e-5, rtol=0)
        torch.testing.assert_close(split.train_inputs.std(0), torch.ones(lesson.recipe.widths[0]), atol=1e-4, rtol=0)
    assert sizes == [(106, 36, 36), (341, 114, 114), (266, 88, 88)]
    diabetes = tabular.lessons[2].split(2)
    assert float(diabetes.train_labels.std()) == pytest.approx(1, abs=1e-5)


def test_a_score_is_the_mean_over_the_tables(tabular):
    subject, quality = subject_of(parse("tanh(x)")), Quality()
    whole = tabular.run([subject], (0, 1), quality)[0]
    parts = [
        train([subject], (0, 1), lesson.split, lesson.recipe, Quality(margin=-9.0))[0] for lesson in tabular.lessons
    ]
    for rate in range(3):
        for seed in range(2):
            assert whole.values[rate][seed] == sum(part.values[rate][seed] for part in parts) / 3
            assert whole.test[rate][seed] == sum(part.test[rate][seed] for part in parts) / 3
    # Classifications are easy, the regression is not.
    assert all(part.mean() > 0.7 for part in parts[:2])
    assert 0.2 < parts[2].mean() < 0.7


def test_what_learns_beats_chance_and_what_is_not_finite_is_rejected(tabular):
    subjects = [subject_of(parse(text)) for text in ("silu(x)", "log(x)")]
    good, gone = tabular.run(subjects, (0,), Quality())
    assert good.mean() > 0.6 > tabular.chance
    assert isinstance(gone, Rejected)
    assert tabular.run(subjects[::-1], (0,), Quality()) == [gone, good]
