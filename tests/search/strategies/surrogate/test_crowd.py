from __future__ import annotations

import pytest

from actsearch.grammar.activation import Candidate, parse
from actsearch.search.strategies.surrogate.crowd import Crowd
from actsearch.search.strategies.surrogate.look import Look, look


def seen(*texts: str) -> Look:
    return look(Candidate(assignment=tuple((f"layer:{n}", parse(text)) for n, text in enumerate(texts, 1))))


@pytest.mark.parametrize(
    ("first", "second", "is_like"),
    [
        ("x * sigmoid(x)", "x * sigmoid(x) + 0.001 * sin(x)", True),
        # silu and mish are one function by this measure, gelu and silu are not.
        ("x * sigmoid(x)", "x * tanh(softplus(x))", True),
        ("x * sigmoid(x)", "x * normal_cdf(x)", False),
        # A factor, a sign and a constant are undone by the next layer.
        ("sin(x)", "3 - 2 * sin(x)", True),
        ("x * sigmoid(gate)", "x * sigmoid(x)", False),
        ("x / std[last](x)", "2 * x / std[last](x)", True),
    ],
)
def test_who_is_like_whom(first, second, is_like):
    assert Crowd([seen(first)]).has_like(seen(second)) == is_like
    assert Crowd([seen(second)]).has_like(seen(first)) == is_like


def test_candidates_are_alike_if_they_are_at_every_site():
    crowd = Crowd([seen("sin(x)", "tanh(x)"), seen("relu(x)", "cos(x)")])
    assert crowd.has_like(seen("-sin(x)", "2 * tanh(x)"))
    # Each site alone has a like, in another candidate.
    assert not crowd.has_like(seen("sin(x)", "cos(x)"))
    assert not crowd.has_like(seen("sin(x)"))


def test_whoever_comes_later_counts_as_well():
    texts = [f"sin({n} * x)" for n in range(1, 12)]
    crowd = Crowd()
    for text in texts:
        assert not crowd.has_like(seen(text))
        crowd.add(seen(text))
    assert all(crowd.has_like(seen(f"0.5 - {text}")) for text in texts)
    assert not crowd.has_like(seen("cos(x)"))


def test_outputs_say_nothing_of_what_has_no_features():
    assert seen("log(x)").outputs == ()
    assert not Crowd([seen("sin(x)")]).has_like(seen("log(x)"))
