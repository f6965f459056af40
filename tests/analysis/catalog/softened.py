from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import held, ta

where = torch.where


def convolved(kinked, kernel, width, x):
    """The convolution of a piecewise linear function with `kernel`, whose support is [-width, width], by quadrature."""
    nodes, weights = (torch.tensor(part) for part in legendre(400))
    # The kink at t = x splits the integral in two smooth ones.
    middle = x.detach().clamp(-width, width).unsqueeze(-1)
    total = 0
    for low, high in ((-width, middle), (middle, width)):
        half = (high - low) / 2
        t = (high + low) / 2 + half * nodes
        total = total + (half * weights * kinked(x.unsqueeze(-1) - t) * kernel(t)).sum(-1)
    return total


def legendre(count):
    from numpy.polynomial.legendre import leggauss

    return leggauss(count)


def normal(t, scale):
    return torch.exp(-0.5 * (t / scale) ** 2) / (scale * math.sqrt(2 * math.pi))


def leaky(a):
    return lambda x: where(x > 0, x, a * x)


def root_plus(name, **renamed):
    """One of the family whose absolute values are square roots."""
    return ta(f"adaptive.msrf:{name}", **renamed)


REFERENCES = {
    "softplus": F.softplus,
    "parametric_softplus": ta("ParametricSoftplus"),
    "softplus_beta": lambda x, beta: F.softplus(x, beta, threshold=1000),
    "soft_plus_plus": held(lambda x, a, b: torch.log((1 + torch.exp(a * x)) / 2) + x / b),
    "shifted_softplus": lambda x: torch.log(0.5 * torch.exp(x) + 0.5),
    "rand_softplus": ta("RandSoftplus"),
    "logsigmoid": F.logsigmoid,
    "logcosh": lambda x: torch.log(torch.cosh(x)),
    "squareplus": lambda x, b: b / 2 / (torch.sqrt(x * x + b) - x),
    "smelu": held(lambda x, b: convolved(F.relu, lambda t: torch.full_like(t, 1 / (2 * b)), b, x), b=1.25),
    "relu_gaussian": held(lambda x, s: convolved(F.relu, lambda t: normal(t, s), 9.0 * s, x), s=0.75),
    "sau": held(lambda x, a, b: convolved(leaky(a), lambda t: normal(t, 1 / b), 9.0 / b, x), a=0.25, b=1.5),
    "smu": ta("SMU"),
    "smu_1": lambda x, a, b: 0.5 * (x + a * x + torch.hypot(x - a * x, torch.tensor(b, dtype=torch.float64))),
    "mollified_abs": root_plus("MollifiedAbsoluteValue"),
    "step_plus": root_plus("StepPlus"),
    "bipolar_plus": root_plus("BipolarPlus"),
    "lrelu_plus": root_plus("LReLUPlus", a="negative_slope"),
    "softshrink_plus": root_plus("SoftshrinkPlus", a="lambda_val"),
    "pan_plus": root_plus("PanPlus"),
    "brelu_plus": root_plus("BReLUPlus"),
    "srelu_plus": root_plus("SReLUPlus"),
    "hardtanh_plus": root_plus("HardTanhPlus"),
    "hardshrink_plus": root_plus("HardshrinkPlus", a="lambda_val"),
    "melu_component_plus": root_plus("MollifiedMeLUComponent"),
    "tsaf_plus": root_plus("TSAFPlus"),
    "elu_plus": root_plus("ELUPlus"),
    "swish_plus": root_plus("SwishPlus"),
    "mish_plus": root_plus("MishPlus"),
    "logish_plus": root_plus("LogishPlus"),
    "softsign_plus": root_plus("SoftsignPlus"),
    "sign_relu_plus": root_plus("SignReLUPlus"),
    "soft_modulus_q": ta("SoftModulusQ"),
    "soft_modulus_t": ta("SoftModulusT"),
    "plaf": ta("PLAF"),
    "bent_identity": ta("BentIdentity"),
    # torch_activation leaves the -1 out of the factor a, so that the function is not 0 at 0.
    "blu": lambda x, a: x + a * (torch.hypot(x, torch.ones_like(x)) - 1),
    "reblu": lambda x, a: where(x > 0, x + a * (torch.hypot(x, torch.ones_like(x)) - 1), 0),
    "pflu": held(ta("PowerFunctionLinearUnit"), tolerance=1e-8),
    "swim": ta("Swim"),
    "maf": lambda x, a, b: torch.hypot(x - a, torch.full_like(x, b)),
    "sqrt_signed": ta("SQRT"),
    "ssaf": ta("SSAF"),
    "symlog": lambda x: where(x > 0, torch.log(1 + x.abs()), -torch.log(1 + x.abs())),
    "asinh": torch.asinh,
    "mod_asinh": ta("ModifiedArcsinh"),
    "logarithmic": lambda x: 1 + x.sign() * torch.log(x.abs()),
    "log_abs": lambda x: torch.log(x.abs() + 1e-7),
    "isru": ta("ISRU"),
    "mef": ta("MEF"),
}
