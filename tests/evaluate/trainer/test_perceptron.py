from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from actsearch.errors import UnsupportedError
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Task, load_task, subject_of
from actsearch.evaluate.trainer import train
from actsearch.evaluate.trainer.course import Course
from actsearch.evaluate.trainer.perceptron import Perceptron, lessons_of, one_thread
from actsearch.grammar.activation import parse


def test_it_trains_as_the_stack_does():
    (lesson,) = lessons_of(load_task("digits"), "a test")
    recipe = replace(lesson.recipe, steps=30, learning_rates=(1e-2,))
    subject = subject_of(parse("sin(x)"))
    course = Course.of(lesson.split(3), recipe, 3)
    make = subject.module
    model = Perceptron(recipe, course, [make(width, channel_dim=-1) for width in recipe.widths[1:-1]])
    with one_thread():
        model.descend(course, recipe.steps, recipe.learning_rates[0])
        with torch.no_grad():
            outputs = model.preactivations(course.split.validation_inputs)[-1].T.unsqueeze(0)
    (scores,) = train([subject], [3], lesson.split, recipe, Quality())
    found = float(recipe.score(outputs, course.split.validation_labels))
    assert found == pytest.approx(scores.values[0][0], rel=1e-3)


def test_a_hidden_layer_needs_an_activation():
    lesson = lessons_of(load_task("digits"), "a test")[0]
    course = Course.of(lesson.split(0), lesson.recipe, 0)
    with pytest.raises(ValueError, match="2 hidden layers take as many activations, not 1"):
        Perceptron(lesson.recipe, course, [torch.nn.ReLU()])


def test_tasks_with_several_lessons_give_them_all():
    assert len(lessons_of(load_task("tabular"), "a test")) == 3


@pytest.mark.parametrize("task", [None, Task()])
def test_a_task_that_says_nothing_is_refused(task):
    with pytest.raises(UnsupportedError, match="a test trains small perceptrons itself"):
        lessons_of(task, "a test")
