from __future__ import annotations

import math

import torch

from tests.analysis.catalog.reference import held, mittag_leffler, ta

where, exp, sin, cos = torch.where, torch.exp, torch.sin, torch.cos
SCALE = 2 / (math.sqrt(3) * math.pi**0.25)


def derivative(function, order):
    """The derivative of a function of one number, by autograd."""
    for _ in range(order):
        function = torch.func.grad(function)
    return torch.func.vmap(torch.func.vmap(function))


def triangle(x):
    """Of period 4: up from -1 at -1 to 1 at 1, down again to -1 at 3."""
    return 2 / math.pi * torch.asin(sin(math.pi / 2 * x))


def matern(order, x):
    """The Matern covariance of smoothness `order` + 1/2 by its polynomial of x times sqrt(2*order + 1)."""
    size = math.sqrt(2 * order + 1) * x.abs()
    terms = (
        math.factorial(order + i) / (math.factorial(i) * math.factorial(order - i)) * (2 * size) ** (order - i)
        for i in range(order + 1)
    )
    return exp(-size) * math.factorial(order) / math.factorial(2 * order) * sum(terms)


def wendland(level, x):
    """Wendland's functions in three dimensions as integrals of (1 - r)^l, which their paper starts from."""
    r = x.abs().clamp(max=1)
    if level == 1:
        return (1 - r) ** 4 + 4 * r * (1 - r) ** 4
    return (1 - r) ** 6 * (1 + 6 * r + 35 / 3 * r * r)


def gauss(x, scale):
    return torch.distributions.Normal(torch.zeros_like(x), scale).log_prob(x).exp()


def gaussians(centres, width, weights, x):
    return sum(w * exp(-(((x - c) / width) ** 2)) for c, w in zip(centres, weights, strict=True))


REFERENCES = {
    "sin": torch.sin,
    "cos": torch.cos,
    "siren": ta("Sine"),
    "snake": lambda x, a: x + (1 - cos(2 * a * x)) / (2 * a),
    "snake_beta": lambda x, a, b: x + (1 - cos(2 * a * x)) / (2 * b),
    "x_plus_sin": lambda x: x + cos(x - math.pi / 2),
    "x_plus_cos": lambda x: x + sin(x + math.pi / 2),
    "cosid": ta("Cosid"),
    "minsin": ta("Minsin"),
    "cosine_one": lambda x: 2 * sin(x / 2) ** 2,
    "sinp": ta("Sinp"),
    "save_based": ta("SAVEBased"),
    "gcu": ta("GCU"),
    "asu": ta("ASU"),
    "sinc": ta("Sinc"),
    "ssu": ta("SSU"),
    "dsu": ta("DSU"),
    "ncu": ta("NCU"),
    "comb_h_sine": ta("CombHSine"),
    "hyper_sinh": ta("HyperSinh"),
    "s_sinh": ta("SSinH", a="a_init", b="b_init"),
    "triangle_wave": triangle,
    "periodic_relu": lambda x: torch.acos(cos(math.pi * x)) / math.pi - 0.5,
    "expcos": ta("Expcos"),
    "wavelet_sin_cos": lambda x, w1, w2: torch.complex(torch.cos(x), torch.sin(x)).mul(complex(w2, -w1)).real,
    "finer": lambda x, omega: sin(omega * (x + x * x.abs())),
    "fourier_series": ta("FSA", attributes={"a": "a", "b": "b", "c": "c", "d": "d"}),
    "cosine_network": ta("CPN", attributes={"c": "coeffs"}),
    "rowdy": ta("RowdyActivation", attributes={"a": "a"}, c="scaling_factor"),
    "daruan": lambda x, w, f, p: sum(
        a * torch.polar(torch.ones_like(x), b * x + c).real for a, b, c in zip(w, f, p, strict=True)
    ),
    "gln": lambda x, a, b: torch.lerp(torch.tanh(x), sin(x), torch.sigmoid(torch.tensor(a, dtype=x.dtype))) - b,
    "mexican_hat": lambda x: -SCALE * derivative(lambda u: exp(-u * u / 2), 2)(x),
    "piecewise_mexican_hat": ta("PiecewiseMexicanHat"),
    "morlet": lambda x, omega: exp(torch.complex(-x * x / 2, omega * x)).real,
    "gabor_real": held(lambda x, omega, s: exp(torch.complex(-((s * x) ** 2), omega * x)).real, omega=3.0, s=0.5),
    "gaussian_derivative": derivative(lambda u: exp(-u * u / 2), 1),
    "gaussian_derivative_3": derivative(lambda u: exp(-u * u / 2), 3),
    "dog_wavelet": lambda x: math.sqrt(2 * math.pi) * (gauss(x, 1.0) - gauss(x, 2.0)),
    "haar": lambda x: where((x >= 0) & (x < 0.5), 1.0, 0.0).double() - where((x >= 0.5) & (x < 1), 1.0, 0.0),
    "shannon_wavelet": lambda x: (sin(2 * math.pi * x) - sin(math.pi * x)) / (math.pi * x),
    "wave_unit": ta("Wave"),
    "mwf": ta("MWF"),
    "polyexp": ta("Polyexp"),
    "gaussian": lambda x: 1 / exp(x * x),
    "arbf": lambda x, a, b: gauss(x - a, b) * b * math.sqrt(2 * math.pi),
    "prbf": held(ta("PiecewiseRadialBasisFunction"), b=1.5, a=2.5),
    "mittag_leffler_gaussian": lambda x: torch.special.erfcx(x * x),
    "mittag_leffler_cosine": held(lambda x: mittag_leffler(-x * x, 1.75), tolerance=1e-8),
    "inverse_multiquadric": lambda x, epsilon: cos(torch.atan(epsilon * x)),
    "inverse_quadratic": lambda x, epsilon: cos(torch.atan(epsilon * x)) ** 2,
    "thin_plate": lambda x: x * x * torch.log(x.abs()),
    "matern_12": lambda x: matern(0, x),
    "matern_32": lambda x: matern(1, x),
    "matern_52": lambda x: matern(2, x),
    "matern_activation_32": lambda x: where(x > 0, x / exp(x.clamp(min=0)), 0),
    "wendland_c2": lambda x: wendland(1, x),
    "wendland_c4": lambda x: wendland(2, x),
    "rational_quadratic": lambda x, alpha: (1 + x * x / 2 / alpha) ** -alpha,
    "sech": lambda x: 2 / (exp(x) + exp(-x)),
    "sech2": lambda x: 4 * torch.sigmoid(2 * x) * torch.sigmoid(-2 * x),
    "reflectional_switch": lambda x, g, h: 1 / torch.cosh((x - g) / h) ** 2,
    "elephant": lambda x, a, d: 1 / (1 + (x / a).abs() ** d),
    "cauchy": lambda x, l1, l2, d: l1 * x / (x**2 + d**2) + l2 / (x**2 + d**2),
    "fastkan": lambda x, c, h, w: gaussians(range(-2, 3), h, c, x) + w * x * torch.sigmoid(x),
    "kaf": lambda x, c, g: gaussians(range(-3, 4), g**-0.5, c, x),
    "mogu": lambda x, a, m, s: sum(p * gauss(x - q, r) for p, q, r in zip(a, m, s, strict=True)),
    "binary_window": lambda x: ((x >= -1) & (x < 1)).double(),
}
