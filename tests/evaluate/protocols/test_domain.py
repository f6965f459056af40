from __future__ import annotations

import numpy as np
import pytest

from actsearch.analysis.catalog import functions
from actsearch.analysis.probe import Probe
from actsearch.evaluate.protocols.domain import Domain
from actsearch.grammar.activation import parse

# The points of the check, counted here with numpy.
X = np.arange(-800, 801, dtype=np.float32) * np.float32(20 / 800)


def check(text, **settings):
    return Domain(**settings).check(Probe(parse(text)))


WELL_KNOWN = ["relu", "gelu", "silu", "swish", "tanh", "elu", "selu", "mish", "softplus", "snake", "golu", "crrelu"]


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_functions_pass(name):
    assert Domain().check(Probe(functions[name])) is None


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2",
        "exp(x)",
        "sinh(x)",
        "cosh(x)",
        "x**8",
        "abs(x)",
        "sinc(x)",
        "log_abs(x)",
        "safe_divide(1, x)",
        "1e30 * x",
    ],
)
def test_what_is_finite_passes(text):
    assert check(text) is None


FALLS = {
    "log(x)": X <= 0,
    "sqrt(x)": X <= 0,  # At 0 the slope is infinite.
    "1 / x": X == 0,
    "x / x**2": X == 0,
    "1 / (x - 3)": X == 3,
    "log(abs(x))": X == 0,
    "exp(10 * x)": np.exp(10 * X.astype(np.float64)) > 2.0**126,
    "exp(exp(x))": X > 4.4,
    "x**64": np.abs(X.astype(np.float64)) ** 63 * 64 > 2.0**126,
    "exp(x**2)": X.astype(np.float64) ** 2 > 85,
}


@pytest.mark.parametrize(("text", "expected"), FALLS.items(), ids=FALLS)
def test_what_is_not_finite_falls_with_the_share_of_its_points(text, expected):
    rejection = check(text)
    assert rejection.stage == "domain"
    # Where float32 ends is not the same point for a value and its slope.
    assert rejection.measured == pytest.approx(expected.mean(), abs=12 / len(X))
    if expected.sum() == 1 or text in ("log(x)", "sqrt(x)"):
        assert rejection.measured == pytest.approx(expected.mean(), abs=1e-12)
    nearest = float(np.abs(X[expected]).min())
    said = float(rejection.reason.rpartition("|x| = ")[2].rstrip(")"))
    assert said == pytest.approx(nearest, abs=0.4)


def test_a_finite_value_with_an_infinite_slope_falls():
    probe = Probe(parse("sqrt(abs(x))"))
    assert probe.wide.values.isfinite().all()
    assert Domain().check(probe).measured == pytest.approx(1 / len(X))


def test_the_reason_says_how_much_and_where():
    assert check("1 / (x - 3)").reason == "not finite at 0.1% of |x| <= 20 (nearest to 0: |x| = 3)"


def test_a_share_may_be_allowed():
    assert check("1 / x", largest_share=0.001) is None
    assert check("log(x)", largest_share=0.4).measured == pytest.approx(801 / 1601)
    assert check("log(x)", largest_share=0.6) is None
