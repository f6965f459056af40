from __future__ import annotations

import numpy as np
import pytest

from actsearch.grammar.activation import Candidate, parse
from actsearch.grammar.space import read_space
from actsearch.search.strategies.surrogate.album import album_of
from actsearch.search.strategies.surrogate.look import LENGTH, look

MEAN = 8


def seen(text: str, **parameters: float) -> np.ndarray:
    features = look(Candidate.everywhere(parse(text, **parameters))).features
    assert features is not None
    assert len(features) == LENGTH
    return np.array(features)


@pytest.mark.parametrize("text", ["gelu(x)", "x * tanh(exp(x))", "erf(x) + abs(x)"])
def test_signs_reflections_and_factors_change_nothing(text):
    reflected = text.replace("x)", "(-x))").replace("x *", "(-x) *")
    for other in (f"-({text})", reflected, f"-({reflected})", f"2.5 * ({text})"):
        np.testing.assert_allclose(seen(other), seen(text), rtol=1e-5, atol=1e-4)


def test_a_constant_that_is_added_is_seen_in_the_mean_alone():
    difference = np.abs(seen("silu(x) + 0.4") - seen("silu(x)"))
    assert difference.argmax() == MEAN
    difference[MEAN] = 0
    assert difference.max() < 1e-4


def test_shapes_that_networks_tell_apart_look_different():
    texts = ["gelu(x)", "tanh(x)", "sin(3 * x)", "x**2", "relu(x)", "exp(x)"]
    looks = np.array([seen(text) for text in texts])
    distances = np.linalg.norm(looks[:, None] - looks[None], axis=-1)
    assert distances[~np.eye(len(texts), dtype=bool)].min() > 0.5


def test_the_shares_of_hermite_polynomials_are_those_of_known_functions():
    # (x^2 - 1) / sqrt(2) is the polynomial of degree 2, a share of 1; of x^3 = He_3 + 3 He_1 it is 9 / 15 and 6 / 15.
    assert seen("x**2")[[0, 2, 3]] == pytest.approx([0, 1, 0], abs=1e-4)
    assert seen("x**3")[[0, 2, 3]] == pytest.approx([0.6, 0, 0.4**0.5], abs=1e-4)
    # E[f'^2] of either: 4 / 2, and E[9 x^4] / 15.
    assert np.exp(seen("x**2")[7]) == pytest.approx(2, rel=1e-4)
    assert np.exp(seen("x**3")[7]) == pytest.approx(27 / 15, rel=1e-4)


def test_what_a_parameter_does_is_seen():
    assert seen("x * sigmoid(beta * x)", beta=1.0)[-2:].min() > 0
    assert seen("x * sigmoid(x)")[-2:].tolist() == [0, 0]


def test_what_is_not_finite_has_no_features_and_what_would_be_rejected_is_not_promising():
    assert look(Candidate.everywhere(parse("1 / x"))).features is None
    for text in ("x", "log(x)", "exp(exp(x))"):
        assert not look(Candidate.everywhere(parse(text))).is_promising
    assert look(Candidate.everywhere(parse("gelu(x)"))).is_promising


def test_several_sites_stand_one_after_the_other():
    both = Candidate(assignment=(("layer:1", parse("gelu(x)")), ("layer:2", parse("tanh(x)"))))
    assert look(both).features == (*seen("gelu(x)"), *seen("tanh(x)"))


@pytest.mark.parametrize("name", ["normact", "gated", "stochastic", "lanes"])
def test_what_is_no_function_of_one_number_has_features_too(root, name):
    space = read_space(root / "search_spaces" / f"{name}.yaml")
    genomes = [genome for _, genome in zip(range(40), space.enumerate(), strict=False)]
    looks = [album_of(space).at(genome) for genome in genomes]
    numbers = [seen.features for seen in looks if seen.features is not None]
    assert len(numbers) >= 10
    assert np.isfinite(np.array(numbers)).all()
    assert len(set(numbers)) > len(numbers) // 2


def test_an_album_is_one_for_a_space_and_has_each_function_once(root):
    space = read_space(root / "search_spaces" / "expanded.yaml")
    album = album_of(space)
    assert album_of(space) is album
    functions = [look.function for _, _, look in album.all]
    assert len(set(functions)) == len(functions) <= space.size().count
