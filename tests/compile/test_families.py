"""What holds of activations of every family on their way to kernels."""

from dataclasses import replace

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from actsearch.compile.conformance import outputs, sample
from actsearch.compile.fused import swept_tensors
from actsearch.compile.noise import new_seed, noise
from actsearch.compile.reference import Eager, evaluate_sweep
from actsearch.compile.stages import inputs_of, stage
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import Activation, from_json
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, fold, rename, walk
from actsearch.grammar.text import read
from tests.compile.families import ALLOWED, Kinds, activations, expected, largest, trials
from tests.grammar.strategies import quick

ROUNDING = 2.0**-48
"""Noise of some roundings of float64, which is what both of two ways of computing the same do."""
KINDS = st.builds(Kinds, groups=st.sampled_from((0, 2)), is_gated=st.booleans())


def drawn(staged, x):
    """The noise of a call after `torch.manual_seed(0)`."""
    torch.manual_seed(0)
    seed = new_seed()
    return [noise(seed, index, x).double() for index, _ in enumerate(staged.noise)]


@quick(100)
@given(trials())
def test_the_derivative_of_a_sweep_is_that_of_the_reference(case):
    wanted = expected(case, ROUNDING)
    inputs, upstream, parameters = sample(case)
    elements = [tensor.double() for tensor in inputs]
    own = [tensor.double().requires_grad_() for tensor in parameters]
    staged = stage(case.activation)
    swept = list(swept_tensors(case.activation, own, elements[0], case.channel_dim))
    entries = [entry.detach() for entry in swept]
    tensors = [*elements, *drawn(staged, elements[0]), upstream.double(), *entries]
    found, _ = evaluate_sweep(vjp(staged.sweep), dict(staged.constants), tensors, case.channel_dim)
    # From the entries that sweeps read to the parameters.
    by_parameters = torch.autograd.grad(swept, own, found[len(inputs) :]) if own else ()
    for place, gradient in enumerate((*found[: len(inputs)], *by_parameters), start=1):
        assert_same(gradient, wanted, place)


@quick(100)
@given(trials(is_drawn=False, over_batch=False))
def test_training_and_evaluation_are_one_without_batches_and_draws(case):
    training, evaluation = (stage(case.activation, training=is_training) for is_training in (True, False))
    assert training == evaluation
    assert not training.noise
    assert not training.batch


@quick(150)
@given(trials(as_drawn=True, is_drawn=False))
def test_the_normal_form_keeps_the_values_and_gradients(case):
    wanted, written = expected(case, ROUNDING), case.activation
    normal = Activation.of(written.expression, {spec.name: spec for spec in written.parameters})
    inputs, upstream, parameters = sample(case)
    known = {spec.name: value.double() for spec, value in zip(written.parameters, parameters, strict=True)}
    own = [known[spec.name] for spec in normal.parameters]
    # It may have lost an input, but never x.
    kept = [tensor.double() for tensor in inputs[: len(inputs_of(normal))]]
    found = outputs(Eager(normal), kept, upstream.double(), own, case.channel_dim)
    names = [spec.name for spec in written.parameters]
    places = [0, *range(1, 1 + len(kept)), *(1 + len(inputs) + names.index(spec.name) for spec in normal.parameters)]
    for a, place in zip(found, places, strict=True):
        assert_same(a, wanted, place)


@quick(200)
@given(KINDS.flatmap(activations))
def test_text_and_parameters_are_read_back(activation):
    assert canonical(read(activation.text)) == activation.expression
    again = from_json(activation.text, activation.parameters_json())
    assert again == activation
    assert again.hash == activation.hash


@quick(150)
@given(KINDS.flatmap(lambda kinds: activations(kinds, as_drawn=True)), st.randoms(use_true_random=False))
def test_the_hash_is_blind_to_the_order_of_arguments_and_to_the_names_of_parameters(written, random):
    # Constants are folded in the order given, and sums of 0.1 depend on it.
    assume(all(node.value % 0.25 == 0 for node in walk(written.expression) if isinstance(node, Constant)))

    def shuffled(operator, arguments):
        if operator in ("add", "multiply", "maximum", "minimum"):
            random.shuffle(arguments)
        return Apply(operator, tuple(arguments))

    names = [spec.name for spec in written.parameters]
    others = dict(zip(names, random.sample(("z", "a", "m", "b0", "q", "c"), len(names)), strict=True))
    changed = rename(fold(written.expression, lambda leaf: leaf, shuffled), others)
    specs = {others[spec.name]: replace(spec, name=others[spec.name]) for spec in written.parameters}
    before = Activation.of(written.expression, {spec.name: spec for spec in written.parameters})
    assert Activation.of(changed, specs).hash == before.hash


def assert_same(found, wanted, place):
    """Equal to what float64 computed, up to rounding."""
    value, spread = wanted.values[place], wanted.spreads[place]
    assert found.shape == value.shape
    assert largest(found - value) <= ALLOWED * spread + 1e-12 * largest(value) + 1e-300
