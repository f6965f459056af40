import pytest

from actsearch.cli.options import parameters_of
from actsearch.errors import ParseError, UnknownNameError
from actsearch.grammar.activation import ParameterSpec, parse


@pytest.mark.parametrize(
    ("text", "initial", "granularity", "shared"),
    [
        ("c=1.5", 1.5, "layer", False),
        ("c=1e-3:channel", 0.001, "channel", False),
        ("c=-1:group", -1.0, "group:8", False),
        ("c=1:group:4", 1.0, "group:4", False),
        ("c=1:element", 1.0, "element", False),
        ("c=1:shared", 1.0, "layer", True),
        ("c=1:channel:shared", 1.0, "channel", True),
        ("c=0.1,0.2,-3", (0.1, 0.2, -3.0), "layer", False),
        ("c=0.1,", (0.1,), "layer", False),
        ("c=0.1,0.2:group:32:shared", (0.1, 0.2), "group:32", True),
    ],
)
def test_a_parameter_has_values_a_granularity_and_may_be_shared(text, initial, granularity, shared):
    expected = ParameterSpec(name="c", initial=initial, granularity=granularity, shared=shared)
    assert parameters_of([text]) == {"c": expected}


def test_parameters_are_what_parse_takes():
    activation = parse("c[0] + c[1] * x + beta", **parameters_of(["c=0.1,0.2:channel", "beta=2"]))
    assert {spec.name: spec.initial for spec in activation.parameters} == {"c": (0.1, 0.2), "beta": 2.0}
    assert parameters_of(None) == {}


@pytest.mark.parametrize(
    "text", ["c", "c=", "=1", "c=one", "c=1,,2", "c=nan", "c=1,inf", "c=:channel", "1=1", "c=,", "c=0.1;0.2"]
)
def test_what_says_no_parameter_is_refused_in_one_sentence(text):
    with pytest.raises(ParseError, match=r"^--param .*: expected NAME=VALUE, or NAME=VALUE,VALUE") as refused:
        parameters_of([text])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["c=1:chanel", "c=1:group:0", "c=1:group:4:8", "c=1:shared:channel", "c=1:channelshared", "c=1,2:pixel:shared"],
)
def test_an_unknown_granularity_names_the_known_ones(text):
    with pytest.raises(UnknownNameError, match="unknown granularity of the parameter c"):
        parameters_of([text])
