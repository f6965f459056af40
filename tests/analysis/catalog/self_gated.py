from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.rectified import with_slope
from tests.analysis.catalog.reference import IMAGES, held, ta

where, exp, tanh, sigmoid = torch.where, torch.exp, torch.tanh, torch.sigmoid


def cauchy(x):
    return torch.distributions.Cauchy(0.0, 1.0).cdf(x)


def normal(x):
    return torch.special.ndtr(x)


def expanded(cdf):
    """The gate with its range stretched from [0, 1] to [-a, 1 + a]."""
    return lambda x, a: x * ((1 + a) * cdf(x) - a * cdf(-x))


def standardised(x, z):
    """How far `x` is above mean + z deviations of its sample."""
    rest = tuple(range(1, x.dim()))
    mean = x.mean(rest, keepdim=True)
    return x - mean - z * torch.sqrt(((x - mean) ** 2).mean(rest, keepdim=True) + 1e-5)


def b_silu(x):
    return 1.67 * (sigmoid(x) - 0.5) + F.silu(x)


REFERENCES = {
    "silu": F.silu,
    "gelu": F.gelu,
    "swish": ta("adaptive.sigmoid_weighted:Swish", beta="a"),
    "quick_gelu": lambda x: F.silu(1.702 * x) / 1.702,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    "golu": ta("ExpExpish"),
    "aglu": lambda x, lam, kap: x * (lam * exp(-kap * x) + 1) ** (-1 / lam),
    "aptx": lambda x, a, b, g: g * x * (a + 1 - 2 / (1 + exp(2 * b * x))),
    "ps_tanh": ta("PSTanh", a="a_init", b="b_init"),
    "ahaf": ta("AHAF"),
    "e_swish": ta("adaptive.sigmoid_weighted:ESwish"),
    "pssilu": ta("PSSiLU"),
    "acon_b": ta("ACONB"),
    # A softmax-weighted mean of the two lines, which is how ACON is derived.
    "acon_c": lambda x, p1, p2, beta: (
        torch.stack([p1 * x, p2 * x]) * torch.softmax(beta * torch.stack([p1 * x, p2 * x]), 0)
    ).sum(0),
    "aria2": ta("ARiA"),
    "geu": ta("GEU", attributes={"alpha": "alpha"}),
    "shift_gelu": lambda x: x / (1 + exp(-x - x / 2 - x / 8 - x / 16)),
    "sgelu": ta("SGELU"),
    "calu": ta("CaLU"),
    "xatlu": expanded(cauchy),
    "xsilu": expanded(sigmoid),
    "xgelu": expanded(normal),
    "colu": ta("classical.sigmoid_weighted:CoLU"),
    "tss_swish": held(ta("TSSwish"), a=1.5, b=3.0),
    "g_swish": ta("GSwish"),
    "exponential_swish": ta("classical.sigmoid_weighted:ESwish"),
    "gish": held(ta("Gish"), tolerance=1e-8),
    "logish": ta("Logish"),
    "p_logish": held(ta("pLogish"), b=2.0),
    "lau": ta("LAU", a="a_init", b="b_init"),
    "loglogish": held(ta("LogLogish"), tolerance=1e-8),
    "self_arctan": ta("SelfArctan"),
    "phish": ta("Phish"),
    "tsrelu": ta("TSReLU"),
    "psgu": ta("PSGU"),
    "tbsrelu": ta("TBSReLU"),
    "tbsrelul": ta("TBSReLUl"),
    "d_silu": ta("dSiLU"),
    "double_silu": ta("DoubleSiLU"),
    "m_silu": ta("MSiLU"),
    "t_silu": ta("TSiLU"),
    "a_silu": ta("ASiLU"),
    "swat": ta("SwAT"),
    "rehsec": ta("ReHSec"),
    "lisht": ta("LiSHT"),
    "smish": ta("Smish"),
    "tanh_exp": ta("TanhExp"),
    "serf": ta("Serf"),
    "p_serf": ta("PSerf"),
    "erfact": ta("ErfAct"),
    "tanhsoft": ta("TanhSoft"),
    "tanhsoft1": ta("TanhSoft1"),
    "tanhsoft2": ta("TanhSoft2"),
    "tanhsoft3": held(ta("TanhSoft3"), tolerance=1e-8),
    "eanaf": ta("EANAF"),
    "sin_sig": ta("SinSig"),
    "sinlu": ta("classical.sigmoid_weighted:SinLU"),
    "coslu": ta("CosLU"),
    "fts": lambda x, t: where(x > 0, F.silu(x) + t, t),
    "oaf": ta("OAF"),
    "pfpm": lambda x, p: where(x > 0, F.mish(x) + p, p),
    "eis": ta("EIS", attributes={"d": "d", "b": "e"}),
    "eis_1": lambda x, d, b: x * torch.log(1 + exp(x)) / (x + d / exp(b * x)),
    "eis_2": lambda x, c: x * torch.log(1 + exp(x)) / torch.hypot(x, torch.tensor(c, dtype=x.dtype).sqrt()),
    "evolved_tanh_relu": ta("EvolvedTanhReLU"),
    "etanh": ta("ETanh"),
    "swish_asinh2": lambda x: x * torch.log(x + torch.sqrt(1 + x * x)) ** 2,
    "atan2_minus_x": ta("Arctid"),
    "max_sigmoid": ta("Maxsig"),
    "max_tanh": ta("SigLU"),
    "sinc_plus_x": lambda x: torch.sin(x) / x + x,
    "gelu_sine": lambda x: F.gelu(x) + torch.sin(x) / 10,
    "gelu_10": lambda x: F.gelu(x).clamp(-10, 10),
    "ash": held(lambda x, a, z: x * sigmoid(a * standardised(x, z)), IMAGES),
    "hard_ash": held(lambda x, a, z: x * (a * standardised(x, z) + 1).div(2).clamp(0, 1), IMAGES),
    "falu": held(lambda x, a, b: F.silu(b * x) / b + a * sigmoid(b * x) * (1 - F.silu(b * x) / b), a=0.75, b=1.5),
    "pats": ta("PATS"),
    "rmaf": ta("RMAF"),
    "cats": held(lambda x, t: where(F.silu(x).abs() > t, F.silu(x), 0), t=0.25),
    "bsilu": b_silu,
    "sugar_relu": with_slope(F.relu, torch.func.vmap(torch.func.vmap(torch.func.grad(b_silu)))),
}
