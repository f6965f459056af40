from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import IMAGES, ROWS, held, ta
from tests.analysis.catalog.series import power_series

where, exp, sigmoid, tanh = torch.where, torch.exp, torch.sigmoid, torch.tanh


def halves(kind):
    """A gate of torch's, which takes value and gate as halves of one tensor."""
    return lambda x, gate: kind(torch.cat([x, gate], -1))


def layer(name, module="classical.glu"):
    """A gate of torch_activation, whose two halves lie side by side: the gated one first."""

    def call(x, gate):
        return ta(f"{module}:{name}")(torch.cat([gate, x], -1))

    return call


def expanded(cdf):
    return lambda x, gate, a: x * gate * ((1 + a) * cdf(gate) - a * cdf(-gate))


def cauchy(x):
    return 0.5 + torch.atan2(x, torch.ones_like(x)) / math.pi


def normal(x):
    return 0.5 * torch.erfc(-x / math.sqrt(2))


def pair(function):
    """Two lanes from a function of a complex number."""

    def lanes(x, gate, **parameters):
        z = function(torch.complex(x, gate), **parameters)
        return z.real, z.imag

    return lanes


def modulus(z):
    return torch.sqrt(z.real**2 + z.imag**2 + 1e-6)


def reflected(x, gate, theta):
    """Either the point or its reflection on the line at theta/2, whichever is below that line."""
    normal_x, normal_y = math.sin(theta / 2), -math.cos(theta / 2)
    distance = (normal_x * x + normal_y * gate).clamp(max=0)
    return x - 2 * distance * normal_x, gate - 2 * distance * normal_y


def saturated(function):
    """The partners of a convex activation as the paper on constrained monotonic networks defines them."""

    def lanes(x):
        at_one = function(torch.ones_like(x))
        low, high = function(x + 1) - at_one, -function(1 - x) + at_one
        return function(x), -function(-x), where(x < 0, low, high)

    return lanes


def rows(function):
    """Non-negative weights divided by their sum along the last dimension."""
    return lambda x, **parameters: F.normalize(function(x, **parameters), p=1, dim=-1)


def padded_softmax(x):
    """Softmax over the row with a 0 added to it, without that entry."""
    return torch.softmax(F.pad(x, (0, 1)), -1)[..., :-1]


def kept(x, share, values):
    """`values` where x is above the quantile of its row, which lies between two entries of 16."""
    count = round(share * x.shape[-1] + 0.5)
    threshold = x.topk(count, -1).values[..., -1:]
    return where(x >= threshold, values, 0)


def per_channel(value, x):
    return torch.full((1, x.shape[1], 1, 1), value, dtype=x.dtype)


def moments(x, axes, eps):
    mean = x.mean(axes, keepdim=True)
    return torch.sqrt(((x - mean) ** 2).mean(axes, keepdim=True) + eps)


def grouped(x, function):
    parts = x.reshape(x.shape[0], 32, -1)
    return function(parts).reshape(x.shape[0], 32, 1, 1).repeat_interleave(x.shape[1] // 32, 1)


def rms(x, axes, eps=1e-5):
    return torch.sqrt((x * x).mean(axes, keepdim=True) + eps)


def polynorm(x, a):
    return a[0] + sum(w * F.rms_norm(x**n, x.shape[-1:], eps=1e-6) for n, w in enumerate(a[1:], start=1))


def simam(x, lam):
    """As in the paper: by the sum over the other positions."""
    others = x.shape[-1] * x.shape[-2] - 1
    distance = (x - x.mean((2, 3), keepdim=True)) ** 2
    return x * sigmoid(distance / (4 * (distance.sum((2, 3), keepdim=True) / others + lam)) + 0.5)


def grn(x, g, b):
    size = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
    return x + g * x * size / (size.mean(1, keepdim=True) + 1e-6) + b


def squash(x):
    square = (x * x).sum(-1, keepdim=True)
    return square / (1 + square) * x / torch.sqrt(square) * torch.sqrt(1 + 1e-6 / square)


def group_deviation(x):
    return grouped(x, lambda part: moments(part, -1, 1e-5))


def aoaf(x, b, c):
    mean = x.flatten(1).mean(1).reshape(-1, 1, 1, 1)
    return where(x > b * mean, x - (b - c) * mean, c * mean)


STOCHASTIC = {
    "silu_relu_switch": lambda x, p: torch.lerp(F.relu(x), F.silu(x), min(p, 1.0)),
    "soi_map": F.gelu,
    "bernoulli_unit": torch.sigmoid,
    "stochastic_sign": F.hardtanh,
    "drop_activation": held(lambda x, p: F.leaky_relu(x, 1 - p), p=0.75),
    "rrelu": lambda x: F.rrelu(x, training=False),
    "erelu": lambda x, alpha: F.relu(x),
    "eprelu": lambda x, alpha, a: F.leaky_relu(x, a),
    "pats_uniform": ta("PATS"),
    "pau_d": lambda x, a, b: power_series(x, a) / (1 + power_series(x, [0, *b]).abs()),
}
GATED = {
    "bilinear": lambda x, gate: ((x + gate) ** 2 - (x - gate) ** 2) / 4,
    "gtu": lambda x, gate: F.glu(torch.cat([tanh(x), gate], -1)),
    "glu": halves(F.glu),
    "reglu": layer("ReGLU"),
    "geglu": layer("GEGLU"),
    "swiglu": layer("SwiGLU"),
    "swiglu_beta": lambda x, gate, beta: x * F.silu(beta * gate) / beta,
    "swiglu_clipped": lambda x, gate: (1 + x.clamp(-7, 7)) * F.silu(1.702 * gate.clamp(max=7)) / 1.702,
    "drelu": lambda x, gate: where((x > 0) & (gate > 0), x * gate, 0),
    "atglu": lambda x, gate: x * gate * cauchy(gate),
    "xatglu": expanded(cauchy),
    "xsiglu": expanded(sigmoid),
    "xgeglu": expanded(normal),
}
LANES = {
    "maxout2": lambda x, gate: torch.stack([x, gate]).amax(0),
    "lwta": lambda x, gate: (where(x > gate, x, 0), where(x > gate, 0, gate)),
    "lp_unit": lambda x, gate: torch.sqrt(torch.stack([x * x, gate * gate]).mean(0) + 1e-6),
    "crelu": lambda x: ta("classical.relu:CReLU")(x, dim=0).chunk(2, 0),
    "ncrelu": lambda x: ta("classical.relu:NCReLU")(x, dim=0).chunk(2, 0),
    "concat_elu": lambda x: F.elu(torch.cat([x, -x])).chunk(2),
    "paired_relu": lambda x, **parameters: ta("PairedReLU")(x, **parameters).chunk(2, 1),
    "oplu": lambda x, gate: tuple(torch.stack([x, gate]).sort(0, descending=True).values),
    "householder": held(reflected, theta=1.0),
    "dual_relu": lambda x, gate: where(x > 0, x, 0) - where(gate > 0, gate, 0),
    "dual_elu": lambda x, gate: ta("classical.maxsig:DualELU")(torch.cat([x, gate], -1)),
    "bipolar_relu": lambda x, gate: (x.clamp(min=0), gate.clamp(max=0)),
    "monotonic_relu": saturated(F.relu),
    "monotonic_elu": saturated(F.elu),
    "wire": held(
        lambda x, omega, s: ((z := exp(torch.complex(-((s * x) ** 2), omega * x))).real, z.imag), omega=3.0, s=0.5
    ),
    "modrelu": pair(lambda z, b: F.relu(modulus(z) + b) * z / modulus(z)),
    "z_relu": lambda x, gate: tuple(((x > 0) & (gate > 0)).double() * torch.stack([x, gate])),
    "complex_relu": lambda x, gate: (x.clamp(min=0), gate.clamp(min=0)),
    "complex_cardioid": pair(lambda z: 0.5 * (1 + z.real / modulus(z)) * z),
    "complex_squash": pair(lambda z: z / (1 + modulus(z))),
}
ATTENTION = {
    "softmax": held(lambda x: torch.softmax(x, -1), ROWS),
    "softmin": held(lambda x: F.softmin(x, -1), ROWS),
    "log_softmax": held(lambda x: torch.log_softmax(x, -1), ROWS),
    "softmax_beta": held(ta("BetaSoftmax"), ROWS),
    "softmax_one": held(padded_softmax, ROWS),
    "softermax": held(rows(torch.exp2), ROWS),
    "taylor_softmax": held(rows(lambda x: ((1 + x) ** 2 + 1) / 2), ROWS),
    "spherical_softmax": held(rows(torch.square), ROWS),
    "sqmax": held(ta("SQMAX"), ROWS),
    "softplus_rows": held(rows(F.softplus), ROWS),
    "sigmoid_rows": held(rows(sigmoid), ROWS),
    "sigmoid_attention": held(lambda x: 1 / (1 + x.shape[-1] * exp(-x)), ROWS),
    "relu_rows": held(lambda x: x.clamp(min=0) / x.shape[-1], ROWS),
    "rela": held(lambda x: F.rms_norm(F.relu(x), x.shape[-1:], eps=1e-5), ROWS),
    "stablemax": held(rows(lambda x: where(x >= 0, x + 1, 1 / (1 - x.clamp(max=0)))), ROWS),
    "squash": held(squash, ROWS),
}


NORMALISING = {
    "abrelu": held(lambda x: F.relu(x - torch.stack([sample.mean() for sample in x]).reshape(-1, 1, 1, 1)), IMAGES),
    "aoaf": held(aoaf, IMAGES),
    "evonorm_b0": held(
        lambda x, v, g, b: g * x / torch.maximum(moments(x, (0, 2, 3), 1e-3), v * x + moments(x, (2, 3), 1e-3)) + b,
        IMAGES,
        training=True,
    ),
    "evonorm_b1": held(
        lambda x, g, b: g * x / torch.maximum(moments(x, (0, 2, 3), 1e-5), (x + 1) * rms(x, (2, 3))) + b,
        IMAGES,
        training=True,
    ),
    "evonorm_b2": held(
        lambda x, g, b: g * x / torch.maximum(moments(x, (0, 2, 3), 1e-5), rms(x, (2, 3)) - x) + b,
        IMAGES,
        training=True,
    ),
    "evonorm_s0": held(lambda x, v, g, b: g * x * sigmoid(v * x) / group_deviation(x) + b, IMAGES),
    "evonorm_s1": held(lambda x, g, b: g * F.silu(x) / group_deviation(x) + b, IMAGES),
    "evonorm_s2": held(lambda x, g, b: g * F.silu(x) / grouped(x, lambda part: rms(part, -1)) + b, IMAGES),
    "frn_tlu": held(
        lambda x, g, b, tau: (g * x * torch.rsqrt((x * x).mean((2, 3), keepdim=True) + 1e-6) + b).clamp(min=tau), IMAGES
    ),
    "grn": held(grn, IMAGES),
    "simam": held(simam, IMAGES),
    "polynorm": held(polynorm, ROWS),
    "dyt": lambda x, alpha, g, b: b + g * (1 - 2 / (exp(2 * alpha * x) + 1)),
    "derf": lambda x, alpha, s, g, b: b + g * (1 - torch.erfc(alpha * x + s)),
    "k_sparse": held(lambda x: kept(x, 0.1, x), ROWS),
    "lazy_neuron_topk": held(lambda x: kept(x, 0.1, F.relu(x)), ROWS),
    "statistical_topk": held(
        lambda x, q: F.softshrink(x - x.mean(-1, keepdim=True), 0).sub(q * moments(x, -1, 1e-5)).clamp(min=0), ROWS
    ),
}


REFERENCES = {**STOCHASTIC, **GATED, **LANES, **ATTENTION, **NORMALISING}
