"""Populations without state: what slices compute, that they do so alone, and where their numbers lie."""

import copy

import pytest
import torch

from actsearch.compile.population import PopulationFunction
from actsearch.compile.reference import Eager
from actsearch.grammar.activation import parse
from tests.compile.population.members import COPIES, MIXED, sample


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
    x, upstream, flat = sample(shape)
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
    x, upstream, flat = sample()
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
    x, upstream, flat = sample((40, 34))
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
    x, upstream, flat = sample()
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
    x, upstream, flat = sample()
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
    x, upstream, flat = sample()
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
    x, upstream, flat = sample((rows, channels), [activation])
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
    x, upstream, _ = sample()
    given = [view.clone() for view in views]
    assert torch.equal(function.forward(x, given), function.forward(x, flat))
    _, listed = function.backward(x, upstream, given)
    _, gradients = function.backward(x, upstream, flat)
    assert torch.equal(torch.cat([tensor.flatten() for tensor in listed]), gradients)
