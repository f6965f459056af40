"""The canonical text of a candidate, and back."""

import pytest

from actsearch.errors import ParseError
from actsearch.grammar.activation import Candidate, ParameterSpec, candidate_from_json, parse

CANDIDATES = [
    Candidate.everywhere(parse("x * sigmoid(b * x)", b=(1.5, "channel"))),
    Candidate(assignment=(("layer:1", parse("relu(x)")), ("layer:2", parse("b * x", b=2.0)))),
    Candidate(assignment=(("lane:2", parse("max(x, gate)")), ("lane:1", parse("c[0] * x + c[1]", c=[0.5, 1.0])))),
    Candidate(
        assignment=(
            ("layer:1", parse("s * x", s=ParameterSpec(name="s", initial=0.5, shared=True))),
            ("layer:2", parse("where(greater(x, 0), x, 0.1 * x)")),
        )
    ),
]


@pytest.mark.parametrize("candidate", CANDIDATES, ids=str)
def test_text_and_parameters_are_read_back(candidate):
    assert candidate_from_json(candidate.text, candidate.parameters_json()) == candidate


def test_the_text_says_what_stands_where():
    assert CANDIDATES[1].text == "layer:1 = relu(x); layer:2 = b * x"
    assert CANDIDATES[1].parameters_json() == {
        "layer:1": {}, "layer:2": {"b": {"initial": 2.0, "granularity": "layer"}},
    }  # fmt: skip
    assert CANDIDATES[2].inputs == ("x", "gate")
    per_channel = CANDIDATES[1].with_granularity("channel")
    assert per_channel.parameters_json()["layer:2"]["b"]["granularity"] == "channel"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer:1 = relu(x); tanh(x)", "'tanh.x.' assigns nothing"),
        ("layer:0 = relu(x)", "assigns nothing"),
        ("site = relu(x)", "assigns nothing"),
        ("layer:1 = relu(x); layer:1 = x", "assigns twice"),
        ("layer:1 = ", "expression"),
    ],
)
def test_what_is_no_assignment_is_one_sentence(text, message):
    with pytest.raises(ParseError, match=message) as error:
        candidate_from_json(text, {})
    assert "\n" not in str(error.value)
