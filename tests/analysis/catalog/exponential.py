from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import held, ta

where, exp = torch.where, torch.exp


def split(above, below):
    """A function by its two pieces, of x above and below 0."""
    return lambda x, **parameters: where(x > 0, above(x, **parameters), below(x.clamp(max=0), **parameters))


def reltanh(x, a, b):
    a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    inside = x.clamp(a, b)
    return torch.tanh(inside) + (x - inside) / torch.cosh(inside) ** 2


REFERENCES = {
    "elu": F.elu,
    "elu_alpha": ta("FELU"),
    "survey_elu": ta("SurveyELU"),
    "celu": lambda x, a: F.celu(x, alpha=a),
    "celu2": lambda x: F.celu(x, alpha=2.0),
    "selu": F.selu,
    "pselu": ta("PSELU"),
    "lpselu": ta("LPSELU"),
    "lpselu_rp": ta("LPSELU_RP"),
    "lselu": ta("LeakyScaledExponentialLinearUnit"),
    "serlu": ta("ScaledExponentiallyRegularizedLinearUnit"),
    "sselu": ta("ScaledScaledExponentialLinearUnit"),
    "pelu": ta("PELU"),
    "mpelu": ta("MPELU"),
    # torch_activation has the reciprocal of the factor that makes it continuous at c.
    "edelu": held(
        lambda x, a, c: where(x > c, x, (exp(a * x) - 1) / ((torch.tensor(a * c, dtype=torch.float64).exp() - 1) / c)),
        c=0.75,
    ),
    "pfelu": ta("PFELU"),
    "sh_elu": ta("ShELU"),
    "psh_elu": ta("PShELU"),
    "psv_elu": ta("PSvELU"),
    "pe2relu": ta("PE2ReLU"),
    "pe2id": ta("PE2Id"),
    "delu_difference": ta("DifferenceELU"),
    "delu": ta("adaptive.relu:DELU", n="a"),
    "rsigelu": ta("RSigELU"),
    "rsigelud": ta("RSigELUD"),
    "hard_srelue": ta("HardSReLUE"),
    "elish": ta("ExponentialLinearSigmoidSquashing"),
    "reu": ta("REU"),
    "preu": ta("PREU"),
    "lalu": ta("LaLU"),
    "ada": ta("ADA"),
    "lada": ta("LADA"),
    "slu": ta("SLU"),
    "resp": ta("ReSP"),
    "tlu": ta("TanhLinearUnit"),
    "trelu": ta("TReLU"),
    "trelu2": ta("TReLU2"),
    "ptelu": ta("PTELU"),
    "talu": ta("TaLU"),
    "ptalu": ta("PTaLU"),
    "reltanh": held(reltanh, a=-1.25, b=0.5),
    "erf_relu": ta("ErfReLU"),
    "sign_relu": ta("SignReLU"),
    "ipolu": ta("InversePolynomialLinearUnit"),
    # torch_activation cuts x off at -0.999, where the paper does not.
    "polu": split(lambda x, a: x, lambda x, a: (1 - x) ** -a - 1),
    "lsrelu": held(ta("LSReLU"), a=0.75, b=1.5),
    "isrlu": ta("ISRLU"),
    "fpflu": held(ta("FasterPowerFunctionLinearUnit"), tolerance=1e-8),
    "sara": ta("SaRa"),
    # torch_activation's base is 1 - b*x on both sides, to the power 0 above.
    "pfplus": ta("PFPLUS"),
    "pswish": ta("adaptive.relu:TSwish"),
    "eapcu": ta("ElasticAdaptivelyParametricCompoundedUnit"),
    "leaf": ta("LEAF", attributes={"a": "alpha", "b": "beta", "c": "gamma"}),
    "elu_softplus": ta("ELUpSoftplus", a="alpha", b="beta"),
    "exponential_decay": ta("Exponential"),
    "exp": torch.exp,
    "symexp": ta("Symexp"),
    "s_exp": ta("SExp", a="a_init", b="b_init"),
    "xielu": split(
        lambda x, alpha_p, alpha_n: (alpha_p * x + 0.5) * x,
        lambda x, alpha_p, alpha_n: alpha_n * (exp(x.clamp(max=-1e-6)) - 1) + (0.5 - alpha_n) * x,
    ),
    "soft_exponential": held(ta("SoftExponential"), a=-0.1),
    # E of order 1/2 at -z is exp(z^2) erfc(z).
    "mittag_leffler_elu": split(lambda x: x, lambda x: torch.special.erfcx(-x) - 1),
    "elu_reflected": lambda x: -F.elu(-x),
    "elu_saturated": lambda x: torch.minimum(where(x > 0, 2.0, F.elu(x + 1) - 1), 1 - F.elu(1 - x.clamp(min=0))),
}
