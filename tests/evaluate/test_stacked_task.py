from __future__ import annotations

import pytest

from actsearch.evaluate.objectives import of_models
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.trainer import train_lessons
from actsearch.grammar.activation import parse
from actsearch.plugins import names

STACKED = ("deep", "digits", "longtail", "periodic", "tabular")


def test_the_tasks_that_a_refusal_names_are_those_that_can_measure():
    assert sorted(name for name in names("workers") if isinstance(load_task(name), StackedTask)) == list(STACKED)


def test_it_trains_its_lessons_with_what_it_prepares():
    deep = load_task("deep")
    assert isinstance(deep, StackedTask)
    subject = subject_of(parse("tanh(x)"))
    assert deep.prepared(subject).gain != subject.gain
    tabular = load_task("tabular")
    assert isinstance(tabular, StackedTask)
    assert tabular.prepared(subject) is subject
    (found,) = tabular.run([subject], (2,), Quality())
    assert [found] == train_lessons([subject], (2,), tabular.lessons, Quality())
    (measured,) = tabular.run_and_measure([subject], (2,), Quality(), of_models(("quantisation",)))
    assert measured.values == found.values
    assert list(measured.objectives) == ["quantisation"]


def test_one_without_lessons_says_so():
    with pytest.raises(NotImplementedError, match="StackedTask has no lessons"):
        StackedTask().run([], (0,), Quality())
