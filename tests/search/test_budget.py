from __future__ import annotations

import pytest

from actsearch.errors import ConfigError
from actsearch.search.budget import Budget


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("90s", "seconds", 90.0), ("10m", "seconds", 600.0), ("2h", "seconds", 7200.0), ("1.5h", "seconds", 5400.0),
        ("0.25s", "seconds", 0.25), (" 3 m ", "seconds", 180.0), ("500c", "candidates", 500.0),
        ("1c", "candidates", 1.0), ("30.0c", "candidates", 30.0),
    ],
)  # fmt: skip
def test_a_budget_is_read(text, kind, amount):
    assert Budget.parse(text) == Budget(kind=kind, amount=amount)


@pytest.mark.parametrize(
    "text",
    ["", "c", "5", "0c", "0s", "0.0h", "1.5c", "-3s", "+3s", "abc", "1e3s", "nans", "infs", "3 candidates", "2d",
     "1,5h", "1s1m", "\n", "3s\n3s", "5C", "x" * 100_000],
)  # fmt: skip
def test_what_is_no_budget_is_one_short_sentence(text):
    with pytest.raises(ConfigError, match=r"is no budget: write e\.g\. 90s, 10m, 2h or 500c") as caught:
        Budget.parse(text)
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 400 + "h", "9" * 400 + "c"])
def test_a_budget_without_end_is_refused(text):
    with pytest.raises(ConfigError, match="is no budget"):
        Budget.parse(text)


def test_a_count_is_spent_by_candidates_alone():
    budget = Budget.parse("30c")
    assert [budget.candidates_left(evaluated) for evaluated in (0, 29, 30, 31)] == [30, 1, 0, 0]
    assert not budget.is_spent(evaluated=29, seconds=1e9, reserve_seconds=1e9)
    assert budget.is_spent(evaluated=30, seconds=0.0, reserve_seconds=0.0)


def test_time_is_spent_when_the_finals_would_not_fit_any_more():
    budget = Budget.parse("1m")
    assert budget.candidates_left(10**9) is None
    assert not budget.is_spent(evaluated=10**9, seconds=49.9, reserve_seconds=10.0)
    assert budget.is_spent(evaluated=0, seconds=50.0, reserve_seconds=10.0)
    assert budget.is_spent(evaluated=0, seconds=60.0, reserve_seconds=0.0)
