from __future__ import annotations

import dataclasses
import json

import pytest

from actsearch.evaluate.fairness import Plan, PlannedTask

TASK = PlannedTask(
    task="digits", metric="minus the cross-entropy (nats)", baselines=("relu", "gelu"), learning_rates=(0.003, 0.01),
    seeds=(500, 501, 502),
)  # fmt: skip
PLAN = Plan(tasks=(TASK,), functions=10, level=0.05, test="t")


def test_the_digest_is_that_of_the_canonical_json():
    # Computed by hand once: a plan of today must have the same digest in ten years.
    assert PLAN.digest == "ac949bd9aa25df6d322108f8343791bd86fa0a15f6f46edc7bf5c8be2b407929"


def test_a_plan_survives_json():
    for plan in (PLAN, dataclasses.replace(PLAN, functions=("sin(x)", "gelu"), tasks=(TASK, TASK))):
        again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
        assert again == plan
        assert again.digest == plan.digest


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (dataclasses.replace(PLAN, functions=9), ["functions"]),
        (dataclasses.replace(PLAN, level=0.01, test="u"), ["level", "test"]),
        (dataclasses.replace(PLAN, tasks=(dataclasses.replace(TASK, seeds=(500,)),)), ["seeds"]),
        (dataclasses.replace(PLAN, tasks=(dataclasses.replace(TASK, baselines=("gelu", "relu")),)), ["baselines"]),
        (dataclasses.replace(PLAN, tasks=(TASK, TASK)), ["tasks"]),
    ],
)
def test_every_change_changes_the_digest_and_is_named(changed, names):
    assert changed.digest != PLAN.digest
    assert PLAN.changes(changed) == names
    assert PLAN.changes(PLAN) == []
