"""Fashion-MNIST's files are written here, small pictures of ten kinds, so that nothing depends on an installation."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from actsearch import plugins
from actsearch.errors import TaskError
from actsearch.evaluate.task import load_task, subject_of
from actsearch.grammar.activation import parse

COUNT = 7000


@pytest.fixture
def module(monkeypatch):
    loaded = plugins.load("workers", "fashion")
    loaded._data.cache_clear()
    yield loaded
    loaded._data.cache_clear()


def write(folder, labels: np.ndarray, images: np.ndarray, suffix: str = "") -> None:
    pack = gzip.compress if suffix else bytes
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
        header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / (name + suffix)).write_bytes(pack(header + array.astype(np.uint8).tobytes()))


def pictures(count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and noise with a bright bar whose place says which."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, count)
    images = draw.integers(0, 60, (count, 28, 28))
    images[np.arange(count), 2 * labels + 4] += 120
    return labels, images


@pytest.mark.parametrize(("inside", "suffix"), [("", ""), ("FashionMNIST/raw", ".gz")])
def test_it_learns_from_any_folder_of_idx_files(module, monkeypatch, tmp_path, inside, suffix):
    write(tmp_path / inside, *pictures(), suffix)
    monkeypatch.setenv(module.VARIABLE, str(tmp_path))
    task = load_task("fashion")
    monkeypatch.setattr(type(task), "steps", 20)
    points = list(task.curve(subject_of(parse("tanh(x)")).module, 0, 1e-2))
    assert points[-1][0] == 1.0
    assert points[-1][1] > task.chance + 0.3
    assert points == list(task.curve(subject_of(parse("tanh(x)")).module, 0, 1e-2))


def test_without_the_files_it_says_how_to_get_them(module, monkeypatch, tmp_path, command):
    monkeypatch.setenv(module.VARIABLE, str(tmp_path))
    monkeypatch.setattr(module, "PLACES", ())
    with pytest.raises(TaskError, match="install Debian's dataset-fashion-mnist, or set ACTSEARCH_FASHION_MNIST to"):
        module.folder()
    code, _, err = command("search", "swish", "--task", "fashion", "--workers", "in-process", "--budget", "2c")
    assert code == 2
    assert "fails on every baseline" in err
    assert "Fashion-MNIST is not in" in err


@pytest.mark.parametrize("case", ["no labels", "other sizes", "too few", "label of 10"])
def test_other_files_are_one_sentence(module, monkeypatch, tmp_path, case):
    labels, images = pictures(100 if case == "too few" else COUNT)
    labels[0] = 10 if case == "label of 10" else labels[0]
    write(tmp_path, labels, images[:, :14] if case == "other sizes" else images)
    if case == "no labels":
        (tmp_path / "train-labels-idx1-ubyte").unlink()
    monkeypatch.setenv(module.VARIABLE, str(tmp_path))
    expected = {
        "no labels": "no train-labels-idx1-ubyte beside them",
        "other sizes": r"images of shape \(7000, 14, 28\)",
        "too few": r"and 100 labels: at least 7000",
        "label of 10": "has the label 10",
    }
    with pytest.raises(TaskError, match=expected[case]):
        module._data(str(module.folder()))
