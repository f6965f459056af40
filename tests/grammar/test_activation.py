import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import ActsearchError, ParseError, UnknownNameError
from actsearch.grammar.activation import Activation, Candidate, ParameterSpec, from_json, parse
from actsearch.grammar.expression import Parameter, X, call, rename, substitute
from tests.grammar.strategies import expressions, quick

TWO = "sin(a * x) + sin(b * x)"


def test_a_parameter_that_is_not_given_starts_at_one_per_layer():
    (spec,) = parse("x * sigmoid(beta * x)").parameters
    assert spec == ParameterSpec(name="beta", initial=1.0, granularity="layer")


def test_parameters_are_given_as_number_pair_or_spec():
    activation = parse("a * x + b * sin(c * x)", a=2, b=(0.5, "channel"), c=ParameterSpec(name="z", initial=-1.0))
    specs = {spec.name: (spec.initial, spec.granularity) for spec in activation.parameters}
    assert specs == {"a": (2.0, "layer"), "b": (0.5, "channel"), "c": (-1.0, "layer")}
    assert activation.parameters_json()["b"] == {"initial": 0.5, "granularity": "channel"}


@pytest.mark.parametrize("text", ["x * gate", "c[0] + c[1] * x", "relu(x) + detach(x)", "1 + 0 * x"])
def test_what_an_element_decides_alone_is_pointwise(text):
    assert parse(text).is_pointwise


@pytest.mark.parametrize("text", ["x - mean[last](x)", "stochastic(0.5, x, 2 * x)", "uniform(0, 1) * x"])
def test_what_other_elements_or_a_draw_decide_is_not(text):
    assert not parse(text).is_pointwise


def test_a_parameter_that_cancels_is_gone():
    assert parse("x + a - a").parameters == ()
    assert parse("x + a - a", a=3.0) == parse("x")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"alpha": 1.0}, "unknown parameter of 'a * x' 'alpha': known: a."),
        ({"a": "one"}, "the parameter a is 'one': give a number, a list of numbers or (number, granularity)."),
        ({"a": None}, "the parameter a is None"),
        ({"a": (1.0,)}, "the parameter a is an array: index it, as in a[0]."),
        ({"a": ()}, "the parameter a has 0 entries: give 1 to 256."),
        ({"a": (1.0, "layer", 2)}, "the parameter a is (1.0, 'layer', 2)"),
        ({"a": 10**400}, "the parameter a is 1000"),
        ({"a": float("nan")}, "the parameter a starts at nan: give a finite number."),
        ({"a": float("inf")}, "the parameter a starts at inf: give a finite number."),
        ({"a": (1.0, "chanel")}, "unknown granularity of the parameter a 'chanel': did you mean channel"),
    ],
    ids=repr,
)
def test_a_parameter_that_cannot_be_is_refused(settings, reason):
    with pytest.raises(ActsearchError) as refused:
        parse("a * x", **settings)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_errors_are_of_the_documented_kinds():
    with pytest.raises(ParseError) as refused:
        parse("a * x", alpha=1.0)
    assert isinstance(refused.value, ValueError)
    with pytest.raises(UnknownNameError):
        ParameterSpec(name="a", granularity="pixel")


def test_initial_value_granularity_and_form_change_the_hash():
    text = "x * sigmoid(beta * x)"
    hashes = [
        parse(text).hash,
        parse(text, beta=1.5).hash,
        parse(text, beta=(1.0, "channel")).hash,
        parse("x * sigmoid(beta + x)").hash,
        parse("x * sigmoid(x)").hash,
        parse(TWO).hash,
        parse("sin(a * x) + sin(a * x + b)").hash,
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_hash_is_sha256_and_the_id_its_beginning():
    activation = parse("x")
    assert len(activation.hash) == 64
    assert activation.id == activation.hash[:12]
    assert set(activation.hash) <= set("0123456789abcdef")


def test_one_value_written_in_two_ways_has_one_hash():
    assert parse("a * x", a=1).hash == parse("a * x", a=1.0).hash
    assert parse("a * x", a=-0.0).hash == parse("a * x", a=0.0).hash
    assert ParameterSpec(name="a", initial=1) == ParameterSpec(name="a", initial=1.0)
    assert repr(ParameterSpec(name="a", initial=1).initial) == "1.0"


@pytest.mark.parametrize("names", list(itertools.permutations(("a", "b", "c"))))
@pytest.mark.parametrize(
    "text",
    [
        "sin({0} * x) + sin({1} * x) + {2}",
        "{0} * sin({1} * x) + {2} * sin({0} * x)",
        "{0} * sin({1} * x) + {1} * sin({2} * x) + {2} * sin({0} * x)",
        "{0} * {1} * x + {2}",
        "maximum({0} * x, {1} * x) * {2}",
    ],
)
def test_parameters_may_be_called_anything(text, names):
    values = (2.0, 0.5, (0.5, "channel"))
    straight = parse(text.format("a", "b", "c"), **dict(zip(("a", "b", "c"), values, strict=True)))
    renamed = parse(text.format(*names), **dict(zip(names, values, strict=True)))
    assert renamed.hash == straight.hash
    alike = parse(text.format("a", "b", "c"))
    assert parse(text.format(*names)).hash == alike.hash
    assert parse(text.format("p1", "p0", "zeta")).hash == alike.hash


def test_which_parameter_has_which_value_matters():
    text = "a * sin(b * x)"
    assert parse(text, a=2.0, b=3.0).hash != parse(text, a=3.0, b=2.0).hash
    # Here the two are interchangeable, so it does not.
    assert parse(TWO, a=2.0, b=3.0).hash == parse(TWO, a=3.0, b=2.0).hash


@quick(150)
@given(expressions(), st.permutations(("a", "b", "c", "alpha", "z9")))
def test_renaming_the_parameters_keeps_the_hash(tree, names):
    settings = {"a": 0.5, "b": 0.5, "c": 2.0}
    renaming = dict(zip(settings, names, strict=False))
    specs = {name: ParameterSpec(name=name, initial=value) for name, value in settings.items()}
    renamed_specs = {renaming[name]: ParameterSpec(name=renaming[name], initial=settings[name]) for name in settings}
    renamed = substitute(tree, {Parameter(old): Parameter(new) for old, new in renaming.items()})
    assert Activation.of(renamed, renamed_specs).hash == Activation.of(tree, specs).hash


@quick(150)
@given(expressions())
def test_an_activation_is_read_back_from_its_text_and_parameters(tree):
    specs = {"a": ParameterSpec(name="a", initial=0.25, granularity="channel")}
    activation = Activation.of(tree, specs)
    again = from_json(activation.text, activation.parameters_json())
    assert again == activation
    assert again.hash == activation.hash


@pytest.mark.parametrize("factor", [2.0, 1 / 3, 49.0, 1e-6])
@pytest.mark.parametrize(
    "text", ["tanh(x)", "x * sigmoid(beta * x)", "x + sin(x)", "2 * x + 2 * sin(x)", "3 * relu(x)"]
)
def test_the_size_of_a_constant_factor_comes_off(text, factor):
    activation = parse(text, **({"beta": 2.0} if "beta" in text else {}))
    bare = activation.without_factor()
    assert activation.scaled(factor).without_factor() == bare
    assert bare.without_factor() == bare
    assert bare.parameters == activation.parameters
    negative = activation.scaled(-factor).without_factor()
    assert negative == bare.scaled(-1.0)


def test_what_has_no_factor_stays():
    for text in ("x", "-x", "beta", "5", "0", "x + 2 * sin(x)"):
        assert parse(text).without_factor() == parse(text)


def test_scaling_multiplies_the_values():
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)
    from actsearch.compile.eager import evaluate

    scaled = parse("tanh(x)").scaled(2.5)
    torch.testing.assert_close(evaluate(scaled.expression, {"x": x}), 2.5 * x.tanh())


def test_statistics_and_arrays_are_no_parts_of_a_pointwise_function():
    assert parse("x * sigmoid(beta * x)", beta=(1.0, "element")).unsupported_by_pointwise() is None
    assert parse("x / std[last](x)").unsupported_by_pointwise() == "the statistic var[last](x)"
    assert parse("a[0] * x").unsupported_by_pointwise() == "the array parameter a"
    activation = parse("a * x", a=(1.0, "group:4"))
    assert activation.unsupported_by_pointwise(("layer", "channel")) == "the parameter a of granularity group:4"
    assert activation.unsupported_by_pointwise(("layer", "group:4")) is None
    shared = parse("a * x", a=ParameterSpec(name="a", shared=True))
    assert shared.unsupported_by_pointwise(("layer",)) == "the shared parameter a"
    assert shared.unsupported_by_pointwise() is None


def test_granularity_can_be_set_for_all_parameters():
    activation = parse("a * sin(b * x)", a=(2.0, "layer")).with_granularity("channel")
    assert [(spec.initial, spec.granularity) for spec in activation.parameters] == [(2.0, "channel"), (1.0, "channel")]


def test_the_inputs_are_those_that_occur():
    assert parse("gate * x").inputs == ("x", "gate")
    assert parse("gate").inputs == ("gate",)
    assert parse("x - x").inputs == ()


def test_it_says_its_text():
    assert str(parse("sigmoid(x)*x")) == "x * sigmoid(x)"
    assert Activation.of(call.sigmoid(X) * X).text == "x * sigmoid(x)"


def test_it_makes_a_module():
    layer = parse("x * sigmoid(beta * x)", beta=2.0).module()
    x = torch.linspace(-3, 3, 5)
    torch.testing.assert_close(layer(x), x * torch.sigmoid(2 * x))


def test_a_candidate_with_one_activation_everywhere_has_its_id():
    activation = parse("relu(x)")
    candidate = Candidate.everywhere(activation)
    assert candidate.id == activation.id
    assert candidate.activation == activation
    assert candidate.assignment == (("*", activation),)


def test_a_candidate_with_several_activations_has_an_id_of_all_of_them():
    relu, tanh = parse("relu(x)"), parse("tanh(x)")
    candidates = [
        Candidate(assignment=(("first", relu), ("second", tanh))),
        Candidate(assignment=(("first", tanh), ("second", relu))),
        Candidate(assignment=(("first", relu),)),
        Candidate.everywhere(relu),
    ]
    assert len({candidate.id for candidate in candidates}) == len(candidates)
    assert all(len(candidate.id) == 12 for candidate in candidates)
    with pytest.raises(ValueError, match="more than one activation"):
        _ = candidates[0].activation


@pytest.mark.parametrize("text", [TWO, "a * sin(b * x) + x * relu(b * x)", "maximum(a * x, b * x) + sigmoid(b * x)"])
def test_renamed_parameters_keep_their_places_and_the_normal_form(text):
    activation, swapped = parse(text, a=2.0, b=(3.0, "channel")), {"a": "b", "b": "a"}
    renamed = activation.renamed(swapped)
    assert {spec.name: (spec.initial, spec.granularity) for spec in renamed.parameters} == {
        "a": (3.0, "channel"),
        "b": (2.0, "layer"),
    }
    specs = {spec.name: spec for spec in renamed.parameters}
    assert renamed == Activation.of(rename(activation.expression, swapped), specs)
    assert renamed.hash == activation.hash
    assert renamed.renamed(swapped) == activation


@quick(60)
@given(expressions())
def test_what_loses_its_factor_is_in_normal_form(expression):
    bare = Activation.of(expression).without_factor()
    assert bare == Activation.of(bare.expression)
