"""The transformer on the standard library, its version without normalisation, and the swap that starts from it."""

from __future__ import annotations

import math
import sysconfig
from pathlib import Path

import pytest
import torch

from actsearch import plugins
from actsearch.errors import TaskError
from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import candidate_from_json, parse

GPT, PLAIN, SWAP = (plugins.load("workers", name) for name in ("stdlib-gpt", "stdlib-gpt-plain", "swap"))
RELU = subject_of(parse("relu(x)"))


class Gpt(GPT.StdlibGpt):
    steps = 5


class Plain(PLAIN.StdlibGptPlain):
    steps = 5


class Swap(SWAP.Swap):
    first_steps, steps = 5, 3


def test_symbols_are_the_bytes_of_the_files():
    files = GPT._files()
    assert len(files) > 100
    assert all(int(file.max()) < GPT.SYMBOLS for file in files)
    written = (Path(sysconfig.get_paths()["stdlib"]) / "abc.py").read_bytes()
    texts = {
        bytes(10 if symbol == 1 else symbol + 30 if symbol > 1 else 255 for symbol in file.tolist())
        for file in files
        if len(file) == len(written)
    }
    assert bytes(byte if byte == 10 or 32 <= byte < 127 else 255 for byte in written) in texts


def test_what_is_held_out_is_drawn_by_the_seed_and_never_trained_on(monkeypatch):
    files = [torch.full((100,), index, dtype=torch.uint8) for index in range(20)]
    monkeypatch.setattr(GPT, "_files", lambda: files)
    texts = [GPT.Text(seed) for seed in (0, 0, 1)]
    held_out = [set(text._windows.flatten().tolist()) for text in texts]
    for text, found in zip(texts, held_out, strict=True):
        assert len(found) == 4
        assert not found & set(text._train.tolist())
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_standard_library_without_sources_is_one_sentence(monkeypatch, tmp_path):
    GPT._files.cache_clear()
    monkeypatch.setattr(GPT.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(TaskError, match="has no sources"):
        GPT._files()


@pytest.mark.parametrize("task", [Gpt(), Plain(), Swap()], ids=["gpt", "plain", "swap"])
def test_it_learns_tells_its_way_and_repeats_itself(task):
    points = list(task.curve(RELU.module, 1, 3e-3))
    assert [share for share, _ in points][-1] == 1.0
    assert points[-1][1] > points[0][1], "it learns"
    assert points[-1][1] > task.chance
    before = torch.get_rng_state()
    assert task.score(RELU.module, 1, 3e-3) == points[-1][1]
    assert torch.equal(torch.get_rng_state(), before)
    assert task.score(RELU.module, 1, 1e-3) != points[-1][1]
    assert task.score(RELU.module, 2, 3e-3) != points[-1][1]


@pytest.mark.parametrize(
    "text", ["x * silu(gate)", "lane:1 = relu(x); lane:2 = relu(-x)", "lane:1 = maximum(x, gate); lane:2 = gate"]
)
def test_gates_and_lanes_have_as_many_weights(text):
    def count(subject):
        model = GPT.Transformer(subject.module, is_normalised=True)
        return sum(parameter.numel() for block in model.blocks for parameter in (
            block.hidden[0].weight, block.hidden[2].weight,
        ))  # fmt: skip

    subject = subject_of(candidate_from_json(text, {}))
    assert count(subject) == count(RELU) == 2 * 2 * GPT.WIDTH * GPT.HIDDEN
    assert math.isfinite(Gpt().score(subject.module, 0, 3e-3))


def test_blocks_may_hold_different_functions_and_the_future_is_not_seen():
    subject = subject_of(candidate_from_json("layer:1 = relu(x); layer:2 = tanh(x)", {}))
    model = GPT.Transformer(subject.module, is_normalised=True)
    assert [block.hidden[1].activation.text for block in model.blocks] == ["relu(x)", "tanh(x)"]
    symbols = torch.randint(GPT.SYMBOLS, (2, 20))
    changed = symbols.clone()
    changed[:, 12:] = 0
    torch.testing.assert_close(model(symbols)[:, :12], model(changed)[:, :12])


def test_a_swap_starts_from_what_was_trained_and_leaves_it_alone():
    trained = {name: value.clone() for name, value in SWAP._trained(5, 5).items()}
    assert Swap().score(subject_of(parse("silu(x)")).module, 5, 1e-3) > GPT.StdlibGpt.chance
    again = SWAP._trained(5, 5)
    assert all(torch.equal(again[name], value) for name, value in trained.items())
