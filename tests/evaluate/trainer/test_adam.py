from __future__ import annotations

import pytest
import torch

from actsearch.evaluate.trainer.adam import Adam, Leaf, Numbers

RATES = (0.1, 0.1, 0.02)
SHAPES = ((5, 7), (1, 3), (4, 16))


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def trained(members: list[int]) -> tuple[list[Leaf], Numbers]:
    """Five steps of some members of a stack of three, with gradients of their own."""
    leaves = [Leaf.of(drawn(3, *shape, seed=7)[members]) for shape in SHAPES]
    rates = [RATES[member] for member in members]
    numbers = Numbers(drawn(3, 11, seed=8)[members].flatten(), torch.tensor(rates).repeat_interleave(11))
    adam = Adam(leaves, rates)
    for step in range(1, 6):
        for leaf in leaves:
            leaf.gradient.copy_(drawn(3, *leaf.shape, seed=step)[members])
        numbers.gradient.copy_(drawn(3, 11, seed=step)[members].flatten())
        adam.update(step)
        numbers.update(step)
    return leaves, numbers


@pytest.mark.parametrize("member", range(3))
def test_updates_are_those_of_torch_s_own_adam_in_float64(member):
    leaves, numbers = trained([0, 1, 2])
    found = [*(leaf.value[member] for leaf in leaves), numbers.value.view(3, 11)[member]]
    starts = [*(drawn(3, *shape, seed=7)[member] for shape in SHAPES), drawn(3, 11, seed=8)[member]]
    for result, start in zip(found, starts, strict=True):
        parameter = torch.nn.Parameter(start.double())
        adam = torch.optim.Adam([parameter], lr=RATES[member])
        for step in range(1, 6):
            parameter.grad = drawn(3, *start.shape, seed=step)[member].double()
            adam.step()
        torch.testing.assert_close(result, parameter.detach().float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("members", [[0], [1], [2], [2, 0], [1, 2]])
def test_a_member_s_bits_do_not_depend_on_where_it_is(members):
    (leaves, numbers), (some, own) = trained([0, 1, 2]), trained(members)
    for leaf, part in zip(leaves, some, strict=True):
        assert torch.equal(leaf.value[members], part.value)
    assert torch.equal(numbers.value.view(3, 11)[members].flatten(), own.value)


def test_a_leaf_of_some_members_has_their_state():
    leaves, _ = trained([0, 1, 2])
    kept = leaves[0].only(torch.tensor([2]))
    whole, alone = Adam([leaves[0]], RATES), Adam([kept], RATES[2:])
    whole.update(6)
    alone.update(6)
    assert torch.equal(kept.value, leaves[0].value[2:])
    kept.rows[0, 3] = float("inf")
    assert [bool(leaves[0].is_finite().all()), bool(kept.is_finite().all())] == [True, False]
