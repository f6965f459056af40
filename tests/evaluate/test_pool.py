from __future__ import annotations

import pytest

from actsearch.evaluate.pool import InProcess, balanced, batches, open_executor
from actsearch.evaluate.profile import Profile
from actsearch.grammar.expression import size
from actsearch.outcome import Scored


@pytest.mark.parametrize(
    ("count", "workers", "largest", "sizes"),
    [
        (0, 2, 16, []), (1, 2, 16, [1]), (2, 2, 16, [1, 1]), (5, 2, 16, [2, 3]), (32, 2, 16, [16, 16]),
        (33, 2, 16, [11, 11, 11]), (7, 1, 3, [2, 2, 3]), (3, 8, 16, [1, 1, 1]), (4, 1, 1, [1, 1, 1, 1]),
    ],
)  # fmt: skip
def test_batches_are_even_ordered_and_complete(count, workers, largest, sizes):
    items = list(range(count))
    cut = batches(items, workers=workers, largest=largest)
    assert [len(batch) for batch in cut] == sizes
    assert [item for batch in cut for item in batch] == items


@pytest.mark.parametrize(
    ("workers", "largest", "sizes"), [(2, 16, [4, 5]), (3, 16, [3, 3, 3]), (2, 2, [1, 2, 2, 2, 2])]
)
def test_balanced_batches_are_complete_even_and_cost_about_the_same(jobs, workers, largest, sizes):
    # The order is that of a generation: children of grown parents, then fresh samples.
    grown = [f"x * sigmoid({'sin(' * depth}x{')' * depth})" for depth in (9, 7, 8, 6, 5)]
    given = jobs(*grown, "sin(x)", "tanh(x)", "x * erf(x)", "relu(x)")
    dealt = balanced(given, workers=workers, largest=largest)
    assert sorted(map(len, dealt)) == sizes
    assert sorted(job.key for batch in dealt for job in batch) == sorted(job.key for job in given)
    costs = [sum(size(job.subject.activation.expression) for job in batch) / len(batch) for batch in dealt]
    in_order = batches(given, workers=workers, largest=largest)
    before = [sum(size(job.subject.activation.expression) for job in batch) / len(batch) for batch in in_order]
    assert max(costs) - min(costs) < max(before) - min(before)


def test_nothing_is_dealt_into_no_batches():
    assert balanced([], workers=2, largest=16) == []


def test_in_process_gives_every_result_in_order_whatever_the_batch(jobs, order):
    wanted = jobs("sin(x)", "tanh(x)", "sqrt(x)", "relu(x)", "x * sigmoid(x)")
    outcomes = []
    for batch in (1, 3, 16):
        with InProcess("digits", Profile(title="t", executor="in-process", batch=batch)) as pool:
            results = list(pool.submit(wanted, order))
        assert [result.key for result in results] == [job.key for job in wanted]
        outcomes.append([result.outcome for result in results])
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert sum(isinstance(outcome, Scored) for outcome in outcomes[0]) == 4


def test_the_profile_says_which_executor(order):
    with open_executor("digits", Profile(title="t", executor="in-process")) as pool:
        assert isinstance(pool, InProcess)
        assert list(pool.submit([], order)) == []
