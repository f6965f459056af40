"""Arrays, starts, granularities and sharing to choose from."""

from __future__ import annotations

import random

import pytest

from actsearch.errors import SpaceError

POLYNOMIALS = """\
title: Polynomials
paper: "none: a test"
start: p
rules:
  p:
    square: c[0] + c[1] * x + c[2] * x**2
    line: c[0] + c[1] * x
    spline: pwpoly(x, c)
    scaled: a * x + b
starts:
  p:
    square:
      relu: {c: [0.2, 0.5, 0.2]}
      small: {c: [0, 1, 0.1]}
    scaled:
      steep: {a: 3}
parameters:
  c:
    initial: [7, 8, 9]
    granularity: [layer, channel]
    shared: [false, true]
  a:
    granularity: [layer, "group:4"]
  b:
    granularity: [layer, "group:4"]
    initial: 0.5
"""


@pytest.fixture
def polynomials(write_space):
    return write_space(POLYNOMIALS)


def settings(space, name):
    return [
        [(spec.name, spec.initial, spec.granularity, spec.shared) for spec in specs]
        for specs in space.productions["p"][name].alternatives
    ]


def test_a_production_has_each_start_in_each_setting(polynomials):
    starts = [(0.2, 0.5, 0.2), (0.0, 1.0, 0.1)]
    expected = [
        [("c", start, granularity, shared)]
        for start in starts for granularity in ("layer", "channel") for shared in (False, True)
    ]  # fmt: skip
    assert settings(polynomials, "square") == expected


def test_a_production_takes_the_entries_that_it_uses(polynomials):
    assert {c[1] for ((c),) in settings(polynomials, "line")} == {(7.0, 8.0)}
    assert {c[1] for ((c),) in settings(polynomials, "spline")} == {(7.0, 8.0, 9.0)}


def test_parameters_with_the_same_choices_choose_together(polynomials):
    assert settings(polynomials, "scaled") == [
        [("a", 3.0, granularity, False), ("b", 0.5, granularity, False)] for granularity in ("layer", "group:4")
    ]


def test_alternatives_are_counted_enumerated_and_sampled(polynomials):
    assert polynomials.size().count == 8 + 4 + 4 + 2
    found = list(polynomials.enumerate())
    assert len(set(found)) == 18
    rng = random.Random(1)
    assert {polynomials.sample(rng) for _ in range(600)} == set(found)
    assert len({polynomials.activation(genome).hash for genome in found}) == 18


def test_start_and_setting_move_among_alternatives(polynomials):
    rng = random.Random(2)
    square = next(polynomials.enumerate())
    for _ in range(30):
        moved = polynomials.moves["start"](square, rng)
        assert moved.parameters in square.production.alternatives
        assert moved != square
        changed = polynomials.moves["parameter"](square, rng)
        had = polynomials.moves["setting"](changed, rng)
        assert [spec.initial for spec in had.parameters] == [spec.initial for spec in changed.parameters]
        assert [(s.granularity, s.shared) for s in had.parameters] != [
            (s.granularity, s.shared) for s in changed.parameters
        ]
        assert all(polynomials.contains(genome) and polynomials.decode(genome.encode()) == genome
                   for genome in (moved, changed, had))  # fmt: skip


def test_an_array_of_another_length_or_setting_is_outside(polynomials):
    for values in ("[[1.0,2.0]]", "[1.0]", '[{"initial":[1.0,2.0,3.0],"granularity":"element"}]'):
        with pytest.raises(SpaceError):
            polynomials.decode(f'["square",[],{values}]')
    given = '["square",[],[{"initial":[1.0,2.0,3.0],"granularity":"channel","shared":true}]]'
    assert polynomials.contains(polynomials.decode(given))


def test_too_many_choices_are_refused(write_space):
    names = [f"p{i}" for i in range(13)]
    granularities = [f"[layer, 'group:{i + 2}']" for i in range(13)]
    text = "title: t\npaper: p\nstart: u\nrules:\n  u:\n    f: x * (" + " + ".join(names) + ")\nparameters:\n"
    text += "".join(f"  {n}:\n    granularity: {g}\n" for n, g in zip(names, granularities, strict=True))
    with pytest.raises(SpaceError, match=r"space\.yaml:6: rules\.u\.f: over 4096 choices of parameters"):
        write_space(text)
