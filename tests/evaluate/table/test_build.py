from __future__ import annotations

import numpy as np
import pytest

from actsearch.errors import ConfigError
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.table import Function, Table
from actsearch.evaluate.table import build as module
from actsearch.evaluate.table.build import build, evenly
from actsearch.evaluate.table.plan import Plan
from actsearch.evaluate.table.reliability import between_tasks, reliability

PROFILE = Profile(title="t", executor="in-process")
TASK = """
from pathlib import Path
from actsearch.evaluate.task import Task
from actsearch.outcome import Point, Scores


class Mine(Task):
    learning_rates = (0.1, 0.2, 0.4)

    def run(self, subjects, seeds, quality):
        assert quality.check([-5.0], 1.0) is None  # nothing is rejected
        with Path(__file__).with_suffix(".log").open("a") as log:
            log.write(f"{len(subjects)} {list(seeds)}\\n")
        return [self.one(subject, tuple(seeds)) for subject in subjects]

    def one(self, subject, seeds):
        if subject.activation.text == "sqrt(x)":
            raise RuntimeError("broken")
        value = len(subject.activation.text)
        rows = tuple(tuple(value * rate + seed / 100 for seed in seeds) for rate in self.learning_rates)
        early = tuple(tuple(value / 2 for _ in seeds) for _ in self.learning_rates)
        test = tuple(tuple(1 + value for value in row) for row in rows)
        points = (Point(share=0.1, values=early, test=early),)
        return Scores(learning_rates=self.learning_rates, seeds=seeds, values=rows, test=test, curve=points)
"""
FUNCTIONS = [
    Function(id=text, expression=text, parameters={}, gain=1.0)
    for text in ("sin(x)", "sqrt(x)", "x * sigmoid(x)", "tanh(x) + sin(x)", "cos(x)")
]


@pytest.fixture
def task(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(TASK)
    return path


def calls(task) -> list[str]:
    return task.with_suffix(".log").read_text().splitlines()


def test_a_table_holds_what_the_task_measured(task, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_TOGETHER", 2)
    plan = Plan(space="s", tasks=(str(task),), seeds=2, best=2, best_seeds=3)
    built = build(tmp_path / "t.npz", plan, FUNCTIONS, PROFILE)
    measured = built.tasks[str(task)]
    assert measured.values.shape == (5, 3, 2, 2, 3)
    assert measured.seeds == (0, 1)
    assert measured.more_seeds == (2, 3, 4)
    assert measured.best == (3, 2)  # the longest texts
    np.testing.assert_allclose(measured.values[2, :, 1, 0, 2], [1.41, 2.81, 5.61], rtol=1e-6)
    np.testing.assert_allclose(measured.values[2, :, 1, 1, 2], [2.41, 3.81, 6.61], rtol=1e-6)
    assert (measured.seconds > 0).all()
    assert (measured.values[2, :, :, :, 0] == 7).all()
    assert np.isnan(measured.values[2, :, :, :, 1]).all()  # the task told nothing there
    assert np.isnan(measured.values[1]).all()  # the failure is data
    assert measured.more[0, 2, 2, 0, 2] == pytest.approx(16 * 0.4 + 0.04)
    assert Table.open(tmp_path / "t.npz").tasks[str(task)].best == (3, 2)
    assert not (tmp_path / "t.npz.parts").exists()


def test_an_interrupted_table_goes_on_where_it_was(task, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_TOGETHER", 2)
    plan = Plan(space="s", tasks=(str(task),), seeds=1, best=1, best_seeds=2)

    def stop(text: str) -> None:
        if "part 3" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "t.npz", plan, FUNCTIONS, PROFILE, announce=stop)
    assert not (tmp_path / "t.npz").exists()
    before = calls(task)
    resumed = build(tmp_path / "t.npz", plan, FUNCTIONS, PROFILE)
    assert calls(task)[len(before) :] == ["1 [0]", "1 [1, 2]"]
    whole = build(tmp_path / "whole.npz", plan, FUNCTIONS, PROFILE)
    np.testing.assert_array_equal(resumed.tasks[str(task)].values, whole.tasks[str(task)].values)
    np.testing.assert_array_equal(resumed.tasks[str(task)].more, whole.tasks[str(task)].more)


def test_parts_of_another_plan_are_not_taken(task, tmp_path):
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    plan = Plan(space="s", tasks=(str(task),), seeds=1, best=1, best_seeds=2)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "t.npz", plan, FUNCTIONS, PROFILE, announce=stop)
    other = Plan(space="s", tasks=(str(task),), seeds=2, best=1, best_seeds=2)
    with pytest.raises(ConfigError, match=r"t\.npz\.parts.* other settings"):
        build(tmp_path / "t.npz", other, FUNCTIONS, PROFILE)


def test_reliability_is_measured_by_ranks(task, tmp_path):
    plan = Plan(space="s", tasks=(str(task), "digits"), seeds=2, best=3, best_seeds=1)
    built = build(tmp_path / "t.npz", plan, [FUNCTIONS[i] for i in (0, 2, 3)], PROFILE)
    found = reliability(built.tasks[str(task)])
    assert found.one_seed == pytest.approx(1)
    assert found.all_seeds == pytest.approx(1)
    assert found.best_again == pytest.approx(1)
    assert found.by_share[0.1] == pytest.approx(1)
    assert -1 <= between_tasks(built)[str(task), "digits"] <= 1
    assert 0.01 < -built.tasks["digits"].means().max() < 1


def test_a_limit_takes_functions_from_all_over():
    assert [f.id for f in evenly(FUNCTIONS, 2)] == ["sin(x)", "x * sigmoid(x)"]
    assert evenly(FUNCTIONS, 0) == evenly(FUNCTIONS, 9) == FUNCTIONS
