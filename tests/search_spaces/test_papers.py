"""The functions that the papers are known for are in their spaces."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.interpolate import BSpline
from torch.nn import functional

from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, walk
from actsearch.grammar.space.rules import RuleSpace
from tests.search_spaces.conftest import space_called
from tests.search_spaces.derive import activation, derive, layer, points

X = ("plain", "x")
BY_TEXT = {
    "Swish in its search": (
        "swish", ("gate", ("scale", "x"), ("identity", "x")), "x * sigmoid(beta * x)", {"beta": (1.0, "channel")},
    ),
    "Swish as a tree": (
        "pangaea",
        ("plain", ("operator", ("multiply", X, ("plain", ("operator", ("sigmoid", ("learned", ("times", "x")))))))),
        "x * sigmoid(alpha * x)", {"alpha": (1.0, "channel")},
    ),
    "PANGAEA with three parameters": (
        "pangaea",
        ("learned", ("times", ("operator", ("sigmoid", ("plain", ("operator", (
            "subtract", ("learned", ("times", ("operator", ("abs", X)))),
            ("plain", ("operator", ("atan", ("learned", ("times", "x"))))),
        ))))))),
        "a * sigmoid(b * abs(x) - atan(c * x))", dict.fromkeys("abc", (1.0, "channel")),
    ),
    "SwiGLU": ("gated", ("glu", "silu"), "silu(gate) * x", {}),
    "GEGLU": ("gated", ("glu", "gelu"), "gelu(gate) * x", {}),
    "ReGLU": ("gated", ("glu", "relu"), "relu(gate) * x", {}),
    "Bilinear": ("gated", ("glu", "identity"), "gate * x", {}),
    "dReLU": ("gated", ("both", "relu", "relu"), "relu(gate) * relu(x)", {}),
    "xSiLU, gated": (
        "gated", ("expanded", "sigmoid"), "gate * (sigmoid(gate) * (1 + 2 * a) - a) * x", {"a": 0.0},
    ),
    "Maxout": ("gated", "maxout", "maximum(x, gate)", {}),
    "xATLU": ("expanded", ("expanded", ("atan", "x")), "x * ((atan(x) / pi + 0.5) * (1 + 2 * a) - a)", {"a": 0.0}),
    "xSiLU": ("expanded", ("expanded", ("sigmoid", "x")), "x * (sigmoid(x) * (1 + 2 * a) - a)", {"a": 0.0}),
    "xGELU": ("expanded", ("expanded", ("normal", "x")), "x * (normal_cdf(x) * (1 + 2 * a) - a)", {"a": 0.0}),
    "SiLU or ReLU": (
        "stochastic", ("switch", "learned", "silu", "relu"), "stochastic(p, silu(x), relu(x))", {"p": 0.5},
    ),
    "randomised Leaky ReLU": (
        "stochastic", ("leaky", "eighth", "third"), "relu(x) - uniform(0.125, 0.3333333333333333) * relu(-x)", {},
    ),
    "Snake": ("periodic", ("snake", "identity"), "x + sin(a * x)**2 / a", {"a": 1.0}),
    "SIREN": ("periodic", ("wave", "sine"), "sin(w * x)", {"w": 1.0}),
    "statistical top-k": (
        "topk", ("soft_statistical", "value", "spark"), "relu(x - mean[last](x) - 1.4050716 * std[last](x))", {},
    ),
    "ASH": (
        "normact", ("plain", ("high_pass", "ash")), "x * sigmoid(a * (x - mean[layer](x) - z * std[layer](x)))",
        {"a": 1.0, "z": 0.5},
    ),
    "ReLA": ("row", ("by_rms", "relu"), "relu(x) / rms[last](relu(x))", {}),
    "ReLU over the length": ("row", ("by_length", "relu"), "relu(x) / sum[last](1)", {}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "tree", "text", "parameters"), BY_TEXT.values(), ids=BY_TEXT)
def test_a_function_is_in_its_space_by_hash(name, tree, text, parameters):
    assert activation(name, tree).hash == parse(text, **parameters).hash


def test_polynorm_is_a_sum_of_normalised_powers():
    x = points()
    found = layer("polycom", "norm_3")(x)
    powers = [x**i / (x ** (2 * i)).mean(-1, keepdim=True).add(1e-5).sqrt() for i in (1, 2, 3)]
    torch.testing.assert_close(found, sum(powers) / 3)


def test_polyrelu_starts_with_nothing_and_a_third_of_each_power():
    x = points()
    u = torch.relu(x)
    torch.testing.assert_close(layer("polycom", ("powers_4", "relu"))(x), (u + u**2 + u**3 + u**4) / 3)
    (spec,) = activation("polycom", ("powers_2", "relu")).parameters
    assert spec.initial == (0.0, 1 / 3, 1 / 3)


@pytest.mark.parametrize("b", [0.5, 1.5])
def test_smelu_is_relu_in_a_box(b):
    x = points()
    tree = ("box", ("one", ("relu", "zero")), "learned")
    expected = torch.where(x.abs() <= b, (x + b) ** 2 / (4 * b), torch.relu(x))
    torch.testing.assert_close(layer("smooth", tree, b=b)(x), expected)


@pytest.mark.parametrize(("a", "s"), [(0.0, 1.0), (0.25, 0.5)])
def test_sau_is_leaky_relu_under_a_gaussian(a, s):
    x = points()
    tree = ("gaussian", ("leaky", ("relu", "zero")), "learned")
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    bent = x * normal.cdf(x / s) + s * normal.log_prob(x / s).exp()
    torch.testing.assert_close(layer("smooth", tree, a=a, b=s)(x), a * x + (1 - a) * bent)


def slopes(module, x):
    (grad,) = torch.autograd.grad(module(x).sum(), x)
    return grad


def test_helu_is_relu_whose_gradient_begins_below_0():
    x = points()
    helu = layer("hysteresis", ("apart", ("shifted_relu", "quarter"), "relu"))
    torch.testing.assert_close(helu(x), torch.relu(x))
    torch.testing.assert_close(slopes(helu, x), (x > -0.25).double())


def test_biper_is_a_square_wave_with_the_gradient_of_a_sine():
    x = points()
    biper = layer("hysteresis", ("periodic", "two"))
    torch.testing.assert_close(biper(x), torch.sin(2 * x).sign())
    torch.testing.assert_close(slopes(biper, x), 2 * torch.cos(2 * x))


def test_a_straight_through_sign_and_a_scaled_unit():
    x = points()
    sign = layer("hysteresis", ("apart", "clipped", "sign"))
    torch.testing.assert_close(sign(x), x.sign())
    torch.testing.assert_close(slopes(sign, x), (x.abs() < 1).double())
    scaled = layer("hysteresis", ("rescaled", "half", "relu", "two"))
    torch.testing.assert_close(scaled(x), 2 * torch.relu(x))
    torch.testing.assert_close(slopes(scaled, x), 0.5 * (x > 0).double())


def test_the_adaptive_parametric_activation_holds_sigmoid_and_its_limit():
    x = points()
    torch.testing.assert_close(layer("unified", ("apa", "plain"))(x), torch.sigmoid(x))
    torch.testing.assert_close(layer("unified", ("aglu", "plain"))(x), functional.silu(x))
    golu = x * torch.exp(-torch.exp(-x))
    torch.testing.assert_close(layer("unified", ("aglu", "plain"), lam=1e-7)(x), golu, rtol=1e-4, atol=1e-6)
    other = layer("unified", ("aglu", "plain"), lam=0.5, kap=2.0)
    torch.testing.assert_close(other(x), x * (1 + 0.5 * torch.exp(-2 * x)) ** -2)


def test_the_mittag_leffler_function_holds_exponentials_and_cosines():
    x = points()
    torch.testing.assert_close(layer("unified", ("itself", ("orders_1_1", "minus_square")))(x), torch.exp(-(x**2)))
    torch.testing.assert_close(layer("unified", ("itself", ("orders_2_1", "minus_square")))(x), torch.cos(x))
    elu = layer("unified", ("split", ("orders_1_1", "negative_part")))
    torch.testing.assert_close(elu(x), functional.elu(x))


def test_kans_edge_is_a_spline_beside_silu():
    space = space_called("basis")
    assert isinstance(space, RuleSpace)
    edge = layer("basis", ("beside", "silu", "spline_narrow"))
    x = points(-2.03, 2.11)
    coefficients = torch.tensor([0.3, -0.7, 1.1, 0.2, -0.4, 0.9, -1.3, 0.5], dtype=torch.float64)
    with torch.no_grad():
        edge.w.fill_(1.5)
        for spec in activation("basis", ("beside", "silu", "spline_narrow")).parameters:
            if spec.length:
                getattr(edge, spec.name).copy_(coefficients[:, None].expand(8, 8))
    # KAN's own grid: 5 intervals on [-1, 1], three knots more on either side. Its splines end with the last knot.
    knots = -1 + 0.4 * torch.arange(-3, 9)
    spline = sum(
        c * torch.as_tensor(BSpline.basis_element(knots[i : i + 5].numpy(), extrapolate=False)(x.detach().numpy()))
        .nan_to_num(0)
        for i, c in enumerate(coefficients)
    )  # fmt: skip
    torch.testing.assert_close(edge(x), 1.5 * functional.silu(x) + spline, rtol=1e-6, atol=1e-6)


def test_a_table_starts_as_the_identity_and_ends_level():
    x = points(-6, 6)
    torch.testing.assert_close(layer("basis", ("alone", "table"))(x), x.clamp(-4, 4))


def test_chebyshev_polynomials_are_those():
    x = points()
    t = torch.tanh(x)
    module = layer("basis", ("alone", ("chebyshev_4", "tanh")))
    angle = torch.acos(t)
    with torch.no_grad():
        module.c.copy_(torch.arange(1.0, 6.0).reshape(5, 1).expand(5, 8))
    torch.testing.assert_close(module(x), sum((n + 1) * torch.cos(n * angle) for n in range(5)))


def test_vanillanets_series_shifts_and_scales_one_activation():
    x = points()
    found = layer("series", "relu_3")(x)
    torch.testing.assert_close(found, torch.relu(x) + 0.2 * torch.relu(x + 1) + 0.2 * torch.relu(x - 1))
    assert {spec.granularity for spec in activation("series", "relu_3").parameters} == {"channel"}


def test_statistical_top_k_keeps_about_the_share_that_it_names():
    x = torch.randn(16, 4096, generator=torch.Generator().manual_seed(3))
    for k, share in (("half", 0.5), ("fifth", 0.2), ("tenth", 0.1), ("spark", 0.08), ("hundredth", 0.01)):
        tree = ("hard_statistical", "value", k, "value")
        y = activation("topk", tree).module(backend="torch")(x)
        assert math.isclose((y != 0).double().mean(), share, rel_tol=0.12)
        assert torch.equal(y[y != 0], x[y != 0])
    tenth = activation("topk", ("tenth_hard", "value", "value")).module(backend="torch")(x)
    assert math.isclose((tenth != 0).double().mean(), 0.1, rel_tol=0.01)


def lanes(first, second):
    space = space_called("lanes")
    assert isinstance(space, RuleSpace)
    genome = derive(space, ("assignment", first, second))
    assert space.contains(genome)
    return [one.text for _, one in space.candidate(genome).assignment]


def test_maxmin_and_concatenated_relu_are_two_lanes():
    assert lanes(("two", "max"), ("two", "min")) == [parse("maximum(x, gate)").text, parse("minimum(x, gate)").text]
    assert lanes(("one", "relu"), ("one", "relu_of_negative")) == ["relu(x)", "relu(-x)"]


def test_rows_hold_softmax_and_stablemax():
    x = points()
    softmax = layer("row", ("shares", ("exp", "one")))
    torch.testing.assert_close(softmax(x), torch.softmax(x, -1), rtol=1e-5, atol=1e-7)
    s = torch.where(x >= 0, x + 1, 1 / (1 - x))
    torch.testing.assert_close(layer("row", ("shares", "stable"))(x), s / s.sum(-1, keepdim=True), rtol=1e-5, atol=1e-7)


def symlog(x):
    return x.sign() * (x.abs() + 1).log()


SAFS = {
    "relu6": functional.relu6,
    "hardswish": functional.hardswish,
    "swish": functional.silu,
    "tanhsoft1": lambda x: torch.tanh(0.87 * x) * functional.softplus(x),
    "acon": lambda x: 0.75 * x * torch.sigmoid(0.75 * x) + 0.25 * x,
    "gelu": functional.gelu,
    "srs": lambda x: x / (x / 5 + torch.exp(-x / 3)),
    "elu": functional.elu,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "logsigmoid": functional.logsigmoid,
    "symlog": symlog,
    "symexp": lambda x: x.sign() * (x.abs().exp() - 1),
}


def test_safs_has_its_13_functions_for_each_of_8_layers():
    space = space_called("sparse")
    assert isinstance(space, RuleSpace)
    assert list(space.productions["function"]) == list(SAFS)
    assert space.selectors == tuple(f"layer:{number}" for number in range(1, 9))
    names = [*SAFS, *list(SAFS)[:3]]
    x = points()
    for chosen in (names[:8], names[8:]):
        genome = derive(space, ("assignment", *(("plain", (name, "x")) for name in chosen)))
        for name, (_, found) in zip(chosen, space.candidate(genome).assignment, strict=True):
            module = found.module(backend="torch", channels=8, dtype=torch.float64)
            torch.testing.assert_close(module(x), SAFS[name](x), rtol=1e-6, atol=1e-6)


def test_tri_state_relu_is_removed_by_w_and_made_linear_by_d():
    space = space_called("placement")
    assert isinstance(space, RuleSpace)
    tree = ("assignment", *[("trained", "tri_state")] * 8)
    granularities = {specs[0].granularity for specs in space.productions["trained"]["tri_state"].alternatives}
    assert granularities == {"layer", "channel", "element"}
    (_, found), *_ = space.candidate(derive(space, tree)).assignment
    module, x = found.module(backend="torch", dtype=torch.float64), points()
    torch.testing.assert_close(module(x), torch.relu(x))
    for w, d in ((0.0, 1.0), (1.0, 1.0), (2.0, 0.5)):
        with torch.no_grad():
            module.w.fill_(w)
            module.d.fill_(d)
        torch.testing.assert_close(module(x), torch.where(x > 0, w * x, w * d * x))


def test_private_starts_near_relu_are_its_best_fits_for_normal_inputs():
    space = space_called("private")
    assert isinstance(space, RuleSpace)
    z = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    for degree in (2, 3, 4):
        basis = torch.stack([z**i for i in range(degree + 1)])
        best = torch.linalg.solve((basis * density) @ basis.T, (basis * density) @ torch.relu(z))
        for kind in ("monomials", "hermite"):
            module = activation("private", f"{kind}_{degree}").module(backend="torch", dtype=torch.float64)
            near = z.abs() < 4
            torch.testing.assert_close(module(z[near]), (best @ basis)[near], rtol=1e-4, atol=1e-4)


def test_private_holds_nothing_but_polynomials():
    space = space_called("private")
    assert isinstance(space, RuleSpace)
    operators = {"add", "subtract", "multiply", "power", "negative", "divide"}
    for genome in space.enumerate():
        found = space.activation(genome)
        assert {node.operator for node in walk(found.expression) if isinstance(node, Apply)} <= operators
