"""Every task that comes along holds what a task must, cut short where it takes long."""

from __future__ import annotations

import pytest

from actsearch import plugins
from actsearch.evaluate import conformance
from actsearch.evaluate.task import load_task

SHORT = {
    "continual": {"steps": 10, "learning_rates": (0.003, 0.01, 0.03)},
    "convnets": {"steps": 4, "learning_rates": (0.01, 0.02, 0.03), "baselines": ("relu", "silu")},
    "deep": {"recipe": "replace(whole.recipe, steps=60, widths=(64, *[32] * 12, 10))", "baselines": ("tanh", "elu")},
    "dp": {"steps": 8},
    "image-fit": {"steps": 15, "baselines": ("sin", "tanh")},
    "longtail": {},
    "pinn": {"steps": 25, "baselines": ("sin", "tanh"), "learning_rates": (0.003, 0.01, 0.02)},
}


@pytest.mark.parametrize("name", SHORT)
def test_a_task_holds_what_it_must(shortened, name):
    findings = list(conformance.check(shortened(name, **SHORT[name])))
    assert [finding for finding in findings if finding.trouble] == []
    assert {"repeats itself", "heeds the activation"} <= {finding.point for finding in findings}


@pytest.mark.parametrize("name", [*SHORT, "fashion"])
def test_a_task_says_what_it_measures_what_it_takes_and_where_it_comes_from(name):
    task = load_task(name)
    assert task.metric != "score"
    assert task.chance > -100
    assert 0 < task.seconds < 60
    assert task.fidelity
    module = plugins.load("workers", name)
    assert "Metric: " in module.__doc__
    assert "Fidelity: " in " ".join(module.__doc__.split())
