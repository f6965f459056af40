"""Runs an exported file's kernels under Triton's interpreter; prints what agrees with float64 as JSON."""

import importlib.util
import json
import sys

import torch


def main():
    spec = importlib.util.spec_from_file_location("winner", sys.argv[1])
    winner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(winner)
    layer = winner.Activation(channels=5)
    x = torch.randn(70, 5, 3, requires_grad=True)
    upstream = torch.randn(70, 5, 3)
    wide = winner.Activation(channels=5).double()
    x_wide = x.detach().double().requires_grad_()
    y = winner._Fused.apply(x, layer.b, layer.beta, layer.gain, layer.channel_dim)
    gradients = torch.autograd.grad(y, [x, layer.b, layer.beta], upstream)
    y_wide = wide(x_wide)
    expected = torch.autograd.grad(y_wide, [x_wide, wide.b, wide.beta], upstream.double())
    pairs = zip(("y", "dx", "d_b", "d_beta"), (y, *gradients), (y_wide, *expected), strict=True)
    # Sums over 210 elements in float32.
    agree = {name: bool(torch.allclose(a.double(), b, rtol=1e-5, atol=1e-4)) for name, a, b in pairs}
    y = winner._Fused.apply(x, layer.b, layer.beta, layer.gain, layer.channel_dim)
    (first,) = torch.autograd.grad(y, x, upstream, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    (first,) = torch.autograd.grad(wide(x_wide), x_wide, upstream.double(), create_graph=True)
    (expected_second,) = torch.autograd.grad(first.square().sum(), x_wide)
    agree["gradgrad"] = bool(torch.allclose(second.double(), expected_second, rtol=1e-4, atol=1e-4))
    json.dump(agree, sys.stdout)


main()
