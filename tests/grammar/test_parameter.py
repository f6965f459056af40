import itertools

import pytest

from actsearch.errors import ActsearchError, ParseError, UnknownNameError, UnsupportedError
from actsearch.grammar.activation import Activation, ParameterSpec, from_json, granularity_of, parse
from actsearch.grammar.expression import Parameter, X, parameter_names, rename

CUBIC = "a[0] + a[1] * x + a[2] * x**2 + a[3] * x**3"


def test_an_array_that_is_not_given_is_ones_as_long_as_its_largest_index_needs():
    (spec,) = parse("a[2] * x + a[0]").parameters
    assert spec == ParameterSpec(name="a", initial=(1.0, 1.0, 1.0))
    assert (spec.length, spec.entries) == (3, (1.0, 1.0, 1.0))
    (scalar,) = parse("a * x").parameters
    assert (scalar.length, scalar.entries, scalar.scalar) == (None, (1.0,), 1.0)


@pytest.mark.parametrize(
    ("given", "initial", "granularity"),
    [
        ((0.1, 0.2), (0.1, 0.2), "layer"),
        ([0.1, 0.2], (0.1, 0.2), "layer"),
        ((0.1, 0.2, 3), (0.1, 0.2, 3.0), "layer"),
        (((0.1, 0.2), "group:8"), (0.1, 0.2), "group:8"),
        (([0.1, 0.2], "element"), (0.1, 0.2), "element"),
        (ParameterSpec(name="z", initial=(0.1, 0.2), shared=True), (0.1, 0.2), "layer"),
    ],
)
def test_arrays_are_given_as_sequences(given, initial, granularity):
    (spec,) = parse("a[0] + a[1] * x", a=given).parameters
    assert (spec.name, spec.initial, spec.granularity) == ("a", initial, granularity)


def test_a_number_with_a_granularity_is_no_array():
    (spec,) = parse("a * x", a=(0.1, "group:8")).parameters
    assert (spec.initial, spec.granularity) == (0.1, "group:8")


@pytest.mark.parametrize(
    ("text", "given", "reason"),
    [
        ("a[2] * x", (1.0, 2.0), "the parameter a has 2 entries: a[2] is none of them."),
        ("a[0] * x", 1.0, "the parameter a is indexed: give it as an array of numbers."),
        ("a * x", (1.0, 2.0), "the parameter a is an array: index it, as in a[0]."),
        ("a[0] * x", (1.0, float("nan")), "the parameter a starts at nan"),
        ("a[0] * x", (1.0,) * 257, "the parameter a has 257 entries: give 1 to 256."),
        ("a[0] * x", (1.0, "one", 2.0), "give a number, a list of numbers or (number, granularity)."),
        ("a[0] * x", ((1.0, 2.0), "pixel"), "unknown granularity of the parameter a 'pixel'"),
        ("x + a[3] - a[3]", (1.0, 2.0), "a[3] is none of them"),
    ],
    ids=str,
)
def test_an_array_that_cannot_be_is_refused(text, given, reason):
    with pytest.raises(ActsearchError) as refused:
        parse(text, a=given)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("count", [1, 3, 64])
@pytest.mark.parametrize("name", ["pwpoly", "pwlinear"])
def test_the_name_of_an_array_stands_for_all_its_entries_as_coefficients(name, count):
    given = (tuple(0.1 * (index + 1) for index in range(count)), "group")
    short = parse(f"{name}(2*x + 4, c)", c=given)
    written = parse(f"{name}(2*x + 4, {', '.join(f'c[{index}]' for index in range(count))})", c=given)
    assert short == written
    assert short.hash == written.hash
    assert from_json(short.text, short.parameters_json()) == short
    assert parse(f"{name}(2*x + 4, other)", other=given).hash == short.hash


@pytest.mark.parametrize(
    ("text", "given", "reason"),
    [
        ("pwpoly(x, c)", {}, "pwpoly takes all entries of the array c: give c as a list of numbers, as in c=["),
        ("pwpoly(x, c)", {"c": 0.5}, "give c as a list of numbers"),
        (
            "pwlinear(x, c) + pwlinear(x, d)",
            {"c": [0.5]},
            "pwlinear takes all entries of the array d",
        ),
        ("pwpoly(x, c)", {"c": [0.5] * 65}, "which are one and 1 to 64 coefficients, not 66."),
        ("pwpoly(x, c) * c", {"c": [0.5, 0.5]}, "the parameter c is indexed at one place and not at another."),
        ("pwpoly(x, +c)", {"c": [0.5, 0.5]}, "the parameter c is an array: index it, as in c[0]."),
        ("pwpoly(x, c, c)", {"c": [0.5, 0.5]}, "the parameter c is an array: index it, as in c[0]."),
    ],
)
def test_coefficients_that_cannot_be_are_refused(text, given, reason):
    with pytest.raises(ParseError) as refused:
        parse(text, **given)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_indices_are_checked_in_trees_too():
    with pytest.raises(ParseError, match="indexed at one place and not at another"):
        Activation.of(Parameter("a") + Parameter("a", 0) * X)
    with pytest.raises(UnsupportedError, match="the array parameter a"):
        _ = ParameterSpec(name="a", initial=(1.0,)).scalar


def test_an_array_keeps_its_length_when_entries_cancel():
    activation = parse("a[0] * x + a[2] - a[2]", a=(1.0, 2.0, 3.0))
    assert activation.text == "a[0] * x"
    assert activation.parameters[0].initial == (1.0, 2.0, 3.0)
    assert from_json(activation.text, activation.parameters_json()) == activation


def test_lengths_values_and_granularities_change_the_hash():
    hashes = [
        parse(CUBIC).hash,
        parse(CUBIC, a=(1.0, 1.0, 1.0, 1.0, 1.0)).hash,
        parse(CUBIC, a=(1.0, 1.0, 2.0, 1.0)).hash,
        parse(CUBIC, a=((1.0,) * 4, "channel")).hash,
        parse(CUBIC, a=((1.0,) * 4, "group:4")).hash,
        parse(CUBIC, a=ParameterSpec(name="a", initial=(1.0,) * 4, shared=True)).hash,
        parse(CUBIC.replace("a[3]", "b[0]").replace("a[2]", "b[1]")).hash,
        parse("a + b * x + c * x**2 + d * x**3").hash,
    ]
    assert len(set(hashes)) == len(hashes)
    assert parse(CUBIC, a=(1, 1, 1, 1)).hash == parse(CUBIC).hash
    assert parse("a * x", a=(1.0, "group")).hash == parse("a * x", a=(1.0, "group:8")).hash


@pytest.mark.parametrize("names", list(itertools.permutations(("a", "b", "c"))))
@pytest.mark.parametrize(
    "text",
    [
        "{0}[0] * sin({1}[1] * x) + {1}[0] * sin({2} * x) + {0}[1]",
        "sin({0}[0] * x) * {0}[1] + sin({1}[0] * x) * {1}[1] + {2}",
        "max({0}[1] * x, {1}[0] * x) + {1}[1] * {0}[0] * {2} * x",
    ],
)
def test_arrays_may_be_called_anything(text, names):
    values = ((0.5, 2.0), (0.5, 2.0), (0.5, "channel"))
    straight = parse(text.format("a", "b", "c"), **dict(zip(("a", "b", "c"), values, strict=True)))
    renamed = parse(text.format(*names), **dict(zip(names, values, strict=True)))
    assert renamed.hash == straight.hash


def test_renaming_is_simultaneous_and_takes_the_entries_along():
    tree = Parameter("a", 1) * X + Parameter("a", 0) + Parameter("b")
    renamed = rename(tree, {"a": "b", "b": "a"})
    assert renamed == Parameter("b", 1) * X + Parameter("b", 0) + Parameter("a")
    assert parameter_names(tree) == ("a", "b")


def test_json_carries_arrays_as_lists_and_what_is_shared():
    specs = ParameterSpec(name="a", initial=(1.0, 2.0), granularity="group", shared=True)
    activation = parse("a[0] + a[1] * x + b", a=specs)
    assert activation.parameters_json() == {
        "a": {"initial": [1.0, 2.0], "granularity": "group:8", "shared": True},
        "b": {"initial": 1.0, "granularity": "layer"},
    }
    again = from_json(activation.text, activation.parameters_json())
    assert again == activation
    assert again.hash == activation.hash


@pytest.mark.parametrize(
    ("text", "granularity"),
    [("layer", "layer"), ("channel", "channel"), ("element", "element"), ("group", "group:8"), ("group:1", "group:1"),
     ("group:1024", "group:1024")],
)  # fmt: skip
def test_granularities(text, granularity):
    assert granularity_of(text) == granularity
    assert ParameterSpec(name="a", granularity=text).granularity == granularity


@pytest.mark.parametrize("text", ["", "chanel", "group:0", "group:08", "group:1025", "group:x", "layer:2", "groups"])
def test_other_granularities_are_refused(text):
    with pytest.raises(UnknownNameError, match="unknown granularity"):
        granularity_of(text)
