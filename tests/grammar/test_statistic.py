import pytest

from actsearch.errors import ParseError
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.expression import Apply, Constant, X, call
from actsearch.grammar.statistic import (
    AXES,
    KINDS,
    Statistic,
    check_nesting,
    level_of,
    literal_arguments,
    named,
    statistic_of,
    statistics,
    with_primitives,
)
from actsearch.grammar.text import read, write

MEAN = Statistic(kind="mean", axis="last")
POSSIBLE = [
    Statistic(kind=kind, axis=axis, groups=32 * (axis == "group"))
    for kind in KINDS
    for axis in AXES
    if kind != "quantile" or axis == "last"
]


@pytest.mark.parametrize("statistic", POSSIBLE, ids=lambda statistic: statistic.name)
def test_the_name_of_a_statistic_says_it_and_is_read_back(statistic):
    assert statistic_of(statistic.name) == statistic
    arguments = (X, Constant(0.25))[: statistic.arity]
    tree = statistic(*arguments)
    assert tree == Apply(statistic.name, arguments)
    assert read(write(tree)) == tree


@pytest.mark.parametrize(
    "operator", ["mean", "maximum", "mean[]", "mean[group]", "mean[group:0]", "mean[group:2000]", "mean[last:3]", "sin",
                 "sin[last]", "mean[pixel]", "quantile[batch]", "mean[last](x)", "mean[group:08]"]
)  # fmt: skip
def test_other_operators_are_no_statistics(operator):
    assert statistic_of(operator) is None


def test_what_is_no_statistic_is_refused():
    for parts, reason in (
        (("mean", "group"), "group takes the number of groups"),
        (("mean", "last", 3), "the axis last takes no number"),
        (("mean", "group", 1025), "from 1 to 1024"),
        (("quantile", "layer"), "over last only"),
        (("median", "last"), "unknown statistic 'median'"),
        (("mean", "chanel"), "unknown axis of mean 'chanel'"),
    ):
        with pytest.raises(ParseError, match=reason):
            named(*parts)


def test_statistics_stand_innermost_first_and_once():
    tree = read("x / std[batch](x - mean[last](x)) + mean[last](x) * max[layer](x)")
    assert [node.operator for node in statistics(tree)] == ["mean[last]", "std[batch]", "max[layer]"]
    assert statistics(read("max(x, sin(x))")) == ()


def test_they_nest_two_deep_and_no_deeper():
    twice = MEAN(call.sin(MEAN(X)))
    check_nesting(X + twice * twice)
    with pytest.raises(ParseError, match="at most 2 deep"):
        check_nesting(MEAN(twice))
    with pytest.raises(ParseError, match="at most 2 deep"):
        Activation.of(MEAN(twice))


def test_an_exponent_and_a_level_stay_literal():
    assert literal_arguments("power") == literal_arguments("quantile[last]") == {1}
    assert literal_arguments("mittag_leffler") == {1, 2}
    assert not literal_arguments("multiply")
    assert not literal_arguments("mean[last]")
    assert level_of(read("quantile[last](x, 0.9)")) == 0.9


def test_the_others_are_said_by_those_of_the_normal_form():
    tree = read("std[last](x) + rms[group:2](x) - min[layer](sin(x))")
    assert {node.operator for node in statistics(with_primitives(tree))} == {
        "var[last]", "mean[group:2]", "max[layer]",
    }  # fmt: skip
    assert with_primitives(read("sin(x) * a")) == read("sin(x) * a")


def test_the_axis_and_the_number_of_groups_change_the_hash():
    texts = ["x / std[last](x)", "x / std[layer](x)", "x / std[group:2](x)", "x / std[group:4](x)", "x / rms[last](x)"]
    assert len({parse(text).hash for text in texts}) == len(texts)


def test_the_names_of_parameters_in_a_statistic_make_no_difference():
    text = "{0} * x / rms[last]({1} * x) + {2} * max[last]({0} * x)"
    straight = parse(text.format("a", "b", "c"), a=2.0, b=0.5, c=0.5)
    assert parse(text.format("c", "z", "a"), c=2.0, z=0.5, a=0.5).hash == straight.hash


# Journals keep hashes: a change of the normal form would break the resumption of older searches.
@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("x * sigmoid(beta * x)", "59f28d0e5a0b"),
        ("x / std[group:32](x)", "a663927f8294"),
        ("a[0] + a[1] * x", "80b7e681ae00"),
    ],
)
def test_hashes_stay_what_they_were(text, identity):
    assert parse(text).id == identity
