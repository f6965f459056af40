import numpy as np
import pytest

from actsearch.compile.saving.quantise import divide, levels_of


def dense(values, weights, count):
    """The least cost of dividing sorted values into at most `count` runs, by trying every beginning of every run."""
    size = values.size
    cost = np.full((size + 1, size + 1), np.inf)
    for start in range(size):
        for stop in range(start + 1, size + 1):
            own, weight = values[start:stop], weights[start:stop]
            mean = np.average(own, weights=weight)
            cost[start, stop] = np.sum(weight * (own - mean) ** 2)
    best = cost[0].copy()
    best[0] = 0.0
    for _ in range(1, count):
        longer = [min(best[start] + cost[start, stop] for start in range(stop + 1)) for stop in range(size + 1)]
        best = np.minimum(best, longer)
        best[0] = 0.0
    return best[size]


def cost_of(values, weights, levels):
    return np.sum(weights * np.min((values[:, None] - levels[None]) ** 2, axis=1))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_the_division_costs_as_little_as_the_best_of_all(size, count):
    random = np.random.default_rng(size)
    values, weights = np.sort(random.standard_t(2, size)), random.uniform(0.1, 3.0, size)
    levels = divide(values, weights, count)
    assert len(levels) <= count
    assert cost_of(values, weights, levels) == pytest.approx(dense(values, weights, count), rel=1e-9, abs=1e-12)


def test_equal_values_make_one_level():
    assert divide(np.full(9, 0.3), np.ones(9), 4).tolist() == pytest.approx([0.3])


def test_few_distinct_values_are_met_exactly():
    values = np.repeat([-1.0, 0.0, 0.25, 2.0], [5, 1, 7, 3])
    assert divide(values, np.ones(16), 4).tolist() == pytest.approx([-1, 0, 0.25, 2])


def test_levels_are_means_of_what_is_nearest_to_them():
    levels = np.array(levels_of(lambda x: 1 / np.cosh(x) ** 2, 8))
    values = np.sort(1 / np.cosh(np.random.default_rng(0).normal(size=1 << 20)) ** 2)
    nearest = np.abs(values[:, None] - levels[None]).argmin(axis=1)
    means = np.array([values[nearest == index].mean() for index in range(8)])
    assert np.abs(means - levels).max() < 2e-3
    assert (np.diff(levels) > 0).all()


def test_derivatives_that_are_not_finite_have_no_levels():
    assert levels_of(lambda x: np.where(x > 2, np.inf, x), 4) is None
