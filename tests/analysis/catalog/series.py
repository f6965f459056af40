from __future__ import annotations

import math

import numpy as np
import torch
from numpy.polynomial import Chebyshev, HermiteE, Laguerre, Legendre, Polynomial
from scipy import special
from scipy.interpolate import BSpline
from torch.nn import functional as F  # noqa: N812

from tests.analysis.catalog.reference import NEAR, held, ta

where, exp, tanh = torch.where, torch.exp, torch.tanh


def power_series(x, coefficients):
    return sum(c * x**power for power, c in enumerate(coefficients))


def in_basis(kind, scales=None):
    """The series in one of numpy's bases, by its coefficients in powers."""

    def series(x, c):
        scaled = np.multiply(c, scales[: len(c)]) if scales else np.array(c)
        return power_series(x, kind(scaled).convert(kind=Polynomial).coef)

    return series


def recurrent(first, second, step):
    """The series of polynomials p0, p1 and p(n + 1) = step(n, x, p(n), p(n - 1)), as the papers define them."""

    def series(x, c, **parameters):
        before, now = first(x, **parameters), second(x, **parameters)
        total = c[0] * before + c[1] * now
        for n, coefficient in enumerate(c[2:], start=1):
            before, now = now, step(n, x, now, before, **parameters)
            total = total + coefficient * now
        return total

    return series


def of(inner, series):
    return lambda x, **parameters: series(inner(x), **parameters)


def one(x, **_):
    return torch.ones_like(x)


def jacobi(x, c, a, b):
    """By scipy's coefficients of the Jacobi polynomials."""
    return sum(w * power_series(tanh(x), special.jacobi(n, a, b).coef[::-1].tolist()) for n, w in enumerate(c))


def gegenbauer(x, c, alpha):
    return sum(w * power_series(x, special.gegenbauer(n, alpha).coef[::-1].tolist()) for n, w in enumerate(c))


class _Spline(torch.autograd.Function):
    """scipy's B-spline of the degree with uniform knots, the coefficient of index i centred at i."""

    @staticmethod
    def forward(ctx, u, coefficients, degree):
        padding = degree + 2
        padded = np.concatenate([np.zeros(padding), coefficients, np.zeros(padding)])
        knots = np.arange(len(padded) + degree + 1) - padding - (degree + 1) / 2
        ctx.spline = BSpline(knots, padded, degree, extrapolate=False)
        ctx.save_for_backward(u.detach())
        return torch.from_numpy(np.nan_to_num(ctx.spline(u.detach().numpy())))

    @staticmethod
    def backward(ctx, gradient):
        (u,) = ctx.saved_tensors
        return gradient * torch.from_numpy(np.nan_to_num(ctx.spline.derivative()(u.numpy()))), None, None


def spline(u, coefficients, degree):
    return _Spline.apply(u, np.array(coefficients), degree)


def rational(denominator):
    return lambda x, a, b: power_series(x, a) / denominator(x, b)


def bumps(x, c):
    """ReLU-KAN's bumps on [s, e] = [-2, 0], [-1, 1], [0, 2], scaled to height 1."""
    return sum(w * (F.relu(e - x) * F.relu(x - e + 2)) ** 2 * 16 / 2**4 for w, e in zip(c, (0, 1, 2), strict=True))


def mixed(*functions):
    """The functions weighted by the softmax of w."""

    def blend(x, w):
        weights = torch.softmax(torch.tensor(w, dtype=x.dtype), 0)
        return sum(weight * function(x) for weight, function in zip(weights, functions, strict=True))

    return blend


POLYNOMIAL = {
    "square": torch.square,
    "cube": lambda x: x * x * x,
    "triple": ta("Triple"),
    "squ": ta("SQU"),
    "slaf": ta("SLAF", attributes={"a": "a"}),
    "quadratic_trained": lambda x, a, b, c: c + x * (b + x * a),
    "polyrelu": lambda x, a: power_series(F.relu(x), a),
    "chebyshev": in_basis(Chebyshev),
    "chebyshev_kan": lambda x, c: sum(w * torch.cos(n * torch.acos(tanh(x))) for n, w in enumerate(c)),
    "chebyshev_second": of(tanh, recurrent(one, lambda y: 2 * y, lambda _, y, now, before: 2 * y * now - before)),
    "legendre": in_basis(Legendre),
    "hermite": ta("HPAF", attributes={"c": "coefficients"}),
    "hermite_functions": lambda x, c: (
        exp(-x * x / 2)
        * sum(
            w / math.sqrt(2.0**n * math.factorial(n)) * power_series(x, special.hermite(n).coef[::-1].tolist())
            for n, w in enumerate(c)
        )
    ),
    "probabilists_hermite": in_basis(HermiteE, [1 / math.sqrt(math.factorial(n)) for n in range(4)]),
    "laguerre": in_basis(Laguerre),
    "bessel_polynomial": recurrent(one, lambda x: x + 1, lambda n, x, now, before: (2 * n + 1) * x * now + before),
    "fibonacci_polynomial": recurrent(one, lambda x: x, lambda _, x, now, before: x * now + before),
    "lucas_polynomial": recurrent(lambda x: 0 * x + 2, lambda x: x, lambda _, x, now, before: x * now + before),
    "gegenbauer": gegenbauer,
    "jacobi_kan": jacobi,
    "bernstein": lambda x, c: sum(
        w * math.comb(3, n) * torch.sigmoid(x) ** n * (1 - torch.sigmoid(x)) ** (3 - n) for n, w in enumerate(c)
    ),
}
RATIONAL = {
    "pau_a": held(rational(lambda x, b: 1 + sum((w * x**n).abs() for n, w in enumerate(b, start=1)))),
    "pau_b": rational(lambda x, b: 1 + power_series(x, [0, *b]).abs()),
    "pau_c": rational(lambda x, b: 0.1 + power_series(x, b).abs()),
    "pau_n": rational(lambda x, b: power_series(x, [1, *b])),
    "kat_rational": ta("RPAU", attributes={"a": "a", "b": "b"}),
    "era": ta("ERA", attributes={"a": "a", "b": "b"}),
    "era_partial": lambda x, a, b, c, d, f, g: (
        a * x
        + b
        + ((complex(f, g) * c + d) / (complex(f, g) - complex(f, -g)) / (x - complex(f, g))).real
        + ((complex(f, -g) * c + d) / (complex(f, -g) - complex(f, g)) / (x - complex(f, -g))).real
    ),
    "opau": ta("OPAU", attributes={"a": "c", "b": "d"}),
    "rational_22": lambda x, p, q: power_series(x, p) / power_series(x, q),
    "gra": held(lambda x, a, b: (1 + b * x.abs()) ** 2 / (a + (1 + b * x.abs()) ** 2)),
}
SPLINE = {
    # On [-1, 1] with 5 intervals: knots -1 - 3*0.4, ..., 1 + 3*0.4, as the paper's code extends the grid.
    "bspline_edge": held(lambda x, w, s, c: w * F.silu(x) + s * spline(2.5 * (x + 1) + 1, c, 3), NEAR),
    "spline_1d": lambda x, c: x + spline(x + 3, c, 3),
    "deep_spline_linear": lambda x, c: x + spline(x + 3, c, 1),
    "tabulated": lambda x, c: spline(2 * (x + 4), c, 1),
    "quadratic_spline": lambda x, c: x + spline(x + 3, c, 2),
    "apl": ta("APLU", attributes={"a": "a", "b": "b"}),
    "splash": lambda x, a, b: sum(
        p * F.relu(x - n) + q * F.relu(-x - n) for n, (p, q) in enumerate(zip(a, b, strict=True))
    ),
    "mtlu": ta("MTLU", attributes={"s": "slopes"}),
    "relu_kan": bumps,
    "melu": ta("MeLU", attributes={"a": "prelu_weight", "c": "a"}),
    "galu": ta("GaLU", attributes={"a": "prelu_weight", "c": "a"}),
    "mmelu": held(ta("MMeLU", a="init_a", b="init_b", c="init_c"), a=0.75),
}
BLENDED = {
    "abu": ta("ABU", a="init_weights"),
    "gabu": ta("GABU", attributes={"a": "gates"}),
    "apaf": ta("APAF", attributes={"a": "weights"}),
    "tca": ta("TCA", attributes={"a": "a", "b": "b"}),
    "tca_v2": ta("TCAv2", attributes={"a": "a", "b": "b", "c": "c"}),
    "dknn": ta("DKNN", attributes={"a": "a", "b": "b"}),
    "cat_af": ta("CatAF", attributes={"alpha": "alpha", "beta": "beta"}),
    "mba": mixed(F.relu, tanh, torch.sigmoid),
    "darts_mixture": mixed(F.relu, tanh, torch.sigmoid, lambda x: x),
    "vaf": ta("VAF", attributes={"a": "a", "b": "b", "c": "c"}),
    "nin_unit": lambda x, w, b, v, d: F.threshold(v * F.threshold(w * x + b, 0, 0) + d, 0, 0),
    "series_activation": lambda x, a, b: sum(p * F.relu(x + q) for p, q in zip(a, b, strict=True)),
    "annealed_linear": lambda x, t: F.leaky_relu(x, negative_slope=t),
    "adaptive_combination_1": ta("AdaptiveCombination1"),
    "adaptive_combination_2": ta("AdaptiveCombination2", b="prelu_slope", c="pelu_alpha", d="pelu_beta"),
    "psigramp": lambda x, a, b: torch.lerp(
        (b * x + 0.5).clamp(0, 1), torch.sigmoid(x), torch.sigmoid(torch.tensor(a, dtype=x.dtype))
    ),
    "uaf": held(
        lambda x, a, b, c, d, f: torch.log(1 + exp(a * (x + b) + c * x**2)) - torch.log(1 + exp(d * (x - b))) + f,
        tolerance=1e-8,
    ),
}
REFERENCES = {**POLYNOMIAL, **RATIONAL, **SPLINE, **BLENDED}
