"""timm's activations and normalising layers."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch

from actsearch.analysis.catalog import functions
from tests.analysis.catalog.reference import IMAGES, POINTS

LAYERS = {
    "evonorm_b0": "evo_norm:EvoNorm2dB0",
    "evonorm_b1": "evo_norm:EvoNorm2dB1",
    "evonorm_b2": "evo_norm:EvoNorm2dB2",
    "evonorm_s0": "evo_norm:EvoNorm2dS0",
    "evonorm_s1": "evo_norm:EvoNorm2dS1",
    "evonorm_s2": "evo_norm:EvoNorm2dS2",
    "frn_tlu": "filter_response_norm:FilterResponseNormTlu2d",
}
OURS = {"weight": "g", "bias": "b", "v": "v", "tau": "tau"}


@pytest.fixture(scope="module", name="timm")
def modules_of_timm():
    """A module of `timm.layers` by its name, without timm's own `__init__`, which imports torchvision and the hub."""
    folder = Path(importlib.util.find_spec("timm").origin).parent
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "timm"}
    for name, path in (("timm", folder), ("timm.layers", folder / "layers")):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    yield lambda name: importlib.import_module(f"timm.layers.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        del sys.modules[name]
    sys.modules |= before


@pytest.mark.parametrize(
    ("name", "function"),
    [("hard_mish", "hard_mish"), ("quick_gelu", "quick_gelu"), ("hardswish", "hard_swish"), ("mish", "mish")],
)
def test_functions_are_those_of_timm(timm, name, function):
    found = functions[name].module(backend="torch")(POINTS)
    torch.testing.assert_close(found, getattr(timm("activations"), function)(POINTS))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_those_of_timm_in_training_and_in_evaluation(timm, name):
    module, _, kind = LAYERS[name].partition(":")
    options = {"eps": 1e-6} if name == "frn_tlu" else {}
    theirs = getattr(timm(module), kind)(IMAGES.shape[1], **options).double()
    ours = functions[name].module(backend="torch", channels=IMAGES.shape[1], dtype=torch.float64)
    generator = torch.Generator().manual_seed(5)
    for key, parameter in theirs.named_parameters():
        parameter.data.normal_(generator=generator)
        own = dict(ours.named_parameters())[OURS[key]]
        own.data.copy_(parameter.data.reshape(own.shape))
    for training in (True, False):
        # timm's running variance is that of a sample, n/(n - 1) times ours: evaluated with the same, they must agree.
        for running in ours.buffers():
            theirs.running_var.copy_(running.flatten())
        x, same = IMAGES.clone().requires_grad_(), IMAGES.clone().requires_grad_()
        found, expected = ours.train(training)(x), theirs.train(training)(same)
        # timm takes the moments in float32.
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        slopes = [torch.autograd.grad(y.square().sum(), at)[0] for y, at in ((found, x), (expected, same))]
        torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5)
