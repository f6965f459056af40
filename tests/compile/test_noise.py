"""What is drawn, and that it can be drawn again."""

import torch

from actsearch.compile.noise import drawn_alike, new_seed, noise


def test_a_seed_and_an_index_say_what_is_drawn_whatever_x_is():
    x = torch.zeros(3, 4, 5, 6)
    first = noise(7, 0, x)
    assert first.shape == x.shape
    assert first.dtype == torch.float32
    assert 0 <= float(first.min()) < float(first.max()) < 1
    for other in (x.double(), x.bfloat16(), x.contiguous(memory_format=torch.channels_last)):
        assert torch.equal(noise(7, 0, other), first)
    assert not torch.equal(noise(7, 1, x), first)
    assert not torch.equal(noise(8, 0, x), first)


def test_seeds_come_from_the_generator_of_torch():
    torch.manual_seed(3)
    seeds = [new_seed(), new_seed()]
    torch.manual_seed(3)
    assert [new_seed(), new_seed()] == seeds
    assert seeds[0] != seeds[1]


def test_what_is_drawn_alike_leaves_the_generator_as_it_was():
    torch.manual_seed(3)
    expected = [new_seed() for _ in range(2)]
    torch.manual_seed(3)
    found = [new_seed()]
    inside = []
    for _ in range(2):
        with drawn_alike():
            inside.append(new_seed())
    assert inside[0] == inside[1]
    assert [*found, new_seed()] == expected
