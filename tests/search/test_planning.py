"""The analysis plan of the finals: laid down before anything is trained, and binding once they have begun."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.errors import TaskError
from actsearch.evaluate.fairness import Plan
from actsearch.search.launch import Request, launch, resume
from actsearch.search.progress import Snapshot
from actsearch.store.journal import Journal
from actsearch.store.summary import FINAL, SEARCH, summarise
from tests.search.conftest import SETTINGS


@pytest.fixture
def stop(write_task, write_profile, tmp_path) -> Callable[[Callable[[Snapshot], bool]], Path]:
    """Starts a search that ends at the first snapshot for which a condition holds; gives its task's file."""

    def start(when: Callable[[Snapshot], bool]) -> Path:
        def show(snapshot: Snapshot) -> None:
            if when(snapshot):
                raise KeyboardInterrupt

        task = write_task()
        profile = write_profile(executor="in-process", batch=1)
        request = Request(space="swish", task=task, workers=profile, budget="12c", settings=SETTINGS)
        assert launch(tmp_path, request, show=show, warn=pytest.fail).status == "stopped"
        return Path(task)

    return start


def go_on(store: Path, task: Path, final_seeds: int) -> list[str]:
    """Resume with another number of final seeds in the task's file; gives the warnings about the plan."""
    task.write_text(task.read_text(encoding="utf-8").replace("final_seeds = 3", f"final_seeds = {final_seeds}"))
    # As a new process would: a file is loaded once in each.
    del sys.modules[f"actsearch_plugin:{task}"]
    warnings: list[str] = []
    resume(store, None, show=lambda _: None, warn=warnings.append, allow_changed=True)
    return [warning for warning in warnings if "plan" in warning]


def plans_and_seeds(store: Path) -> tuple[list[str], set[int]]:
    """Digests of the plans, and how many seeds the finals have."""
    with Journal.open(store) as journal:
        record = journal.search()
        summary = summarise(journal, record)
        finals = journal.scores(record, FINAL)
        assert summary.verdict is not None
        assert {len(value.seeds) for value in finals.values()} == {summary.verdict.seeds}
        assert not summary.lost
        return [plan.digest for plan in journal.plans(record)], {len(value.seeds) for value in finals.values()}


def test_a_plan_is_laid_down_before_anything_is_trained(search, write_task, tmp_path):
    with pytest.raises(TaskError):
        search(task=write_task("raise OSError('no data')"), store=tmp_path)
    with Journal.open(tmp_path) as journal:
        record = journal.search()
        assert not any(journal.scores(record, rung) for rung in (SEARCH, FINAL))
        (laid_down,) = journal.plans(record)
    plan = Plan.from_json(laid_down.document)
    assert plan.digest == laid_down.digest
    assert (plan.functions, plan.tasks[0].seeds, plan.tasks[0].baselines) == (4, (500, 501, 502), ("gelu", "selu"))


def test_a_resume_by_the_same_plan_says_nothing(stop, tmp_path):
    task = stop(lambda snapshot: snapshot.evaluated >= 6)
    assert go_on(tmp_path, task, final_seeds=3) == []
    digests, seeds = plans_and_seeds(tmp_path)
    assert (len(digests), seeds) == (1, {3})


def test_another_plan_before_the_finals_is_said_and_journalled_and_holds(stop, tmp_path):
    task = stop(lambda snapshot: snapshot.evaluated >= 6)
    (warning,) = go_on(tmp_path, task, final_seeds=5)
    digests, seeds = plans_and_seeds(tmp_path)
    assert (len(digests), seeds) == (2, {5})
    assert warning == (
        f"the analysis plan was {digests[0][:12]}, and is {digests[1][:12]} now (other: seeds); the finals have not"
        " begun, and will go by that of now; the journal keeps both."
    )


def test_finals_that_have_begun_go_on_by_their_plan(stop, tmp_path):
    task = stop(lambda snapshot: snapshot.finals_done >= 2)
    (warning,) = go_on(tmp_path, task, final_seeds=5)
    assert warning.endswith("(other: seeds); the finals have begun, and go on by the plan of then.")
    digests, seeds = plans_and_seeds(tmp_path)
    assert (len(digests), seeds) == (1, {3})
