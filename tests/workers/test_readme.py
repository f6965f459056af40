"""The tasks that the README shows are run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from actsearch.evaluate import conformance

NAMES = ("wine.py", "my_model.py", "my_task.py")


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory) -> Path:
    """A folder with the README's files, whose names stand before them in its text."""
    text = (root / "workers" / "README.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("mine")
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == len(NAMES)
    assert tuple(re.findall(r"This is `(\w+\.py)`", text)) == NAMES
    for name, block in zip(NAMES, blocks, strict=True):
        (folder / name).write_text(textwrap.dedent(block), encoding="utf-8")
    return folder


def test_the_task_of_the_readme_holds_what_it_must(folder):
    findings = list(conformance.check(str(folder / "wine.py")))
    assert [finding for finding in findings if finding.trouble] == []
    assert findings[-1].point == "tells its way to the score"


def test_an_activation_is_searched_for_a_model_of_the_user_s_own_and_fits_it(folder, command, tmp_path):
    code, out, err = command(
        "search", "swish", "--task", folder / "my_task.py", "--workers", "in-process", "--budget", "2c",
        "--set", "search_seeds=1", "--set", "final_seeds=2", "--set", "finalists=1", "--set", "track_uri=none",
        "--store", tmp_path / "store", "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["counts"]["evaluated"] + found["counts"]["rejected"].get("quality", 0) == 2
    (folder / "my_activation.py").write_text(exported(command, tmp_path), encoding="utf-8")
    use = (
        "import torch, my_model, my_activation as m\nmodel = my_model.MyNet(activation_layer=m.Activation)\n"
        "print(tuple(model(torch.randn(2, 1, 8, 8)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", use], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "(2, 10)\n", done.stderr


def exported(command, tmp_path) -> str:
    """The winner's file, of a function that has no parameter per channel."""
    path = tmp_path / "exported.py"
    code, _, err = command("export", "x * sigmoid(1.5 * x)", "--to", path)
    assert code == 0, err
    return path.read_text(encoding="utf-8")
