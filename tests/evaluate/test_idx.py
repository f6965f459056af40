from __future__ import annotations

import gzip
import struct

import pytest
import torch

from actsearch.errors import TaskError
from actsearch.evaluate.idx import find_idx, read_idx


def idx(*sizes: int, content: bytes | None = None, magic: bytes = b"\0\0\x08") -> bytes:
    count = 1
    for size in sizes:
        count *= size
    body = bytes(range(count)) if content is None else content
    return magic + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + body


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("sizes", [(5,), (2, 3, 4)])
def test_elements_come_in_their_shape(tmp_path, sizes, pack):
    path = tmp_path / "file"
    path.write_bytes(pack(idx(*sizes)))
    found = read_idx(path, dimensions=len(sizes))
    assert found.shape == sizes
    assert found.flatten().tolist() == list(range(found.numel()))
    assert found.dtype == torch.uint8


BAD = {
    "empty": (b"", "begins with nothing"),
    "text": (b"<html>not found</html>", "begins with 3c68746d"),
    "floats": (idx(2, 2, magic=b"\0\0\x0d"), "is no IDX file of unsigned bytes in 2"),
    "other dimensions": (idx(4), "begins with 00000801, not with 00000802"),
    "cut header": (idx(2, 2)[:7], "is no IDX file"),
    "cut": (idx(2, 3)[:-1], "holds 5 bytes after its header, which says 6"),
    "longer": (idx(2, 3) + b"x", "holds more bytes after its header, which says 6"),
    "no elements": (idx(0, 3), "says it holds 0 bytes"),
    "too many": (idx(2**31, 2**31, content=b""), "says it holds 4611686018427387904 bytes"),
    "cut while packed": (gzip.compress(idx(8, 8))[:-12], "cannot be read"),
    "packed nonsense": (b"\x1f\x8bnonsense", "cannot be read"),
    "packed bomb": (gzip.compress(idx(2, 2) + bytes(1 << 24)), "holds more bytes"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_none_is_one_sentence(tmp_path, case):
    content, expected = BAD[case]
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(TaskError) as caught:
        read_idx(path, dimensions=2)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["images-idx3-ubyte", "images-idx3-ubyte.gz", "images.idx3-ubyte", "images.idx3-ubyte.gz"]
)
def test_a_part_is_found_under_each_of_its_names(tmp_path, name):
    assert find_idx(tmp_path, "images-idx3-ubyte") is None
    (tmp_path / name).write_bytes(b"")
    assert find_idx(tmp_path, "images-idx3-ubyte") == tmp_path / name
