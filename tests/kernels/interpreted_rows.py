"""Runs in a process of its own with TRITON_INTERPRET=1, and prints what it found of split rows and groups as JSON.

The interpreter takes a program after the other, so tiles are small here: rows of some dozen elements take several.
"""

import contextlib
import itertools
import json
import sys
import warnings

import torch

from actsearch import plugins
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.conformance import TOLERANCES, Case, check, outputs, sample
from actsearch.compile.saving import error_of
from actsearch.grammar.activation import parse
from tests.kernels.interpreter import hasten

BLOCK = 16
_FOLDER = str(plugins.find("kernels", "triton"))
_LAYOUT, _ROWS = sibling(_FOLDER, "layout"), sibling(_FOLDER, "rows")

_TEXTS = {
    "last": "x * sigmoid(v * x) / std[last](x) + w * max[last](x)",
    "softmax": "exp(x - max[last](x)) / sum[last](exp(x - max[last](x)))",
    "layer": "a * x / rms[layer](x) + mean[layer](abs(x))",
    "group": "x * sigmoid(v * x) / std[group:2](x)",
    "instance": "(x - mean[instance](x)) / (1 + std[instance](x)) + v * x",
    "batch": "(x - mean[batch](x)) / (0.1 + std[batch](x)) * v + w * max[batch](abs(x))",
    "batch and instance": "x / max(std[batch](x), v * x + std[instance](x))",
    "gate": "x * sigmoid(gate) / (1 + mean[last](abs(gate)))",
    "quantile": "x * greater(x, quantile[last](x, 0.75))",
}
# What has a parameter for each channel; the others' are had by the layer.
_BY_CHANNEL = {"v": (1.2, "channel"), "w": (0.4, "channel")}
_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
_LAYOUTS = (("reversed", (2, 2, 3, 6)), ("sliced", (2, 2, 18)), ("channels_last", (2, 2, 3, 6)))

_RATIONAL = (
    "(c[0] + c[1] * x + c[2] * x**2 + c[3] * x**3 + c[4] * x**4 + c[5] * x**5)"
    " / (1 + abs(d[0] * x + d[1] * x**2 + d[2] * x**3 + d[3] * x**4))"
)
_TOP, _BOTTOM = (0.1, 1.0, 0.4, -0.2, 0.05, 0.02), (0.3, -0.2, 0.1, 0.05)
_SAVINGS = (
    ("gelu(x)", "auto"), ("relu(x)**2", "auto"), ("softplus(x)", "output"), ("silu(x)", "bits:2"),
    ("mish(x)", "bits:4"),
)  # fmt: skip


def _activation(text, **parameters):
    known = {"a": 1.3, "v": 1.2, "w": 0.4}
    names = [spec.name for spec in parse(text).parameters]
    return parse(text, **{name: parameters.get(name, known[name]) for name in names})


def split_cases():
    """Every family in rows of many tiles: odd ones, by channel in half precision, and strided; few, as it is slow."""
    for (name, text), (short, dtype), (layout, shape) in zip(
        _TEXTS.items(), itertools.cycle(_DTYPES.items()), itertools.cycle(_LAYOUTS), strict=False
    ):
        plain, by_channel = _activation(text), _activation(text, **_BY_CHANNEL)
        yield Case(name=f"{name} odd", activation=plain, shape=(1, 2, 2 * BLOCK + 1))
        yield Case(name=f"{name} {layout}", activation=by_channel, shape=shape, layout=layout)
        yield Case(name=f"{name} {short} tokens", activation=by_channel, shape=(2, 18), channel_dim=-1, dtype=dtype)
    yield Case(
        name="last second", activation=_activation(_TEXTS["last"], **_BY_CHANNEL), shape=(1, 2, BLOCK + 1), second=True
    )


@contextlib.contextmanager
def split():
    """Small tiles, and no registers to keep a row in: all rows take a kernel a pass. Yields tiles a row, by launch."""
    tile_of, block, registers = _ROWS._tile_of, _LAYOUT.BLOCK, _LAYOUT.registers
    across = []

    def noting(*arguments):
        found = tile_of(*arguments)
        across.append(found[2])
        return found

    _LAYOUT.BLOCK, _LAYOUT.registers, _ROWS._tile_of = BLOCK, lambda warps, *, is_nvidia: 0, noting
    try:
        yield across
    finally:
        _LAYOUT.BLOCK, _LAYOUT.registers, _ROWS._tile_of = block, registers, tile_of


def excess_of(case):
    """The largest excess over all that is compared."""
    return max(finding.excess for finding in check(load_backend("triton"), case))


def split_rows():
    """By case, the largest excess and the most tiles that a row took."""
    found = {}
    with split() as across:
        for case in split_cases():
            across.clear()
            found[case.name] = {"excess": excess_of(case), "tiles": max(across, default=0)}
    return found


def alone():
    """Whether a sample has the same bits alone as among others, where rows are split."""
    case = Case(name="alone", activation=_activation(_TEXTS["group"]), shape=(3, 2, 5 * BLOCK + 3))
    inputs, upstream, parameters = sample(case)
    with split():
        function = load_backend("triton").compile(case.activation)
        whole = outputs(function, inputs, upstream, parameters, 1)[:2]
        one = outputs(function, [x[1:2] for x in inputs], upstream[1:2], parameters, 1)[:2]
    return [torch.equal(a[1:2], b) for a, b in zip(whole, one, strict=True)]


def moments():
    """By case, how far from float64, relatively, what is over a standard deviation far smaller than the mean is.

    What is merged has an error of the mean over the deviation; a mean of squares has one of the square of that.
    """
    found = {}
    for text, shape, channel_dim in (
        ("x / std[last](x)", (3, 5 * BLOCK + 3), 1),
        ("x / std[layer](x)", (1, 2, 3 * BLOCK), 1),
        ("x / std[group:2](x)", (2, 3, 4 * BLOCK), -1),
        ("x / std[batch](x)", (37, 5), 1),
        ("x / std[batch](x)", (5, 3, BLOCK + 1), 1),
        ("x / std[batch](x)", (5, 3, 7), -1),
        ("x / std[batch](x)", (2, 70), 1),
    ):
        activation = parse(text)
        x = 1000 + torch.randn(shape, generator=torch.Generator().manual_seed(0))
        with split():
            layer = activation.module(backend="triton", channels=shape[channel_dim], channel_dim=channel_dim)
            y = layer(x)
        wide = activation.module(backend="torch", channels=shape[channel_dim], channel_dim=channel_dim)
        found[f"{text} {shape}"] = float((y / wide(x.double()) - 1).abs().max())
    return found


def rationals():
    """By layout, how far group rationals are from their formula, over what is allowed, and if two runs agree.

    Groups of neighbouring channels share coefficients, as in KAT (Yang and Wang, 2024, arXiv 2409.10594), whose kernels
    FlashKAT makes faster (Raffel and Chen, 2025, arXiv 2505.13813): tokens of (batch, length, channels), 8 groups.
    """
    found = {}
    for shared, layout, dtype, shape in (
        (False, "contiguous", torch.float32, (2, 5, 24)),
        (True, "reversed", torch.float32, (2, 3, 40)),
        (True, "sliced", torch.float16, (3, 3, 16)),
        (False, "contiguous", torch.bfloat16, (1, 3, 8 * 33)),
    ):
        of_top = "layer" if shared else "group:8"
        activation = parse(_RATIONAL, c=(_TOP, of_top), d=(_BOTTOM, "group:8"))
        # Powers of what is not large: allowances are for sums of terms of about 1.
        case = Case(
            name=f"{layout} {dtype} {shape} {of_top}", activation=activation, shape=shape, channel_dim=-1,
            layout=layout, dtype=dtype, low=-2, high=2,
        )  # fmt: skip
        inputs, upstream, parameters = sample(case)
        function = load_backend("triton").compile(activation)
        runs = [outputs(function, inputs, upstream, parameters, -1) for _ in range(2)]
        wide = [tensor.double().requires_grad_() for tensor in (*inputs, *parameters)]
        by_name = dict(zip((spec.name for spec in activation.parameters), wide[1:], strict=True))
        y = _rational(wide[0], by_name["c"], by_name["d"])
        wanted = [y.detach(), *torch.autograd.grad(y, wide, upstream.double())]
        excess = [
            float(((a.double() - b).abs() / (TOLERANCES[a.dtype] * (1 + b.abs() + terms**0.5))).max())
            for a, b, terms in zip(runs[0], wanted, (0, 0, y.numel(), y.numel()), strict=True)
        ]
        same = all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
        found[case.name] = {"excess": max(excess), "same_bits": same}
    return found


def _rational(x, top, bottom):
    """The rational of the channels of the last dimension, written down apart from the library."""
    c, d = (
        each.repeat_interleave(x.shape[-1] // each.shape[1], 1) if each.dim() > 1 else each[:, None]
        for each in (top, bottom)
    )
    over = sum(d[index] * x ** (index + 1) for index in range(4))
    return sum(c[index] * x**index for index in range(6)) / (1 + over.abs())


def savings():
    """By plan and dtype, how far gradients from what a layer keeps are from float64, over what the plan states."""
    found = {}
    for (text, saving), dtype in itertools.product(_SAVINGS, (torch.float32, torch.bfloat16)):
        activation = parse(text)
        generator = torch.Generator().manual_seed(0)
        x, upstream = (torch.randn(3, 5, 67, generator=generator).to(dtype) for _ in range(2))
        x = x.transpose(0, 2)
        upstream = upstream.transpose(0, 2)
        y, dx = _stepped(activation.module(backend="triton", saving=saving), x, upstream)
        _, wanted = _stepped(activation.module(backend="torch"), x.double(), upstream.double())
        stated, rounding = error_of(activation, saving, dtype), TOLERANCES[dtype]
        # A kernel's output is off by another rounding than torch's, which hides the derivative as much again.
        allowed = (2 * stated.absolute + rounding * (1 + wanted.abs())) * upstream.double().abs().clamp(min=1)
        same = torch.equal(y, activation.module(backend="triton")(x))
        found[f"{text} {saving} {dtype}"] = {
            "excess": float(((dx.double() - wanted).abs() / allowed).max()), "same_output": same
        }  # fmt: skip
    return found


def _stepped(layer, x, upstream):
    x = x.detach().clone().requires_grad_()
    y = layer(x)
    y.backward(upstream)
    return y.detach(), x.grad


def main():
    torch.set_num_threads(1)
    hasten()
    # What falls back to eager torch says so, which is an error here; numpy warns of lanes beyond the end of a tensor.
    warnings.filterwarnings("error", message=".*eager torch is")
    warnings.filterwarnings("ignore", module="triton|numpy")
    found = {
        "split": split_rows(),
        "alone": alone(),
        "moments": moments(),
        "rationals": rationals(),
        "savings": savings(),
    }
    json.dump(found, sys.stdout)


main()
