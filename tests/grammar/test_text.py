import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import ActsearchError, ParseError
from actsearch.grammar.activation import parse
from actsearch.grammar.canonical import canonical
from actsearch.grammar.expression import Apply, Constant, Parameter, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.text import DEEPEST, LONGEST_TEXT, read, write
from tests.grammar.strategies import assert_same_values, expressions, quick

A, B = Parameter("a"), Parameter("b")


def refusal(text):
    """The sentence with which `text` is refused; it must come at once."""
    start = time.perf_counter()
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert time.perf_counter() - start < 1
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert sentence.endswith((".", "?"))
    assert not re.search(r"\w[.?] [A-Z]", sentence), "one sentence"
    return sentence


@quick(400)
@given(expressions())
def test_a_normal_form_is_read_back_as_it_was_printed(tree):
    normal = canonical(tree)
    text = write(normal)
    assert canonical(read(text)) == normal
    assert write(canonical(read(text))) == text


@quick(200)
@given(expressions())
def test_the_text_of_any_form_keeps_the_values(tree):
    assert_same_values(read(write(tree)), tree)


@quick(200)
@given(expressions())
def test_a_parsed_text_has_a_text_that_gives_the_same_activation(tree):
    activation = parse(write(tree))
    again = parse(activation.text)
    assert again == activation
    assert again.hash == activation.hash


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x", X),
        ("gate * x", read("gate") * X),
        ("beta", Parameter("beta")),
        ("eps", Parameter("eps")),
        ("2", Constant(2.0)),
        ("-2.5e-3", Constant(-0.0025)),
        (".5", Constant(0.5)),
        ("0x10", Constant(16.0)),
        ("pi", Constant(3.141592653589793)),
        ("e", Constant(2.718281828459045)),
        ("x + 1", X + 1),
        ("x - 1", X - 1),
        ("x + a + b", Apply("add", (X, A, B))),
        ("x - a + b", Apply("add", (X, -A, B))),
        ("x - (a - b)", Apply("add", (X, -A, B))),
        ("x * a * b", Apply("multiply", (X, A, B))),
        ("x / a / b", X / (A * B)),
        ("x / (a / b)", (X * B) / A),
        ("x ** 2", X**2),
        ("x**-2", X**-2),
        ("x**0.5", X**0.5),
        ("-x**2", -(X**2)),
        ("(-x)**2", (-X) ** 2),
        ("2**x", None),
        ("--x", X),
        ("+x", X),
        ("-(2)", Constant(-2.0)),
        ("sigmoid(x)", call.sigmoid(X)),
        ("max(x, 0)", call.maximum(X, 0)),
        ("min(x, 0)", call.minimum(X, 0)),
        ("pow(x, 3)", X**3),
        ("pow(x, a)", call.pow(X, A)),
        ("pow(a, -x)", call.pow(A, -X)),
        ("pow(x, 65)", call.pow(X, 65)),
        ("add(x, a, b)", Apply("add", (X, A, B))),
        ("pwpoly(x, a, b)", call.pwpoly(X, A, B)),
        ("pwpoly(x, 0.5)", call.pwpoly(X, 0.5)),
        ("pwlinear(x, +a)", call.pwlinear(X, A)),
        ("pwpoly(x, c[1], 2 * a)", call.pwpoly(X, Parameter("c", 1), 2 * A)),
        ("where(greater(x, 0), x, a)", call.where(call.greater(X, 0), X, A)),
        ("  x +\t1 ", X + 1),
        ("(x\n+ 1)", X + 1),
        ("a[0] + a[1] * x", Parameter("a", 0) + Parameter("a", 1) * X),
        ("mean[last](x)", Apply("mean[last]", (X,))),
        ("rms[group:32](a * x)", Apply("rms[group:32]", (A * X,))),
        ("max[ batch ](x)", Apply("max[batch]", (X,))),
        ("quantile[last](x, 0.9)", Apply("quantile[last]", (X, Constant(0.9)))),
        ("mean + mean[0]", None),
        ("max(max[last](x), x)", call.maximum(Apply("max[last]", (X,)), X)),
    ],
)
def test_text_says_the_tree(text, tree):
    if tree is None:
        assert re.search("exponent|indexed", refusal(text))
    else:
        assert read(text) == tree


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - {"power"}))
def test_every_operator_can_be_called_by_its_name(name):
    orders = OPERATORS[name].orders
    count = (OPERATORS[name].arity or 3) - len(orders)
    arguments = (*(X, A, B)[:count], *(Constant(1.0) for _ in orders))
    text = f"{name}({', '.join([*'xab'[:count], *('1' for _ in orders)])})"
    assert read(text) == Apply(name, arguments)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("x*sigmoid( beta*x )", "x * sigmoid(beta * x)"),
        ("beta*x+(1-beta)*x", "beta * x + x * (1 - beta)"),
        ("exp(-x**2)", "exp(-x**2)"),
        ("1/(1+exp(-x))", "1 / (exp(-x) + 1)"),
        ("x/2", "0.5 * x"),
        ("(x+1)**2", "(x + 1)**2"),
        ("-(x+1)", "-(x + 1)"),
        ("x-sin(x)", "x - sin(x)"),
        ("a/(b*x)", "a / (b * x)"),
        ("x**-2", "1 / x**2"),
        ("2*pi*x", "6.283185307179586 * x"),
        ("pi*x", "pi * x"),
        ("-e+x", "x - e"),
        ("1000000*x", "1000000 * x"),
        ("1e20*x", "1e+20 * x"),
        ("x**0.5", "x**0.5"),
        ("c[1]*x + c[0]", "c[0] + c[1] * x"),
        ("x/std[batch](x)", "x / sqrt(var[batch](x) + 1e-05)"),
        ("x*rms[group:4](x)", "x * sqrt(mean[group:4](x**2) + 1e-05)"),
        ("min[last](x)", "-max[last](-x)"),
        ("pwpoly(2*x+4,c[0],c[1],0)", "pwpoly(2 * x + 4, c[0], c[1], 0)"),
        ("pwpoly(x, +a)", "pwpoly(x, +a)"),
        ("pwpoly(x, a/1)", "pwpoly(x, +a)"),
        ("0**-3/x", "0**(-1) / x"),
    ],
)
def test_the_normal_form_reads_like_a_formula(text, printed):
    assert parse(text).text == printed


NO_EXPRESSION = {
    "import": ("__import__('os')", "unknown operator '__import__'"),
    "import and attribute": ("__import__('os').system('ls')", "only an operator can be called"),
    "eval": ("eval('1')", "unknown operator 'eval'"),
    "lambda": ("lambda x: x", "a lambda is not part"),
    "attribute": ("x.real", "an attribute is not part"),
    "class attribute": ("(x).__class__.__mro__", "an attribute is not part"),
    "entry of an input": ("x[0]", "x is no parameter, and only a parameter has entries, as in a[0]"),
    "entry of a constant": ("pi[0]", "pi is no parameter"),
    "entry of an operator": ("sin[0]", "sin is an operator"),
    "entry of an expression": ("(x + a)[0]", "only a parameter has entries"),
    "entry of an entry": ("a[0][1]", "only a parameter has entries"),
    "negative entry": ("a[-1]", "a literal integer from 0 to 255"),
    "entry too far": ("a[256]", "a literal integer from 0 to 255"),
    "entry by name": ("a[x]", "a literal integer from 0 to 255"),
    "entry by truth": ("a[True]", "a literal integer from 0 to 255"),
    "entry by fraction": ("a[1.0]", "a literal integer from 0 to 255"),
    "slice": ("a[1:2]", "a literal integer from 0 to 255"),
    "indexed here and not there": ("a[0] + a * x", "the parameter a is indexed at one place and not at another"),
    "comparison": ("x < 1", "a comparison is not part"),
    "chain of comparisons": ("0 < x < 1", "a comparison is not part"),
    "condition": ("x if x else 1", "a condition is not part"),
    "and": ("x and x", "and, or is not part"),
    "not": ("not x", "not, ~ is not part"),
    "invert": ("~x", "not, ~ is not part"),
    "string": ("'x'", "is not a number"),
    "bytes": ("b'x'", "is not a number"),
    "bad escape": (r"'\d'", "is not a number"),
    "f-string": ("f'{x}'", "a string is not part"),
    "list": ("[x]", "a list is not part"),
    "tuple": ("x, x", "a tuple is not part"),
    "dict": ("{1: x}", "a dict is not part"),
    "comprehension": ("[x for x in x]", "ListComp is not part"),
    "walrus": ("(y := x)", "an assignment is not part"),
    "await": ("await x", "Await is not part"),
    "star argument": ("sin(*x)", "a star is not part"),
    "double star argument": ("sin(**x)", "take no keywords"),
    "keyword argument": ("sin(x=x)", "take no keywords"),
    "caret": ("x ^ 2", "^ is not power, write **"),
    "floor division": ("x // 2", "only + - * / **"),
    "modulo": ("x % 2", "only + - * / **"),
    "matrix product": ("x @ x", "only + - * / **"),
    "shift": ("x << 2", "only + - * / **"),
    "complex": ("1j * x", "'1j' is not a number"),
    "true": ("True", "'True' is not a number"),
    "none": ("None", "'None' is not a number"),
    "ellipsis": ("...", "is not a number"),
    "nan": ("nan", "nan is not allowed"),
    "inf": ("-inf * x", "inf is not allowed"),
    "Infinity": ("Infinity", "Infinity is not allowed"),
    "INF": ("INF", "INF is not allowed"),
    "overflow": ("1e999", "too large for float64"),
    "huge integer": ("9" * 400, "too large for float64"),
    "integer beyond Python's limit": ("9" * 4090, "9999"),
    "empty": ("", "the expression is empty"),
    "spaces": (" \t\n ", "the expression is empty"),
    "keyword": ("if", "invalid syntax"),
    "assignment": ("x = 1", "invalid syntax"),
    "two expressions": ("x; x", "invalid syntax"),
    "juxtaposition": ("2 x", "invalid"),
    "half": ("x +", "invalid syntax"),
    "open parenthesis": ("sin(x", "never closed"),
    "closing parenthesis": ("x)", "unmatched"),
    "leading zero": ("01", "leading zeros"),
    "null byte": ("x\0", "null byte"),
    "only a null byte": ("\0", "null byte"),
    "full-width digit": ("x + \uff11", "'\\uff11' is not ASCII"),
    "full-width letter": ("\uff58", "'\\uff58' is not ASCII"),
    "mathematical letter": ("\U0001d431", "is not ASCII"),
    "ligature": ("\ufb01 * x", "'\\ufb01' is not ASCII"),
    "Greek letter": ("β * x", "'\\u03b2' is not ASCII"),
    "minus sign": ("x − 1", "'\\u2212' is not ASCII"),
    "no-break space": ("x\u00a0+ 1", "'\\xa0' is not ASCII"),
    "byte order mark": ("\ufeffx", "'\\ufeff' is not ASCII"),
    "line separator": ("x\u2028", "'\\u2028' is not ASCII"),
    "lone surrogate": ("\ud800", "'\\ud800' is not ASCII"),
    "power of x": ("x**x", "an exponent is a literal number of at most 64"),
    "power of a power": ("x**2**2", "an exponent is a literal number of at most 64"),
    "large power": ("x**65", "an exponent is a literal number of at most 64"),
    "large negative power": ("x**-65", "an exponent is a literal number of at most 64"),
    "pow of one": ("pow(x)", "pow takes 2 argument(s), not 1"),
    "order of no number": (
        "mittag_leffler(x, a, 1)",
        "the order a is a literal number from 0.05 to 2 in mittag_leffler",
    ),
    "large order": ("mittag_leffler(x, 0.5, 5)", "the order b is a literal number from 0 to 4 in mittag_leffler"),
    "half a derivative": (
        "mittag_leffler_derivative(x, 1, 1, 0.5)",
        "the order n is a literal whole number from 1 to 16",
    ),
    "power by name": ("power(x, 2)", "write ** or pow(u, v) for power"),
    "operator of x": ("x(1)", "unknown operator 'x'"),
    "call of a call": ("sin(x)(x)", "only an operator can be called"),
    "no argument": ("sin()", "sin takes 1 argument(s), not 0"),
    "two arguments": ("sin(x, x)", "sin takes 1 argument(s), not 2"),
    "three of two": ("max(x, 1, 2)", "maximum takes 2 argument(s), not 3"),
    "one of many": ("add(x)", "add takes two or more argument(s), not 1"),
    "no coefficient": ("pwpoly(x)", "pwpoly takes 2 to 65 argument(s), which are one and 1 to 64 coefficients, not 1"),
    "neither": ("pwpoly()", "1 to 64 coefficients, not 0"),
    "many coefficients": (f"pwlinear(x{', 1' * 65})", "pwlinear takes 2 to 65 argument(s), which are one and 1 to 64"),
    "array that is not given": ("pwpoly(x, c)", "give c as a list of numbers, as in c=[0.1, 0.2, 0.3]"),
    "statistic without axis": ("std(x)", "std is a statistic, which says over what it is taken, as in std[last](...)"),
    "quantile without axis": ("quantile(x, 0.5)", "quantile is a statistic, which says over what"),
    "statistic without argument": ("mean[last]", "a statistic is called, as in mean[last](...)"),
    "statistic of nothing": ("mean[last]()", "mean[last] takes 1 argument(s), not 0"),
    "statistic of two": ("mean[last](x, x)", "mean[last] takes 1 argument(s), not 2"),
    "statistic with a keyword": ("mean[last](x, dim=1)", "statistics take no keywords"),
    "unknown axis": ("mean[lst](x)", "unknown axis of mean 'lst': did you mean last?"),
    "unknown statistic": ("men[last](x)", "unknown statistic 'men': did you mean mean"),
    "operator over an axis": ("sin[last](x)", "unknown statistic 'sin'"),
    "two axes": ("mean[batch, last](x)", "mean is taken over one axis: batch, instance, layer, group:N or last"),
    "axis by number": ("mean[1](x)", "mean is taken over one axis"),
    "group without its number": ("rms[group](x)", "group takes the number of groups, as in rms[group:32](x)"),
    "no groups": ("rms[group:0](x)", "the number of groups is a literal integer from 1 to 1024"),
    "too many groups": ("rms[group:1025](x)", "the number of groups is a literal integer from 1 to 1024"),
    "groups by name": ("rms[group:n](x)", "the number of groups is a literal integer from 1 to 1024"),
    "number of another axis": ("mean[last:3](x)", "the axis last takes no number, only group does"),
    "quantile without level": ("quantile[last](x)", "quantile[last] takes 2 argument(s), not 1"),
    "level above 1": ("quantile[last](x, 1.5)", "the level of a quantile is a literal number from 0 to 1"),
    "level that moves": ("quantile[last](x, a)", "the level of a quantile is a literal number from 0 to 1"),
    "quantile of a batch": ("quantile[batch](x, 0.5)", "a quantile is taken over last only"),
    "three deep": ("max[last](sin(sum[layer](x + mean[last](x))))", "statistics stand at most 2 deep in each other"),
    "operator without arguments": ("x * sin", "sin is an operator, write sin(...)"),
    "alias without arguments": ("max", "max is an operator, write max(...)"),
    "private name": ("_x", "a parameter's name"),
    "dunder name": ("__class__", "a parameter's name"),
    "long name": ("a" * 33, "a parameter's name"),
    "10 MB of parentheses": ("(" * 10_000_000, "has 10000000 characters, at most 4096"),
    "4000 parentheses": ("(" * 2000 + ")" * 2000, "is no expression"),
    "150 parentheses around nothing": ("(" * 150 + ")" * 150, "a tuple is not part"),
    "10000 minuses": ("-" * 10_000 + "x", "has 10001 characters"),
    "4000 minuses": ("-" * 4000 + "x", "nested too deep"),
    "3000 terms": (" + ".join(["x"] * 3000), "has 11997 characters"),
    "too deep": ("sin(" * 60 + "x" + ")" * 60, "nested deeper than 48 levels"),
    "powers too deep": ("(" * 100 + "x" + ")**2" * 100, "nested deeper than 48 levels"),
    "a normal form too long": ("+".join(f"a{i}" for i in range(800)), "the normal form of"),
}


@pytest.mark.parametrize(("text", "reason"), NO_EXPRESSION.values(), ids=NO_EXPRESSION)
def test_what_is_no_expression_is_refused_in_one_sentence(text, reason):
    sentence = refusal(text)
    assert reason in sentence
    # The text itself is named, shortened.
    if text.strip():
        shown = text if len(text) <= 60 else text[:57]
        assert repr(shown)[1:-1] in sentence


@pytest.mark.parametrize(
    ("name", "nearest"), [("sigmod", "sigmoid"), ("sofplus", "softplus"), ("Tanh", "tanh"), ("rel", "relu")]
)
def test_the_nearest_operators_are_named(name, nearest):
    sentence = refusal(f"x * {name}(x)")
    named = sentence.partition("did you mean ")[2].rstrip("?").split(", ")
    assert nearest in named
    assert len(named) <= 3


def test_the_unknown_operator_is_named_before_what_is_wrong_inside_it():
    assert "unknown operator 'foo'" in refusal("foo('bar', lambda: 1)")


@pytest.mark.parametrize("depth", [DEEPEST, DEEPEST + 1])
def test_the_depth_is_bounded_exactly(depth):
    text = "sin(" * depth + "x" + ")" * depth
    if depth <= DEEPEST:
        assert parse(text).text == text
    else:
        assert "deeper" in refusal(text)


@pytest.mark.parametrize("length", [LONGEST_TEXT, LONGEST_TEXT + 1])
def test_the_length_is_bounded_exactly(length):
    text = "x".rjust(length)
    if length <= LONGEST_TEXT:
        assert parse(text).text == "x"
    else:
        assert "at most 4096" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["sin(x)"] * 500),
        "*".join(["x"] * 2000),
        "/".join(["x"] * 2000),
        "-".join(f"a{i}" for i in range(100)),
        "/".join(f"a{i}" for i in range(100)),
        "-" * 500 + "x",
        "(" * 150 + "x" + ")" * 150,
        "min(" * 40 + "x" + ", 0)" * 40,
        "x/a/sin(" * 20 + "x" + ")" * 20,
    ],
    ids=lambda text: text[:12],
)
def test_long_and_deep_texts_within_the_bounds_have_a_text_that_is_read_back(text):
    start = time.perf_counter()
    activation = parse(text)
    assert parse(activation.text) == activation
    assert time.perf_counter() - start < 2


@quick(300)
@given(st.text(alphabet="xab01.9e+-*/()^,=<>[]{}'\"\\:;@!_ sincomaxj:tl\n\0βｘ", max_size=40))
def test_no_text_ends_in_anything_but_an_expression_or_one_sentence(text):
    try:
        activation = parse(text)
    except ActsearchError as error:
        assert isinstance(error, ParseError)
        assert "\n" not in str(error)
    else:
        assert parse(activation.text) == activation


@quick(100)
@given(st.text(max_size=20))
def test_no_unicode_text_ends_in_anything_but_an_expression_or_one_sentence(text):
    try:
        parse(text)
    except ActsearchError as error:
        assert "\n" not in str(error)


def test_nothing_is_printed_about_texts_that_python_would_warn_of(capfd):
    refusal(r"'\d'")
    refusal("1or x")
    sys.stderr.flush()
    assert capfd.readouterr() == ("", "")
