from __future__ import annotations

import itertools
import re

import matplotlib as mpl
import pytest
from hypothesis import given
from matplotlib.mathtext import MathTextParser

from actsearch.analysis import catalog
from actsearch.analysis.latex import latex
from actsearch.analysis.textbook import READABLE, derivative
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from tests.grammar.strategies import expressions, quick

mpl.use("Agg")
FORMULAS = {
    "x * sigmoid(beta * x)": r"x\,\sigma(\beta x)",
    "gelu(x)": r"x\,\Phi(x)",
    "relu(x)": r"\max(0, x)",
    "tanh(x)": r"\tanh(x)",
    "x * exp(-x**2 / 2)": r"x\,e^{-\frac{1}{2}\,x^{2}}",
    "sqrt(1 + x**2)": r"\sqrt{x^{2} + 1}",
    "x / (1 + abs(x))": r"\frac{x}{\left|x\right| + 1}",
    "1 - x": r"1 - x",
    "-2 * tanh(x)": r"-2\,\tanh(x)",
    "x + sin(a * x)**2 / a": r"x + \frac{\sin(a x)^{2}}{a}",
    "c[0] + c[1] * x": r"c_{0} + c_{1} x",
    "softplus(x)": r"\ln\left(1 + e^{x}\right)",
    "x - mean[group:8](x)": r"x - \operatorname{mean}_{\mathrm{group 8}}(x)",
    "where(greater(x, 0), x, -1)": r"\begin{cases} x & x > 0 \\ -1 & \text{else} \end{cases}",
    "x * 1.5e-7": r"1.5 \cdot 10^{-7} x",
    "alpha_1 * slope2 * x": r"\alpha_{1} \mathrm{slope}_{2} x",
}  # fmt: skip
SLOPES = {
    "tanh(x)": r"1 - \tanh(x)^{2}",
    "relu(x)": r"\mathbf{1}[x > 0]",
    "sigmoid(x)": r"\sigma(x) \left(1 - \sigma(x)\right)",
    "gelu(x)": r"\Phi(x) + \frac{1}{\sqrt{2\pi}} x\,e^{-\frac{1}{2}\,x^{2}}",
    "x**3": r"3\,x^{2}",
    "maximum(x, 0.5 * x)": r"\mathbf{1}[x > \frac{1}{2} x] + \frac{1}{2}\,\mathbf{1}[\frac{1}{2} x > x]",
}  # fmt: skip


def compiles(text):
    """Whether matplotlib's TeX sets it, without what it does not know."""
    plain = re.sub(r"\\begin\{cases\}|\\end\{cases\}|\\\\|&|\\text\{else\}", " ", text).replace(r"\mathbf{1}", "1")
    MathTextParser("path").parse(f"${plain}$")


@pytest.mark.parametrize(("text", "expected"), FORMULAS.items(), ids=FORMULAS)
def test_a_formula_reads_as_in_a_paper(text, expected):
    assert latex(parse(text).expression) == expected
    compiles(expected)


@pytest.mark.parametrize(("text", "expected"), SLOPES.items(), ids=SLOPES)
def test_a_derivative_reads_as_in_a_textbook(text, expected):
    assert latex(canonical(derivative(parse(text).expression, READABLE))) == expected


def test_the_whole_catalog_can_be_set():
    known = set()
    for activation in catalog.functions.values():
        if activation.statistics:
            continue
        for expression in (activation.expression, canonical(derivative(activation.expression, READABLE))):
            text = latex(expression)
            # Matplotlib is slow: it sets what has two neighbours that have not stood beside each other before.
            tokens = re.findall(r"\\[a-zA-Z]+|[a-zA-Z]+|\d+|\S", text)
            pairs = set(itertools.pairwise(tokens))
            if not pairs <= known:
                compiles(text)
            known |= pairs


@quick(80)
@given(expression=expressions())
def test_any_expression_is_balanced_and_can_be_set(expression):
    text = latex(expression)
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    compiles(text)
