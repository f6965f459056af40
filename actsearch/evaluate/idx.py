"""IDX files, the format of MNIST and of the data sets made in its image: a header of sizes, then bytes.

Big-endian: two zero bytes, the element type (8: unsigned byte), the number of dimensions, a size of four bytes for
each, the elements (LeCun, Cortes, Burges, The MNIST database of handwritten digits). A user provides these files, so
nothing in them is believed before it is checked.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import torch
from torch import Tensor

from actsearch.errors import TaskError

_UNSIGNED_BYTE = 8
_GZIP = b"\x1f\x8b"
_MOST_BYTES = 1 << 30


def find_idx(folder: Path, name: str) -> Path | None:
    """The file of a part such as `train-images-idx3-ubyte`, packed or not, with either spelling of its name."""
    spellings = (name, name.replace("-idx", ".idx"))
    paths = (folder / (spelling + suffix) for spelling in spellings for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def read_idx(path: Path, *, dimensions: int) -> Tensor:
    """The elements, uint8, of a file of so many dimensions, packed by gzip or not; raises `TaskError`."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            return _read(file, path, dimensions)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"the IDX file {str(path)!r} cannot be read: {' '.join(str(error).split())}.") from error


def _read(file: gzip.GzipFile | BufferedReader, path: Path, dimensions: int) -> Tensor:
    header = file.read(4 + 4 * dimensions)
    expected = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if header[:4] != expected or len(header) < 4 + 4 * dimensions:
        raise TaskError(
            f"{str(path)!r} is no IDX file of unsigned bytes in {dimensions} dimension(s): it begins with"
            f" {header[:4].hex() or 'nothing'}, not with {expected.hex()}."
        )
    sizes = struct.unpack(f">{dimensions}I", header[4:])
    count = math.prod(sizes)
    if not 0 < count <= _MOST_BYTES:
        raise TaskError(f"the IDX file {str(path)!r} says it holds {count} bytes: 1 to {_MOST_BYTES} can be read.")
    # One byte more than there should be, so that a packed file of any size is found out without being unpacked.
    content = file.read(count + 1)
    if len(content) != count:
        found = "more" if len(content) > count else str(len(content))
        raise TaskError(f"the IDX file {str(path)!r} holds {found} bytes after its header, which says {count}.")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).view(sizes)
