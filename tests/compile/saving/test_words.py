import pytest
import torch

from actsearch.compile.eager import compile_eager
from actsearch.compile.saving.words import Words, element, from_bytes, packed, to_bytes, unpacked
from actsearch.grammar.expression import X


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 9, 63, 64, 1001])
def test_what_is_packed_comes_back(bits, count):
    words = Words(bits, count)
    codes = torch.randint(0, 2**bits, (count,), generator=torch.Generator().manual_seed(count)).float()
    pack, unpack = compile_eager(packed(X, words)), compile_eager(unpacked(bits))
    planes = [codes[words.place(plane, 0, words.full)] for plane in range(words.planes)]
    found = [pack({element(index): plane for index, plane in enumerate(planes)})] if words.full else []
    found.append(pack({element(index): plane for index, plane in enumerate(words.of_short(codes))}))
    kept = to_bytes(torch.cat(found), bits)
    assert kept.dtype == torch.uint8
    assert kept.numel() == -(-count // words.planes) * words.planes * bits // 8
    numbers = from_bytes(kept, torch.float32)
    shifts = [torch.tensor(words.shift(plane)) for plane in range(words.planes)]
    back = torch.cat([unpack({"word": numbers, "shift": shift}) for shift in shifts])[:count]
    assert torch.equal(back, codes)


@pytest.mark.parametrize("bits", [1, 3])
def test_the_places_of_all_planes_are_all_elements_once(bits):
    for count in (1, 7, 8, 9, 100, 129):
        words = Words(bits, count)
        elements = torch.arange(count)
        found = [
            elements[words.place(plane, low, low + 5)]
            for low in range(0, words.rows, 5)
            for plane in range(words.planes)
        ]
        assert torch.cat(found).sort().values.tolist() == elements.tolist()
