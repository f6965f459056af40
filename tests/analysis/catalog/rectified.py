from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import held, ta

where = torch.where


class Slope(torch.autograd.Function):
    """`forward(x)` with the slope `backward(x)`, whatever the derivative is."""

    @staticmethod
    def forward(ctx, x, value, slope):
        ctx.save_for_backward(slope(x.detach()))
        return value(x.detach())

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None, None


def with_slope(value, slope):
    return lambda x, **parameters: Slope.apply(x, lambda u: value(u, **parameters), lambda u: slope(u, **parameters))


RECTIFIED = {
    "relu": F.relu,
    "abs": torch.abs,
    "identity": torch.nn.Identity(),
    "leaky_relu": F.leaky_relu,
    "vlrelu": lambda x: F.leaky_relu(x, 1 / 3),
    "olrelu": lambda x: F.leaky_relu(x, math.exp(-(8 + 3) / (8 - 3))),
    "prelu": lambda x, a: F.prelu(x, torch.tensor(a, dtype=x.dtype)),
    "trec": lambda x, a: F.threshold(x, a, 0.0),
    "slrelu": ta("SlReLU", a="alpha"),
    "dprelu": ta("DPReLU"),
    "dual_line": ta("DualLine"),
    "lelelu": ta("LeLeLU"),
    "arelu": held(ta("AReLU"), a=0.4, b=-1.0),
    "frelu": ta("FReLU"),
    "shilu": ta("ShiLU"),
    "shifted_relu": lambda x: x.clamp(min=-1.0),
    "displaced_relu": ta("DisReLU", delta="a"),
    "delay_relu": ta("DelayReLU"),
    "rprelu": ta("RPReLU"),
    "pilu": ta("PiLU"),
    "lirelu": ta("LiReLU"),
    "modified_lrelu": ta("ModifiedLReLU"),
    "relu2": ta("classical.squared:SquaredReLU"),
    "relu3": lambda x: where(x > 0, x * x * x, 0),
    "star_relu": ta("StarReLU"),
    "app_relu": held(ta("AppReLU"), b=2.25),
    "sgt": held(
        lambda x, a, alpha, b, beta: where(x > 0, b * x.abs() ** beta, -a * x.abs() ** alpha), alpha=1.5, beta=0.75
    ),
    "nlrelu": ta("NLReLU"),
    "prenu": ta("PReNU"),
    "sine_relu": ta("SineReLU"),
    "vlu": ta("VLU"),
    "crrelu": lambda x, eps: F.relu(x) + eps * x * (2 * torch.pi) ** 0.5 * normal(x),
    "sc_mish": ta("SCMish"),
    "sc_swish": ta("SCSwish"),
    "helu": with_slope(lambda x, a: x.clamp(min=0), lambda x, a: (x > -a).double()),
    "step_straight_through": with_slope(lambda x: (x > 0).double(), lambda x: (x.abs() < 1).double()),
    "sign_straight_through": with_slope(torch.sign, lambda x: (x.abs() < 1).double()),
    "biper": with_slope(lambda x, omega: torch.sin(omega * x).sign(), lambda x, omega: omega * torch.cos(omega * x)),
    "unit_scaled_relu": with_slope(
        lambda x: F.relu(x) / (0.5 - 0.5 / torch.pi) ** 0.5, lambda x: (x > 0).double() * 2.0**0.5
    ),
    "step": lambda x: (x > 0).double(),
    "sign": torch.sign,
    "rsign": lambda x, a: (x - a).sign(),
    "tri_state_relu": lambda x, w, d: w * where(x > 0, x, d * x),
}


def normal(x):
    return torch.distributions.Normal(0.0, 1.0).log_prob(x).exp()


def linq(x, a):
    inside = x - x * x.abs() / 4
    return where(x.abs() > 2 - 2 * a, a * x + x.sign() * (1 - a) ** 2, inside)


CLIPPED = {
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    # torch takes 1/6 of float32 in the gradient of its own.
    "hardsigmoid": lambda x: (x / 6 + 0.5).clamp(0, 1),
    "hard_sigmoid_2": ta("classical.relu:HardSigmoid"),
    "hard_sigmoid_5": lambda x: ta("classical.relu:HardSigmoid")(x, version=2),
    "satlin": lambda x: x.clamp(0, 1),
    "brelu": ta("classical.relu:BReLU"),
    "ft_clipact": lambda x, t: where((x > 0) & (x <= t), x, 0),
    "crelu_tau": lambda x, tau, m: (x - tau).clamp(0, m),
    "cst_tau": lambda x, tau, m: F.softshrink(x, tau).clamp(-m, m),
    "hardshrink": lambda x, a: F.hardshrink(x, lambd=a),
    "softshrink": lambda x, a: F.softshrink(x, lambd=a),
    "pan": ta("PanFunction"),
    "blrelu": ta("BLReLU"),
    "srelu": held(
        ta("adaptive.s_shaped:SReLU", tr="init_tr", tl="init_tl", ar="init_ar", al="init_al"), tr=1.5, tl=-0.5
    ),
    "lisa": ta("LiSA"),
    "plu": held(ta("PLU", c="b", attributes={"a": "a"}), a=0.3),
    "n_activation": ta("NActivation", a="init_a", b="init_b"),
    "adaptive_hardtanh": ta("AdaptiveHardTanh"),
    "sv_hardtanh": ta("SvHardTanh"),
    "bi_firing": ta("BiFiring"),
    "bounded_bi_firing": ta("BoundedBiFiring"),
    "tent": ta("Tent"),
    "hat": ta("Hat"),
    "lsptlu": ta("LSPTLU"),
    "hard_mish": lambda x: 0.5 * x * (x + 2).clamp(0, 2),
    "hardswish": F.hardswish,
    "hard_swish_beta": ta("adaptive.melu:HardSwish", b="b_init"),
    "aqulu": held(ta("AQuLU"), a=0.5, b=0.25),
    # torch_activation has 1 + exp(-x) below 0, where the paper has exp(x) - 1.
    "hard_elish": lambda x: where(x > 0, x, x.exp() - 1) * (0.5 * x + 0.5).clamp(0, 1),
    "sqnl": ta("SQNL"),
    "log_sqnl": ta("LogSQNL"),
    "sqlu": ta("SQLU"),
    "squish": ta("Squish"),
    # torch_activation has z^2 where a^2 makes the pieces meet.
    "linq": held(linq, a=0.5),
    "sq_softplus": ta("SqSoftplus"),
}

REFERENCES = {**RECTIFIED, **CLIPPED}
