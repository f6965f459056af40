"""Fronts and hypervolumes, against what counting cells gives."""

from __future__ import annotations

import itertools
import random

import pytest

from actsearch.store.front import Archive, Point, front, nadir

NAMES = ("quality", "cost", "sparsity")
"""More is better, less is better, more is better."""


def drawn(count: int, seed: int) -> list[dict[str, float]]:
    """Values on a grid of integers from 0 to 5, so that some are equal."""
    generator = random.Random(seed)
    return [{name: float(generator.randint(0, 5)) for name in NAMES} for _ in range(count)]


def points(values: list[dict[str, float]]) -> list[Point]:
    return [Point(name=f"p{at:02d}", values=own, seconds=float(at)) for at, own in enumerate(values)]


def dominates(a: dict[str, float], b: dict[str, float]) -> bool:
    better = [a["quality"] - b["quality"], b["cost"] - a["cost"], a["sparsity"] - b["sparsity"]]
    return min(better) >= 0 and max(better) > 0


def cells(values: list[dict[str, float]]) -> float:
    """Unit cells between the reference (0, 5, 0) and the points: what some point covers."""
    return float(
        sum(
            any(own["quality"] >= q + 1 and 5 - own["cost"] >= c + 1 and own["sparsity"] >= s + 1 for own in values)
            for q, c, s in itertools.product(range(5), repeat=3)
        )
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_front_is_what_nothing_dominates_and_the_hypervolume_counts_cells(seed):
    values = drawn(30, seed)
    found = front(points(values), NAMES, {"quality": 0.0, "cost": 5.0, "sparsity": 0.0})
    expected = [own for own in values if not any(dominates(other, own) for other in values)]
    assert {tuple(p.values.values()) for p in found.members} == {tuple(own.values()) for own in expected}
    assert len({tuple(p.values.values()) for p in found.members}) == len(found.members), "equals stand there once"
    for volume in found.volumes:
        assert volume.hypervolume == cells(values[: volume.evaluations])
        assert volume.seconds == volume.evaluations - 1
    assert found.volumes[-1].evaluations == 30
    sizes = [volume.hypervolume for volume in found.volumes]
    assert sizes == sorted(sizes)


def test_the_order_changes_the_way_but_not_the_end():
    values = drawn(20, 3)
    reference = {"quality": 0.0, "cost": 5.0, "sparsity": 0.0}
    there, back = (front(points(own), NAMES, reference) for own in (values, values[::-1]))
    assert there.volumes[-1].hypervolume == back.volumes[-1].hypervolume
    assert sorted(tuple(p.values.items()) for p in there.members) == sorted(
        tuple(p.values.items()) for p in back.members
    )


def test_members_come_best_first_in_the_first_objective():
    values = [{"quality": 1.0, "cost": 1.0}, {"quality": 3.0, "cost": 9.0}, {"quality": 2.0, "cost": 5.0}]
    for names, expected in ((("quality", "cost"), [1, 2, 0]), (("cost", "quality"), [0, 2, 1])):
        assert [p.name for p in front(points(values), names, {}).members] == [f"p{at:02d}" for at in expected]


def test_what_was_not_measured_is_not_on_the_front():
    archive = Archive(("quality", "noise"), {})
    assert not archive.add("a", {"quality": 9.0})
    assert archive.add("b", {"quality": 0.0, "noise": 1.0})
    assert archive.names == ["b"]


def test_what_is_worse_than_the_reference_adds_nothing():
    reference = {"quality": 0.0, "cost": 10.0}
    archive = Archive(("quality", "cost"), reference)
    assert archive.hypervolume() == 0.0
    archive.add("cheap and bad", {"quality": -1.0, "cost": 1.0})
    assert archive.hypervolume() == 0.0
    archive.add("good", {"quality": 2.0, "cost": 7.0})
    assert archive.hypervolume() == 6.0


def test_the_nadir_is_the_worst_of_the_baselines_if_all_objectives_are_known():
    baselines = [{"quality": -0.2, "cost": 3.0}, {"quality": -0.1, "cost": 90.0}, {"quality": -0.3}]
    assert nadir(baselines, ("quality", "cost")) == {"quality": -0.3, "cost": 90.0}
    assert nadir(baselines, ("quality", "noise")) == {}
    found = front(points([{"quality": 1.0, "noise": 0.5}]), ("quality", "noise"), {})
    assert found.volumes == ()
    assert len(found.members) == 1
    with pytest.raises(ValueError, match="without a reference"):
        Archive(("quality",), {}).hypervolume()
