"""Populations: what slices compute, that they do so alone, and where their numbers lie."""

import copy
import json
import os
import pickle
import subprocess
import sys

import pytest
import torch
from torch.func import functional_call, grad, vmap

import actsearch as a
from actsearch.compile.conformance import cases, check
from actsearch.compile.population import PopulationFunction, compile_population
from actsearch.compile.reference import Eager
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import parse

MIXED = (
    parse("x * sigmoid(beta * x)", beta=1.3),
    parse("a * x + sin(b * x)", a=(0.5, "channel"), b=2.0),
    parse("gelu(x)"),
    parse("c[0] + c[1] * x + c[2] * tanh(x)", c=[0.1, 0.5, -0.2]),
    parse("d[0] * x + relu(x - d[1])", d=([0.3, 0.1], "channel")),
    parse("max(x, s * x) + 0.25 * cos(x)", s=(0.2, "group:2")),
    parse("max(x, s * x) + 0.75 * cos(x)", s=(0.1, "group:2")),
    parse("beta", beta=(0.7, "channel")),
    parse("x"),
)
COPIES = 2


def _stackable(case):
    activation, dims = case.activation, len(case.shape)
    return (
        case.dtype == torch.float32 and activation.is_pointwise and dims
        and all(spec.granularity != "element" for spec in activation.parameters)
        and (dims > 1 or not any(spec.granularity != "layer" for spec in activation.parameters))
    )  # fmt: skip


CASES = {case.name: case for case in cases() if _stackable(case)}


class OneMember:
    """The backend protocol over a population of one slice, so that what all backends are held to holds for it."""

    def compile(self, activation, *, gain=1.0, cache=None):
        population = self.population = compile_population([activation], gains=[gain], cache=cache)

        def run(inputs, parameters, channel_dim):
            channels_last = [x.movedim(channel_dim, -1) if x.dim() > 1 else x for x in inputs]
            own = {"values": torch.cat([values.flatten() for values in parameters])} if parameters else {}
            y = functional_call(population, own, tuple(x.unsqueeze(0) for x in channels_last)).squeeze(0)
            return y.movedim(-1, channel_dim) if y.dim() > 1 else y

        return run


@pytest.mark.parametrize("name", CASES)
def test_forward_and_all_gradients_agree_with_float64(name):
    backend = OneMember()
    findings = check(backend, CASES[name])
    assert "native" in vars(backend.population)
    assert max(finding.excess for finding in findings) <= 1, findings


def _function(activations, copies=COPIES):
    return PopulationFunction(activations, gains=[1.5] * len(activations), copies=copies)


def _run(activations, *given, copies=COPIES):
    return _results(_function(activations, copies), *given)


def _results(function, x, upstream, flat):
    """Values, gradients by x and by the parameters of each activation."""
    copies = function.copies
    y, (dx, gradients) = function.forward(x, flat), function.backward(x, upstream, flat)
    by_member = {member: [] for member in range(len(function.activations))}
    for slot, view in zip(function.slots, function.views(gradients, x.shape[-1]), strict=True):
        by_member[slot.member].append(view)
    pieces = zip(y.split(copies), dx.split(copies), by_member.values(), strict=True)
    return [[one, two, *gradients] for one, two, gradients in pieces]


def _sample(shape=(5, 6), activations=MIXED, copies=COPIES):
    """Inputs, upstream gradients and parameters, which differ from slice to slice."""
    generator = torch.Generator().manual_seed(1)
    x, upstream = (torch.randn((len(activations) * copies, *shape), generator=generator) for _ in range(2))
    flat = PopulationFunction(activations, copies=copies).initial(shape[-1])
    return x, upstream, flat * (1 + 0.1 * torch.randn(flat.shape, generator=generator))


def _positions(kept, channels):
    return _function(MIXED).layout(channels).positions(kept)


def _same(one, two):
    assert len(one) == len(two)
    for first, second in zip(one, two, strict=True):
        for tensor, other in zip(first, second, strict=True):
            # As integers: NaN and the sign of 0 are compared as well.
            assert torch.equal(tensor.view(torch.int32), other.view(torch.int32))


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 34), (700, 2), (2, 600)])
def test_a_member_has_the_same_bits_alone_among_others_and_in_any_order(shape):
    x, upstream, flat = _sample(shape)
    together = _run(MIXED, x, upstream, flat)
    order = [4, 0, 8, 2, 6, 1, 7, 3, 5]
    rows = torch.tensor([[COPIES * member, COPIES * member + 1] for member in order]).flatten()
    shuffled = [MIXED[member] for member in order]
    flat_of = flat[_positions(order, shape[-1])]
    _same(_run(shuffled, x[rows], upstream[rows], flat_of), [together[member] for member in order])
    for member in range(len(MIXED)):
        own = slice(COPIES * member, COPIES * (member + 1))
        alone = _run([MIXED[member]], x[own], upstream[own], flat[_positions([member], shape[-1])])
        _same(alone, [together[member]])


def test_copies_have_parameters_of_their_own_and_the_bits_of_one_copy():
    x, upstream, flat = _sample()
    together = _run(MIXED, x, upstream, flat)
    twice = [activation for activation in MIXED for _ in range(COPIES)]
    parts = PopulationFunction(MIXED, copies=COPIES).views(flat, 6)
    members = {member: [] for member in range(len(MIXED))}
    for slot, view in zip(PopulationFunction(MIXED, copies=COPIES).slots, parts, strict=True):
        members[slot.member].append(view)
    single = [view[copy_].flatten() for views in members.values() for copy_ in range(COPIES) for view in views]
    found = _run(twice, x, upstream, torch.cat(single), copies=1)
    for member, results in enumerate(together):
        own = found[COPIES * member : COPIES * (member + 1)]
        _same([[torch.cat(parts) for parts in zip(*own, strict=True)]], [results])


def test_the_number_of_threads_changes_no_bit():
    x, upstream, flat = _sample((40, 34))
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            found.append(_run(MIXED, x, upstream, flat))
    finally:
        torch.set_num_threads(threads)
    _same(found[0], found[1])
    _same(found[0], found[2])


def test_nan_stays_in_its_slice():
    x, upstream, flat = _sample()
    before = _run(MIXED, x, upstream, flat)
    broken = x.clone()
    broken[2 * 1] = torch.nan
    after = _run(MIXED, broken, upstream, flat)
    _same(before[:1] + before[2:], after[:1] + after[2:])
    for one, two in zip(before[1], after[1], strict=True):
        assert torch.equal(one[1], two[1])
        assert two[0].isnan().any()
    poisoned = flat.clone()
    poisoned[_positions([3], 6)] = torch.nan
    after = _run(MIXED, x, upstream, poisoned)
    _same(before[:3] + before[4:], after[:3] + after[4:])
    assert after[3][0].isnan().all()


@pytest.mark.parametrize("kept", [[0], [8, 1], [5, 4, 3]])
def test_some_of_a_population_need_no_compilation_and_have_the_same_bits(kept):
    x, upstream, flat = _sample()
    whole = _function(MIXED)
    rows = torch.tensor([[COPIES * member, COPIES * member + 1] for member in kept]).flatten()
    some = whole.only(kept)
    assert some.activations == tuple(MIXED[member] for member in kept)
    assert all(one is whole._members[member] for one, member in zip(some._members, kept, strict=True))
    positions = whole.layout(6).positions(kept)
    found = _results(some, x[rows], upstream[rows], flat[positions])
    together = _run(MIXED, x, upstream, flat)
    _same(found, [together[member] for member in kept])


def test_those_that_ask_for_the_same_part_share_its_tables():
    function = PopulationFunction([parse("sin(x)"), parse("x * sigmoid(beta * x)"), parse("tanh(x)")])
    part = function.only([0, 2])
    assert function.only((0, 2)) is part
    assert function.only([2, 0]) is not part
    for index in range(40):
        function.only([index % 3] * (index + 1))
    assert function.only([0, 2]) is not part  # What is kept is bounded.
    x = torch.linspace(-3, 3, 32).view(2, 2, 8)
    assert torch.equal(function.only([0, 2]).forward(x, torch.empty(0)), part.forward(x, torch.empty(0)))


def test_a_copy_of_a_function_has_addresses_of_its_own():
    x, upstream, flat = _sample()
    function = _function(MIXED)
    before = _results(function, x, upstream, flat)
    copied = copy.deepcopy(function.only([3, 1]).only([1, 0])).only([1])
    assert copied._members[0].taped is not function._members[3].taped
    del function
    _same(_results(copied, x[6:8], upstream[6:8], flat[_positions([3], 6)]), before[3:4])


def test_members_of_one_structure_share_their_tapes():
    function = PopulationFunction([parse(f"x * sigmoid({number} * x)") for number in (0.3, 1.7, -2.9)])
    assert len({id(member.taped) for member in function._members}) == 1
    x = torch.linspace(-2, 2, 30).view(3, 2, 5)
    y = function.forward(x, torch.empty(0))
    for row, value, number in zip(x, y, (0.3, 1.7, -2.9), strict=True):
        torch.testing.assert_close(value, row * torch.sigmoid(number * row))


@pytest.mark.parametrize("channels", [1, 3, 17, 64, 600])
@pytest.mark.parametrize("rows", [1, 700])
def test_gradients_by_channel_for_any_number_of_channels_and_many_blocks(channels, rows):
    activation = parse("a * tanh(b * x)", a=(1.5, "channel"), b=0.8)
    x, upstream, flat = _sample((rows, channels), [activation])
    ((y, dx, *gradients),) = _run([activation], x, upstream, flat)
    parameters = PopulationFunction([activation], copies=COPIES).views(flat, channels)
    for copy_ in range(COPIES):
        leaves = [tensor[copy_].double().requires_grad_() for tensor in (x, *parameters)]
        expected = Eager(activation, 1.5)(leaves[:1], leaves[1:], -1)
        wanted = torch.autograd.grad(expected, leaves, upstream[copy_].double())
        for found, exact in zip((y, dx, *gradients), (expected, *wanted), strict=True):
            torch.testing.assert_close(found[copy_].double(), exact, rtol=1e-5, atol=2e-5 * (rows * channels) ** 0.5)


def test_long_sums_are_as_exact_as_short_ones():
    function = PopulationFunction([parse("a + x", a=0.5)])
    x, upstream = torch.zeros(1, 1 << 20, 1), torch.full((1, 1 << 20, 1), 0.1)
    _, gradient = function.backward(x, upstream, function.initial(1))
    assert gradient.item() == pytest.approx(upstream.double().sum().item(), rel=1e-6)


def test_the_flat_tensor_of_parameters():
    function = PopulationFunction(MIXED, copies=COPIES)
    shapes = function.layout(6).shapes
    assert [tuple(shape) for shape in shapes] == [
        (2, 1), (2, 6), (2, 1), (2, 3), (2, 2, 6), (2, 2), (2, 2), (2, 6),
    ]  # fmt: skip
    assert [(slot.member, slot.spec.name) for slot in function.slots] == [
        (0, "beta"), (1, "a"), (1, "b"), (3, "c"), (4, "d"), (5, "s"), (6, "s"), (7, "beta"),
    ]  # fmt: skip
    flat = function.initial(6)
    views = function.views(flat, 6)
    assert views[3].tolist() == [pytest.approx([0.1, 0.5, -0.2])] * 2
    assert views[4][1, 0].tolist() == [pytest.approx(0.3)] * 6
    slices = function.views(function.layout(6).slices(), 6)
    for slot, numbers in zip(function.slots, slices, strict=True):
        assert numbers[0].unique().tolist() == [2 * slot.member]
        assert numbers[1].unique().tolist() == [2 * slot.member + 1]
    x, upstream, _ = _sample()
    given = [view.clone() for view in views]
    assert torch.equal(function.forward(x, given), function.forward(x, flat))
    _, listed = function.backward(x, upstream, given)
    _, gradients = function.backward(x, upstream, flat)
    assert torch.equal(torch.cat([tensor.flatten() for tensor in listed]), gradients)


def test_a_population_learns_like_its_members():
    texts = MIXED[:7]
    population = compile_population(texts, copies=COPIES)
    x, upstream, _ = _sample((5, 6), texts)
    x.requires_grad_()
    y = population(x)
    y.backward(upstream)
    for member, activation in enumerate(texts):
        layer = activation.module(backend="torch", channel_dim=-1)
        own = x.detach()[2 * member : 2 * member + 1].requires_grad_()
        expected = layer(own)
        expected.backward(upstream[2 * member : 2 * member + 1])
        torch.testing.assert_close(y[2 * member], expected[0])
        torch.testing.assert_close(x.grad[2 * member], own.grad[0])
        gradients = population.layout(6).views(population.values.grad)
        own = [found for slot, found in zip(population.slots, gradients, strict=True) if slot.member == member]
        for found, parameter in zip(own, layer.parameters(), strict=True):
            torch.testing.assert_close(found[0].reshape(parameter.shape), parameter.grad, rtol=1e-5, atol=1e-5)


WHOLE = (
    *MIXED[:6],
    parse("x / (1 + mean[last](x**2))"),
    parse("w * x", w=(0.5, "element")),
    parse("x * sigmoid(gate)"),
)


@pytest.mark.parametrize(("dtype", "backend"), [(torch.float32, None), (torch.float64, None), (torch.float32, "torch")])
def test_whatever_cannot_be_stacked_takes_modules_of_its_own(dtype, backend):
    population = compile_population(WHOLE, copies=COPIES, backend=backend)
    generator = torch.Generator().manual_seed(2)
    x, gate, upstream = (torch.randn(18, 5, 6, generator=generator, dtype=dtype) for _ in range(3))
    y = population(x.requires_grad_(), gate.requires_grad_())
    assert y.dtype == dtype
    y.backward(upstream)
    assert len(list(population.others)) == 2
    assert not gate.grad[:16].any()
    slope = torch.sigmoid(gate) * (1 - torch.sigmoid(gate))
    torch.testing.assert_close(gate.grad[16:], (upstream * x * slope)[16:])
    assert all(parameter.grad is not None for parameter in population.parameters())
    for member, activation in enumerate(WHOLE):
        layer = activation.module(backend="torch", channel_dim=-1)
        for at in (2 * member, 2 * member + 1):
            own = [tensor.detach()[at] for tensor in (x, gate)][: 1 + ("gate" in activation.inputs)]
            torch.testing.assert_close(y[at], layer(*own))


def test_derivatives_of_higher_order():
    texts = (MIXED[0], MIXED[1])
    population = compile_population(texts)
    x = torch.linspace(-2, 2, 24).view(2, 2, 6).requires_grad_()
    (first,) = torch.autograd.grad(population(x).sum(), x, create_graph=True)
    found = torch.autograd.grad(first.square().sum(), [x, *population.parameters()])
    for member, activation in enumerate(texts):
        layer = activation.module(backend="torch", channel_dim=-1)
        own = x.detach()[member].requires_grad_()
        (slope,) = torch.autograd.grad(layer(own).sum(), own, create_graph=True)
        second = torch.autograd.grad(slope.square().sum(), [own, *layer.parameters()])
        torch.testing.assert_close(found[0][member], second[0], rtol=1e-4, atol=1e-5)
        views = zip(population.slots, population.layout(6).views(found[1]), strict=True)
        of_member = [view for slot, view in views if slot.member == member]
        for view, exact in zip(of_member, second[1:], strict=True):
            torch.testing.assert_close(view.flatten(), exact, rtol=1e-4, atol=1e-5)


def test_an_input_that_depends_on_a_parameter_does_not_count_twice():
    population = compile_population([MIXED[0]])
    x = torch.linspace(-2, 2, 6).view(1, 1, 6) * population.values
    (first,) = torch.autograd.grad(population(x).sum(), population.values, create_graph=True)
    plain = torch.autograd.grad(population(x).sum(), population.values)[0]
    torch.testing.assert_close(first.detach(), plain)


def test_memory_with_gaps_and_empty_tensors():
    population = compile_population(MIXED)
    x = torch.randn(5, 6, 9).permute(2, 0, 1)
    assert torch.equal(population(x), population(x.contiguous()))
    empty = torch.empty(9, 0, 6, requires_grad=True)
    population(empty).sum().backward()
    assert empty.grad.shape == (9, 0, 6)
    assert not population.values.grad.any()


def test_it_copies_and_loads_before_and_after_it_knows_its_channels():
    fresh, used = compile_population(MIXED), compile_population(MIXED)
    x = torch.randn(9, 5, 6)
    y = used(x)
    with torch.no_grad():
        used.member(1)["a"].add_(1)
    copied = copy.deepcopy(used)
    assert torch.equal(copied(x), used(x))
    assert not torch.equal(used(x), y)
    fresh.load_state_dict(used.state_dict())
    assert torch.equal(fresh(x), used(x))


def test_a_member_s_parameters_are_views_of_all_values():
    population = compile_population(WHOLE, copies=COPIES)
    with pytest.raises(ConfigError, match="call it once"):
        population.member(1)
    x, gate = torch.randn(2, 18, 5, 6)
    population(x, gate).sum().backward()
    assert [sorted(population.member(index)) for index in (0, 1, 2, 8)] == [["beta"], ["a", "b"], [], []]
    assert {name.partition(".")[0] for name in population.member(7)} == {"0", "1"}
    assert [tuple(view.shape) for view in population.member(1).values()] == [(2, 6), (2, 1)]
    with torch.no_grad():
        before = population(x, gate)
        population.member(1)["a"][1] += 1
        after = population(x, gate)
    torch.testing.assert_close(after[3], before[3] + x[3])
    assert (after != before).flatten(1).any(1).nonzero().flatten().tolist() == [3]
    for index in (-1, 9):
        with pytest.raises(ConfigError, match=f"no member {index}"):
            population.member(index)


@pytest.mark.parametrize("optimiser", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop])
def test_optimisers_that_treat_numbers_alike_train_each_member_as_alone(optimiser):
    texts = MIXED[:4]
    together = compile_population(texts)
    alone = [compile_population([text]) for text in texts]
    x, upstream, _ = _sample((5, 6), texts, 1)
    for layer, rows in [(together, slice(None)), *((one, slice(at, at + 1)) for at, one in enumerate(alone))]:
        layer(x[rows])
        if layer.values is None:
            continue
        learner = optimiser([layer.values], lr=0.05)
        for _ in range(3):
            learner.zero_grad()
            layer(x[rows]).backward(upstream[rows])
            learner.step()
    for member, one in enumerate(alone):
        for name, values in together.member(member).items():
            assert torch.equal(values, one.member(0)[name]), (member, name)


def test_transforms_of_torch_take_the_values():
    population = compile_population(MIXED[:8])
    x = torch.randn(8, 5, 6)
    y = population(x)
    (expected,) = torch.autograd.grad(y.sum(), population.values)

    def total(values, own):
        return functional_call(population, {"values": values}, (own,)).sum()

    values = population.values.detach()
    torch.testing.assert_close(grad(total)(values, x), expected, rtol=1e-4, atol=1e-4)
    each = vmap(grad(total), in_dims=(None, 0))(values, torch.stack([x, 2 * x]))
    torch.testing.assert_close(each[0], expected, rtol=1e-4, atol=1e-4)


def test_gradients_may_be_clipped_and_changed_in_place():
    population = compile_population(MIXED)
    population(torch.randn(9, 5, 6)).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(population.parameters(), 1e-3)
    assert norm > 1e-3
    assert population.values.grad.norm() == pytest.approx(1e-3, rel=1e-2)
    population.values.grad.zero_()


def test_it_pickles_and_changes_its_type():
    population = compile_population(MIXED[:2])
    x = torch.randn(2, 5, 6)
    y = population(x)
    assert torch.equal(pickle.loads(pickle.dumps(population))(x), y)
    doubled = copy.deepcopy(population).to(torch.float64)
    torch.testing.assert_close(doubled(x.double()), y.double())
    assert set(population.state_dict()) == {"values"}


def test_what_is_wrong_is_said():
    with pytest.raises(ConfigError, match="at least one"):
        a.compile_population([])
    with pytest.raises(ConfigError, match="copies is 0"):
        a.compile_population(MIXED, copies=0)
    with pytest.raises(ConfigError, match="1 gains for 9"):
        a.compile_population(MIXED, gains=[1.0])
    with pytest.raises(ConfigError, match=r"9 slices.*\(3, 4\)"):
        a.compile_population(MIXED)(torch.zeros(3, 4))
    with pytest.raises(ConfigError, match="2 groups, into which 5"):
        a.compile_population(MIXED)(torch.zeros(9, 3, 5))
    population = a.compile_population(MIXED[:2])
    population(torch.zeros(2, 3, 5))
    with pytest.raises(ConfigError, match=r"has 7 numbers .* 4 channels, .* would be 6"):
        population(torch.zeros(2, 3, 4))
    with pytest.raises(ConfigError, match="gate"):
        a.compile_population([parse("x * gate")])(torch.zeros(1, 3))
    with pytest.raises(ConfigError, match="float32 on the CPU"):
        PopulationFunction([parse("x")]).forward(torch.zeros(1, 3).double(), torch.empty(0))
    with pytest.raises(ConfigError, match="1 parameters for 3 channels, but 0"):
        PopulationFunction([MIXED[0]]).forward(torch.zeros(1, 3), torch.empty(0))
    for text in ("x / (1 + mean[last](x**2))", "stochastic(0.3, x, 0)"):
        with pytest.raises(UnsupportedError, match="cannot be stacked"):
            PopulationFunction([MIXED[0], parse(text)])


GPU = """
import json, sys, torch
from actsearch.compile.backend import load_backend
from actsearch.compile.population import compile_population
from tests.compile.test_population import MIXED, COPIES, _sample

few = (MIXED[5], MIXED[0], MIXED[6])

launched = []
backend = load_backend("triton")
launcher = sys.modules[type(backend).__module__].Launcher
call = launcher.__call__
launcher.__call__ = lambda self, *given: launched.append(1) or call(self, *given)
torch.set_num_threads(1)
x, upstream, _ = _sample((5, 6), few)
found = []
for name in ("triton", "torch"):
    population = compile_population(few, copies=COPIES, backend=name)
    own = x.clone().requires_grad_()
    y = population(own)
    y.backward(upstream)
    found.append([y, own.grad, *(parameter.grad for parameter in population.parameters())])
close = [torch.allclose(one, two, rtol=1e-4, atol=1e-5) for one, two in zip(*found)]
print(json.dumps({"close": close, "launches": len(launched)}))
"""


def test_on_a_gpu_the_members_of_one_structure_are_one_launch(tmp_path):
    environment = {
        **os.environ, "TRITON_INTERPRET": "1", "ACTSEARCH_STORE": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", GPU], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert all(found["close"]), found
    # Three members of two structures; each is one launch forward and one backward.
    assert found["launches"] == 2 * 2
