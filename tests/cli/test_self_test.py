"""`doctor --self-test`, on a few cases of the suite."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from rich.console import Console

from actsearch.compile import conformance

# Wrong where it is told to be: by a factor at all, by its shape, or by an error.
WRONG = '''
"""A backend that gets some activations wrong."""

import torch

from actsearch.compile.backend import load_backend


class Function:
    def __init__(self, activation, right):
        self.activation, self.right = activation, right

    def __call__(self, inputs, parameters, channel_dim, estimates=None):
        y = self.right(inputs, parameters, channel_dim, estimates)
        if "sigmoid" in self.activation.text:
            return y * (1 + 1e-3)
        if "tanh" in self.activation.text:
            return y.where(inputs[0] < 3, torch.nan)
        return y


class Backend:
    name = "wrong"
    devices = ()
    emits = ()

    def unavailable(self, device):
        return None

    def compile(self, activation, *, gain=1.0, cache=None):
        if activation.text == "exp(x)":
            raise ValueError("no exp\\nin here")
        return Function(activation, load_backend("torch").compile(activation, gain=gain))


BACKEND = Backend()
'''
NAMES = ("add", "exp", "sigmoid", "tanh", "sin", "abs")


@pytest.fixture
def few(monkeypatch):
    """A suite of a few cases."""
    known = {case.name: case for case in conformance.cases()}
    monkeypatch.setattr("actsearch.cli.self_test.cases", lambda: iter([known[name] for name in NAMES]))


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(WRONG, encoding="utf-8")
    return path


def test_every_backend_that_computes_here_is_held_against_float64(few, document, text, tmp_path):
    found = document("doctor", "--self-test")
    assert found["ok"] is True
    assert {check["name"] for check in found["checks"]} >= {"python", "store", "backends"}
    llvm, triton = found["self_test"]
    assert {key: llvm[key] for key in ("backend", "device", "cases", "passed", "failures")} == {
        "backend": "llvm", "device": "cpu", "cases": len(NAMES), "passed": len(NAMES), "failures": [],
    }  # fmt: skip
    assert set(llvm["worst"]) == {"case", "output", "excess"}
    assert llvm["worst"]["case"] in NAMES
    assert 0 < llvm["worst"]["excess"] <= 1
    assert triton["backend"] == "triton"
    assert "TRITON_INTERPRET=1" in triton["skipped"]
    lines = text("doctor", "--self-test").splitlines()
    (line,) = [line for line in lines if "self-test of llvm" in line]
    assert line.startswith("ok ")
    assert f"6 of 6 cases passed on cpu; worst: {llvm['worst']['output']} of {llvm['worst']['case']}, " in line
    assert [line for line in lines if "self-test of triton" in line][0].startswith("skipped ")  # noqa: RUF015
    # Only the driver that all kernels have in common is left in the user's cache.
    assert len(list(tmp_path.rglob("kernel_*"))) <= 1


def test_wrong_kernels_are_found_and_end_with_1(few, command, wrong):
    code, out, err = command("doctor", "--self-test", "--backend", wrong)
    assert code == 1
    assert err == "warning: something is wrong: see the lines marked so.\n"
    lines = out.splitlines()
    at = next(index for index, line in enumerate(lines) if "self-test of" in line)
    assert lines[at].startswith(f"wrong   self-test of {wrong}  3 of 6 cases passed on cpu; worst: y of tanh, whose")
    assert [line.strip() for line in lines[at + 1 :]][::2] == [
        "exp: ValueError: no exp",
        "tanh: y: its shape, NaN or infinities differ from float64",
    ]
    assert "sigmoid: " in lines[at + 2]
    assert "times the error allowed" in lines[at + 2]
    code, out, err = command("doctor", "--self-test", "--backend", wrong, "--json")
    assert (code, err) == (1, "")
    found = json.loads(out)
    assert found["ok"] is False
    (tested,) = found["self_test"]
    assert (tested["cases"], tested["passed"]) == (6, 3)
    assert {failure["case"]: failure["excess"] for failure in tested["failures"]}.keys() == {"exp", "sigmoid", "tanh"}
    excess = {failure["case"]: failure["excess"] for failure in tested["failures"]}
    assert 20 < excess["sigmoid"] < 200
    assert excess["exp"] is excess["tanh"] is None


def test_a_kernel_in_whose_place_eager_torch_steps_in_has_failed(few, document, command, tmp_path):
    path = tmp_path / "replaced.py"
    warned = 'import warnings\n        warnings.warn("the kernel for float32 on cuda:0 is not used.", RuntimeWarning)'
    text = WRONG.replace('"sigmoid" in self.activation.text', "True").replace("return y * (1 + 1e-3)", warned)
    path.write_text(text, encoding="utf-8")
    code, out, _ = command("doctor", "--self-test", "--backend", path, "--json")
    assert code == 1
    failures = json.loads(out)["self_test"][0]["failures"]
    assert len(failures) == len(NAMES)
    assert failures[0]["reason"] == "RuntimeWarning: the kernel for float32 on cuda:0 is not used."


def test_only_the_first_of_many_failures_are_printed(few, command, wrong, monkeypatch):
    bad = (case for case in conformance.cases() if "sigmoid" in case.activation.text and 0 not in case.shape)
    many = list(itertools.islice(bad, 25))
    monkeypatch.setattr("actsearch.cli.self_test.cases", lambda: iter(many))
    _, out, _ = command("doctor", "--self-test", "--backend", wrong)
    assert out.count("times the error allowed") == 20
    assert "and 5 more, which --json lists" in out


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (False, False)])
def test_progress_is_shown_on_a_terminal_only(few, command, monkeypatch, terminal, shown):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    monkeypatch.setattr("actsearch.cli.services.err", console)
    code, out, _ = command("doctor", "--self-test", "--backend", "llvm", "--json")
    assert code == 0
    assert json.loads(out)["ok"] is True
    assert ("trying llvm" in console.file.getvalue()) is shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--self-test", "--backend", "lvm"), "unknown backend 'lvm': did you mean llvm?"),
        (
            ("--self-test", "--backend", "triton"),
            "takes CPU tensors only under its interpreter: set TRITON_INTERPRET=1.",
        ),
        (("--backend", "llvm"), "--backend says what --self-test tries: give that, too."),
    ],
)
def test_what_cannot_be_tried_ends_in_a_sentence(command, arguments, sentence):
    code, out, err = command("doctor", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("actsearch: ")
    assert err.count("\n") == 1
    assert sentence in err
