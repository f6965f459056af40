from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.errors import SpaceError
from actsearch.grammar.expression import Parameter
from actsearch.grammar.space import Size, read_space
from tests.grammar.conftest import SMALL

# None is among the integers: two of the operators have a kink there, and one an infinite slope.
POINTS = (-2.3, -0.7, -0.1, 0.4, 1.9)
OTHERS = (0.6, -1.1, 2.7, -0.3, 1.2)
BETA = 0.7

# Ramachandran, Zoph, Le (2017), arXiv:1710.05941, section 2, written with Python's own mathematics.
UNARY = {
    "identity": lambda u: u,
    "negative": lambda u: -u,
    "abs": abs,
    "square": lambda u: u * u,
    "cube": lambda u: u * u * u,
    "sqrt": lambda u: math.sqrt(u) if u >= 0 else math.nan,
    "scale": lambda u: BETA * u,
    "shift": lambda u: u + BETA,
    "log_abs": lambda u: math.log(abs(u) + 1e-7),
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "atan": math.atan,
    "sinc": lambda u: math.sin(math.pi * u) / (math.pi * u),
    "relu": lambda u: max(u, 0.0),
    "min0": lambda u: min(u, 0.0),
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "softplus": lambda u: math.log(1 + math.exp(u)),
    "gauss": lambda u: math.exp(-u * u),
    "erf": math.erf,
    "constant": lambda _: BETA,
}
BINARY = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "subtract": lambda a, b: a - b,
    "divide": lambda a, b: a / (b + 1e-7),
    "max": max,
    "min": min,
    "gate": lambda a, b: b / (1 + math.exp(-a)),
    "gaussian": lambda a, b: math.exp(-BETA * (a - b) ** 2),
    "laplace": lambda a, b: math.exp(-BETA * abs(a - b)),
    "mix": lambda a, b: BETA * a + (1 - BETA) * b,
}


def values_of(production, **given):
    tensors = {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in given.items()}
    return evaluate(production.template, {**tensors, "beta": torch.tensor(BETA, dtype=torch.float64)}).expand(5)


def test_the_swish_space_has_the_25_unary_and_10_binary_functions_of_the_paper(swish):
    assert list(swish.productions["unary"]) == list(UNARY)
    assert list(swish.productions["unit"]) == list(BINARY)
    assert (len(UNARY), len(BINARY)) == (25, 10)
    assert set(swish.productions["input"]) == {"x", "unit"}
    assert "1710.05941" in swish.paper
    ((beta,),) = swish.productions["unary"]["scale"].alternatives
    assert (beta.initial, beta.granularity) == (1.0, "channel")


@pytest.mark.parametrize("name", UNARY)
def test_every_unary_function_is_that_of_the_paper(swish, name):
    found = values_of(swish.productions["unary"][name], input=POINTS)
    expected = torch.tensor([UNARY[name](u) for u in POINTS], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("name", BINARY)
def test_every_binary_function_is_that_of_the_paper(swish, name):
    found = values_of(swish.productions["unit"][name], unary_1=POINTS, unary_2=OTHERS)
    expected = torch.tensor([BINARY[name](a, b) for a, b in zip(POINTS, OTHERS, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_the_size_of_the_swish_space_is_what_its_rules_say(swish):
    units = 0
    for _ in range(swish.depth["unit"]):
        # 24 unary functions of an input and one constant; an input is x or a unit.
        units = 10 * (24 * (1 + units) + 1) ** 2
    assert swish.size() == Size(count=units)
    assert units == 291_794_448_608_101_125_075_006_250


def test_the_small_space_is_enumerated_whole(small):
    found = list(small.enumerate())
    # A unit without units below is one of 2 leaves; else it is a leaf and a unit, a wrapped unit, or a leaf.
    assert len(found) == small.size().count == 2 * 2 + 2 + 2
    assert len(set(found)) == len(found)
    assert all(small.contains(genome) for genome in found)
    texts = {small.activation(genome).text for genome in found}
    assert texts == {
        "x", "sin(x)", "2 * x", "gamma + beta * x", "sin(gamma + beta * x)", "gamma + x + beta * x",
        "gamma + gamma_2 + beta * x + beta_2 * x",
    }  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_the_count_is_the_number_enumerated_at_every_depth(write_space, depth):
    space = write_space(SMALL.replace("unit: 2", f"unit: {depth}"))
    assert space.size().count == sum(1 for _ in space.enumerate()) == sum(2 * 3**k for k in range(depth))


def test_samples_reach_every_production_and_stay_inside(swish, small):
    for space, count in ((swish, 1500), (small, 200)):
        rng = random.Random(1)
        samples = [space.sample(rng) for _ in range(count)]
        assert all(space.contains(genome) for genome in samples)
        used = Counter((node.symbol, node.production.name) for genome in samples for _, node in genome.nodes())
        known = {(symbol, name) for symbol, by_name in space.productions.items() for name in by_name}
        assert set(used) == known
        depths = {sum(1 for n in range(len(path)) if genome.at(path[:n]).symbol == "unit")
                  for genome in samples for path, node in genome.nodes() if node.symbol == "unit"}  # fmt: skip
        assert max(depths) == space.depth["unit"] - 1


def test_samples_follow_the_weights(swish):
    rng = random.Random(2)
    # At the first level both inputs fit, so the weights 5 and 1 alone decide.
    drawn = [swish.sample_symbol("input", swish.room, rng).production.name for _ in range(3000)]
    share = drawn.count("x") / len(drawn)
    assert abs(share - 5 / 6) < 4 * math.sqrt(5 / 36 / len(drawn))


def test_the_same_seed_gives_the_same_samples(swish):
    one, other = random.Random(3), random.Random(3)
    assert [swish.sample(one) for _ in range(20)] == [swish.sample(other) for _ in range(20)]


def test_parameters_start_where_the_space_says(small):
    for genome in small.enumerate():
        activation = small.activation(genome)
        for spec in activation.parameters:
            stem, number = spec.name.partition("_")[::2]
            assert number in ("", "2")
            expected = {"beta": (0.5, "channel"), "gamma": (1.0, "layer")}[stem]
            # Factors of the normal form stand in front, so initial values are as they are written.
            assert (spec.initial, spec.granularity) == expected
        assert not activation.parameters or Parameter("beta") in set(_leaves(activation.expression))


def _leaves(expression):
    arguments = getattr(expression, "arguments", ())
    return itertools.chain.from_iterable(map(_leaves, arguments)) if arguments else iter([expression])


def test_a_hole_that_stands_twice_is_filled_once(write_space):
    space = write_space("title: t\npaper: p\nstart: a\nrules: {a: {twice: b * sin(b)}, b: {x: x, c: cos(x)}}")
    texts = [space.activation(genome).text for genome in space.enumerate()]
    assert texts == ["x * sin(x)", "cos(x) * sin(cos(x))"]


TITLE, START, SIN = "title: Sums of products\n", "start: unit\n", "sin(unit)"
LEAVES = "  leaf:\n    x: x\n    scale: beta * x + gamma\n"
BETA_KEYS = "  beta:\n    initial: 0.5\n    granularity: channel\n"

MALFORMED = {
    "a number for text": (TITLE, "title: 3\n", 1, "title: input should be a valid string"),
    "a date for text": (TITLE, "title: 2020-01-01\n", 1, "not a timestamp; quotes make it text"),
    "a list for text": (START, "start: [unit]\n", 3, "start: input should be a valid string"),
    "text for keys": ("depth:\n  unit: 2", "depth: two", 4, "depth: expected keys and values"),
    "a list for keys": (BETA_KEYS, "- beta\n", 17, "parameters: expected keys and values"),
    "text for a number": ("initial: 0.5", "initial: half", 19, "beta.initial: input should be a finite number"),
    "a fraction for a count": ("unit: 2", "unit: 2.5", 5, "depth.unit: input should be a valid integer"),
    "true for a count": ("unit: 2", "unit: true", 5, "depth.unit: input should be a valid integer"),
    "not a number": ("initial: 0.5", "initial: .nan", 19, "parameters.beta.initial: input should be a finite number"),
    "depth 0": ("unit: 2", "unit: 0", 5, "depth.unit: input should be greater than or equal to 1"),
    "depth 17": ("unit: 2", "unit: 17", 5, "depth.unit: input should be less than or equal to 16"),
    "an unknown key": ("rules:", "rulez:", 6, "unknown key 'rulez': did you mean rules"),
    "an unknown key below": ("initial:", "inital:", 19, "unknown key in parameters.beta 'inital': did you mean initia"),
    "a missing key": ('paper: "none: a test"\n', "", 1, "the key 'paper' is missing"),
    "an unknown granularity": ("channel", "chanel", 20, "granularity: input should be layer, channel, group:N"),
    "a tab": ("  unit: 2", "\tunit: 2", 5, "not YAML"),
    "an unclosed bracket": (START, "start: [unit\n", 4, "not YAML"),
    "an unclosed quote": ("sin(unit)", '"sin(unit)', 9, "not YAML"),
    "an indentation that jumps": ("    wrap:", "   wrap:", 9, "not YAML"),
    "a character that begins nothing": (SIN, "@unit", 9, "not YAML"),
    "a null byte": ("0.5", "\0", 19, "not YAML"),
    "a control character": (SIN, "sin(\7unit)", 9, "not YAML"),
    "a second document": (START, "...\n---\na: b\n", 4, "not YAML"),
    "a key that stands twice": (START, START * 2, 4, "the key 'start' stands twice"),
    "a production that stands twice": ("wrap:", "add:", 9, "the key 'add' stands twice"),
    "a list as a key": ("wrap:", "? [wrap]\n    :", 9, "a key is a plain word"),
    "an anchor": (TITLE, "title: &t Sums\n", 1, "anchors and aliases (& and *) are not read"),
    "an alias": (SIN, "*t", 9, "anchors and aliases (& and *) are not read"),
    "a merge key": ("    wrap: sin(unit)", "    <<: {wrap: sin(unit)}", 9, "rules.unit.<<: "),
    "a Python tag on text": (SIN, "!!python/object/apply:os.system ls", 9, "not a os.system"),
    "a Python tag on a list": (SIN, "!!python/object/apply:os.system [ls]", 9, "os.system' is not read"),
    "a Python tag on keys": ("rules:", "rules: !!python/object:os.stat", 6, "rules: the tag "),
    "a set": ("depth:\n  unit: 2", "depth: !!set {unit}", 4, "depth: the tag "),
    "a number that is none": (SIN, "!!int sin", 9, "'sin' is not what its tag or its digits say"),
    "deep nesting": (TITLE, f"title: {'[' * 33}{']' * 33}\n", 1, "nested deeper than 32 levels"),
    "deep nesting without end": (TITLE, "title: " + "[" * 100_000, 1, "nested deeper than 32 levels"),
    "nothing": (SMALL, "", 1, "the file is empty"),
    "a comment only": (SMALL, "# nothing\n", 1, "the file is empty"),
    "one word": (SMALL, "space", 1, "the document: expected keys and values"),
    "a list": (SMALL, "- a\n- b\n", 1, "the document: expected keys and values"),
    "no rules": (SMALL[SMALL.index("  unit:\n    add") : SMALL.index("weights")], "  {}\n", 6, "rules: expected at le"),
    "an empty rule": (LEAVES + "weights:\n  leaf:\n    x: 3\n", "  leaf: {}\n", 11, "expected at least one production"),
    "a rule without keys": (LEAVES, "  leaf: x\n", 11, "rules.leaf: expected keys and values"),
    "an unknown operator": (SIN, "sinn(unit)", 9, "rules.unit.wrap: in 'sinn(unit)': unknown operator 'sinn'"),
    "half an expression": (SIN, "sin(unit", 9, "rules.unit.wrap: 'sin(unit' is no expression"),
    "an array": (SIN, "unit[0]", 9, "unit is a symbol, and only a parameter has entries"),
    "an empty production": (SIN, "''", 9, "rules.unit.wrap: the expression is empty"),
    "a constant without quotes": (SIN, "1.0", 9, "rules.unit.wrap: input should be a valid string"),
    "a misspelled symbol": (SIN, "sin(unti)", 9, "'unti' is no symbol (did you mean unit?)"),
    "an unknown start": (START, "start: unt\n", 3, "unknown symbol in start 'unt': did you mean unit"),
    "depth of an unknown symbol": ("unit: 2", "unti: 2", 5, "unknown symbol in depth 'unti': did you mean unit"),
    "endless recursion": ("depth:\n  unit: 2\n", "", 5, "without end (unit -> unit)"),
    "a rule that never ends": ("    leaf: leaf\n", "", 7, "the rules derive nothing from 'unit'"),
    "weights of an unknown symbol": ("  leaf:\n    x: 3", "  laef:\n    x: 3", 15, "weights 'laef': did you mean leaf"),
    "weight of an unknown production": ("x: 3", "y: 3", 16, "unknown production in weights.leaf 'y'"),
    "a negative weight": ("x: 3", "x: -3", 16, "weights.leaf.x: input should be greater than 0"),
    "no weight": ("x: 3", "x: 0", 16, "weights.leaf.x: input should be greater than 0"),
    "an infinite weight": ("x: 3", "x: .inf", 16, "weights.leaf.x: input should be a finite number"),
    "an unused symbol": (LEAVES, "  spare:\n    x: x\n" + LEAVES, 11, "rules.spare: nothing leads to this symbol"),
    "unused symbols that lead to each other": (
        "  unit: 2\nrules:\n", "  unit: 2\n  one: 1\nrules:\n  one:\n    a: sin(two)\n  two:\n    b: one\n    c: x\n",
        8, "rules.one: nothing leads to this symbol",
    ),
    "a symbol with a name of the language": (LEAVES, "  sin:\n    x: x\n" + LEAVES, 11, "a name of the language"),
    "an unused parameter": ("  beta:", "  delta:", 18, "(no rule uses it) 'delta'"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_mistake_is_one_sentence_with_file_and_line(tmp_path, old, new, line, reason):
    assert SMALL.count(old) >= 1
    path = tmp_path / "space.yaml"
    path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    assert_refused(path, f":{line}: ", reason)


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (SMALL.encode().replace(b"sin", b"\xff"), ":9: ", "the file is not UTF-8 text"),
        (SMALL.encode("utf-16"), ":1: ", "the file is not UTF-8 text"),
        (SMALL.encode() + b"#" * 256_000, ": ", "the file is larger than 256000 bytes"),
    ],
    ids=["not UTF-8", "UTF-16", "too large"],
)
def test_bytes_that_cannot_be_read_are_refused(tmp_path, content, place, reason):
    path = tmp_path / "space.yaml"
    path.write_bytes(content)
    assert_refused(path, place, reason)


def assert_refused(path, place, reason):
    with pytest.raises(SpaceError) as refused:
        read_space(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}{place}")
    assert reason in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    assert len(sentence) < 300 + len(str(path))
