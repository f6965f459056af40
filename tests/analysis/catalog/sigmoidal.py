from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import NEAR, held, mittag_leffler, ta

where, exp, tanh = torch.where, torch.exp, torch.tanh
normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))


def gumbel(x):
    return exp(-1 / exp(x))


def chaotic(x):
    """Three steps of the logistic map of r = 4: sin^2(8 t) where sin^2(t) is the sigmoid."""
    return torch.sin(8 * torch.asin(torch.sqrt(1 / (1 + exp(-x))))) ** 2


def spocu(x, a, b, c):
    def bounded(u):
        u = u.clamp(0, 1)
        return u**8 - 2 * u**7 + 2 * u**3

    return a * (bounded(x / c + b) - bounded(torch.tensor(b, dtype=torch.float64)))


def rational_tanh(x):
    y = x * (2 / 3)
    size = y.abs()
    return 1.7159 * y.sign() * (1 - (1 + size + size**2 + 1.41645 * size**4) ** -1)


def in_uniform(x, b, c):
    above, below = (c + x).clamp(min=1e-6) ** b, (c - x).clamp(min=1e-6) ** b
    return where(x.abs() < c, x * above / (above + below), F.relu(x))


REFERENCES = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "atan": torch.atan,
    "erf": torch.erf,
    "normal_cdf": normal.cdf,
    "softsign": F.softsign,
    "elliott": ta("Elliott"),
    "stanh": ta("STanh"),
    "adaptive_slope_tanh": ta("SVAF"),
    "assf": ta("ASSF"),
    "taaf": ta("TAAF", attributes={"a": "alpha", "b": "beta", "c": "gamma", "d": "delta"}),
    "trainable_amplitude": ta("TrainableAmplitude"),
    "p_sigmoid": ta("adaptive.sigmoid:PSigmoid"),
    "shifted_scaled_sigmoid": ta("ShiftedScaledSigmoid"),
    "tempered_sigmoid": ta("VariantSigmoidFunction", s="a", t="b", o="c"),
    "tanh_05": lambda x: (1 - exp(-x)) / (1 + exp(-x)),
    "adaptive_sigmoid": held(ta("AdaptiveSigmoid")),
    "arctan_gr": lambda x: torch.atan(x) / ((1 + math.sqrt(2)) / 2),
    "sigmoid_algebraic": ta("SigmoidAlgebraic"),
    "triple_state_sigmoid": held(ta("TripleStateSigmoid"), a=1.5, b=3.0),
    "improved_logistic": ta("ImprovedLogisticSigmoid"),
    "sig_lin": ta("SigLin"),
    "penalized_tanh": ta("PTanh"),
    "srs": ta("SRS"),
    "soft_clipping": ta("SC"),
    # torch_activation and the survey have exp(-x/d) below 0, which is not bounded.
    "hexpo": lambda x, a, b, c, d: where(x > 0, a * (1 - exp(-x / b)), c * (exp(x / d) - 1)),
    "smooth_step": ta("SmoothStep"),
    "sinc_sigmoid": ta("SincSigmoid"),
    "sigmoid_gumbel": ta("SigmoidGumbel"),
    "new_sigmoid": ta("NewSigmoid"),
    "root2sigmoid": ta("Root2sigmoid"),
    "loglog": ta("LogLog"),
    # torch_activation and the survey have -x for x, under which it falls.
    "cloglog": lambda x: 1 - gumbel(-x),
    "cloglog_m": lambda x: 1 - 2 * gumbel(-x - math.log(0.7)),
    "gompertz_3": lambda x, a, b, c: a * gumbel(c * x - math.log(b)),
    "richards": lambda x, q: (1 + q * exp(-x)) ** -2,
    "psf": ta("PSF"),
    "aranda_ordaz": ta("ArandaOrdaz"),
    "apa": lambda x, lam, kap: (lam * exp(-kap * x) + 1) ** (-1 / lam),
    "sech_sig": ta("SechSig"),
    "p_sech_sig": ta("pSechSig"),
    "tanh_sig": ta("TanhSig"),
    "p_tanh_sig": ta("pTanhSig"),
    "msaf": ta("MSAF"),
    "sym_msaf": ta("SymMSAF"),
    "rootsig": ta("Rootsig"),
    "scaled_softsign_input": ta("RootsigPlus"),
    "soft_tanh": ta("SoftTanh"),
    "scaled_softsign": ta("ScaledSoftsign", a="alpha"),
    "sigmoid_tanh": ta("SigmoidTanh"),
    "d_sigmoid": ta("dSigmoid"),
    "mishra": ta("Mishra"),
    "stac_tanh": ta("STACTanh"),
    "tanh_linear": ta("TanhLU"),
    "tanhshrink": F.tanhshrink,
    "sym_sigmoid": lambda x: tanh(x / 2) / 2,
    "gudermannian": lambda x: torch.atan(torch.sinh(x)),
    "laplace": lambda x: normal.cdf((x - math.sqrt(0.5)) / math.sqrt(0.25 / math.pi)),
    "laplace_cdf": lambda x: torch.distributions.Laplace(0.0, 1.0).cdf(x),
    "cauchy_cdf": lambda x: torch.distributions.Cauchy(0.0, 1.0).cdf(x),
    "relu_tanh": lambda x: tanh(F.relu(x)),
    "rational_tanh": rational_tanh,
    "chaotic_logistic": ta("HybridChaoticAF"),
    "hcaf": held(chaotic, NEAR),
    "fcaf_hidden": ta("FCAF_Hidden"),
    "fcaf_output": ta("FCAF_Output"),
    "ccaf": held(ta("CCAF"), a=0.75, b=0.8),
    "spocu": held(spocu, b=0.75),
    "puaf": held(in_uniform, c=5.0),
    "mittag_leffler_sigmoid": held(lambda x: 1 / (1 + mittag_leffler(-x, 0.75)), tolerance=1e-8),
    "sincos": ta("Sincos"),
    "css": ta("CSS"),
}
