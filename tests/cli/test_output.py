"""What becomes of output for which there is no room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
"""A device that takes nothing, as a full disk does."""


def call(
    root: Path, *arguments: str, before: tuple[str, ...] = (), **options: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "actsearch", *arguments],
        env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.PIPE, text=True, check=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [("profiles",), ("profiles", "--json")])
def test_a_full_disk_under_standard_output_is_one_sentence(root, arguments):
    with FULL.open("w") as full:
        done = call(root, *arguments, stdout=full)
    assert done.stderr == "actsearch: the output cannot be written: No space left on device.\n"
    assert done.returncode == 2


def test_a_closed_standard_output_is_no_error(root):
    done = call(root, "profiles", before=("sh", "-c", 'exec "$@" >&-', "sh"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_under_an_export_is_one_sentence_and_leaves_the_device_alone(command):
    code, out, err = command("export", "gelu", "--to", FULL)
    assert (code, out) == (2, "")
    assert err == "actsearch: cannot write '/dev/full': No space left on device.\n"
    assert FULL.is_char_device()
