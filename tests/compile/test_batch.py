"""Jobs that wait to be run together, and what becomes of them."""

import pytest
import torch

from actsearch.compile import batch
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse

TEXTS = ("x * sigmoid(beta * x)", "sin(x) + x**2", "exp(-x**2)", "tanh(x) * x", "x * sigmoid(x)")


@pytest.mark.parametrize("together", [1, 2, 16])
def test_prepared_layers_compute_what_others_do(tmp_path, monkeypatch, together):
    monkeypatch.setattr(batch, "TOGETHER", together)
    x = torch.linspace(-3, 3, 12, requires_grad=True)
    layers = [parse(text).module(backend="llvm", cache=tmp_path / "prepared") for text in TEXTS]
    batch.prepare(iter(layers), x)
    for text, layer in zip(TEXTS, layers, strict=True):
        other = parse(text).module(backend="llvm", cache=tmp_path / "not")
        for one, two in zip(
            (layer(x), *torch.autograd.grad(layer(x).sum(), x)),
            (other(x), *torch.autograd.grad(other(x).sum(), x)),
            strict=True,
        ):
            assert torch.equal(one, two)


def _fail():
    raise UnsupportedError("not today")


def test_jobs_wait_until_they_are_run():
    together, done = batch._Together(), []
    fine = together.submit(done.append, 1)
    bad = together.submit(_fail)
    assert not done
    together.run()
    assert done == [1]
    assert fine.result() is None
    with pytest.raises(UnsupportedError, match="not today"):
        bad.result()
