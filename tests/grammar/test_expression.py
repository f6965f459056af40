import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given

from actsearch.grammar.expression import (
    GATE,
    Apply,
    Constant,
    Parameter,
    X,
    call,
    fold,
    input_names,
    parameter_names,
    size,
    substitute,
    survey,
    walk,
)
from tests.grammar.strategies import expressions, quick

A, B = Parameter("a"), Parameter("b")


def test_arithmetic_builds_the_trees_it_says():
    assert X + 1 == Apply("add", (X, Constant(1.0)))
    assert 1 + X == Apply("add", (Constant(1.0), X))
    assert X - 1 == Apply("subtract", (X, Constant(1.0)))
    assert 1 - X == Apply("subtract", (Constant(1.0), X))
    assert 2 * X == Apply("multiply", (Constant(2.0), X))
    assert X * A == Apply("multiply", (X, A))
    assert X / 2 == Apply("divide", (X, Constant(2.0)))
    assert 2 / X == Apply("divide", (Constant(2.0), X))
    assert X**2 == Apply("power", (X, Constant(2.0)))
    assert -X == Apply("negative", (X,))
    assert call.maximum(X, 0) == Apply("maximum", (X, Constant(0.0)))


def test_kinds_with_the_same_name_differ():
    assert Parameter("x") != X
    assert len({X, Parameter("x"), Constant(1.0), GATE}) == 4


def test_walk_goes_from_the_root_left_to_right():
    tree = call.sin(X) + A * X
    assert [getattr(node, "operator", getattr(node, "name", None)) for node in walk(tree)] == [
        "add", "sin", "x", "multiply", "a", "x",
    ]  # fmt: skip
    assert size(tree) == 6


def test_names_stand_in_order_of_appearance():
    tree = B * GATE + A * X + B
    assert parameter_names(tree) == ("b", "a")
    assert input_names(tree) == ("x", "gate")
    assert input_names(A + 1) == ()


def test_substitution_is_simultaneous():
    assert substitute(A + B, {A: B, B: A}) == B + A
    assert substitute(call.sin(X) * X, {X: X + 1}) == call.sin(X + 1) * (X + 1)


def test_fold_computes_a_shared_subtree_once():
    shared = call.sin(X)
    tree = shared * shared + shared
    seen = []
    count = fold(tree, lambda _: 1, lambda name, found: seen.append(name) or sum(found) + 1)
    assert seen.count("sin") == 1
    assert count == size(tree)


def test_nodes_cannot_be_changed():
    with pytest.raises(AttributeError):
        X.name = "y"
    with pytest.raises(AttributeError):
        (X + 1).operator = "subtract"


@quick(60)
@given(expressions())
def test_an_expression_is_the_same_after_pickling(tree):
    copy = pickle.loads(pickle.dumps(tree))
    assert copy == tree
    assert hash(copy) == hash(tree)


def test_hash_and_equality_survive_pickling_to_another_process(tmp_path):
    from actsearch.grammar.activation import parse

    original = parse("x * sigmoid(beta * x) + sin(a * x)**2 / a", beta=1.5, a=(0.5, "channel"))
    # What is cached before pickling must not be trusted either.
    assert original.id
    path = tmp_path / "activation.pickle"
    path.write_bytes(pickle.dumps((original, {original.expression: "found"})))
    code = """
import pickle, sys
from actsearch.grammar.activation import Activation, parse
with open(sys.argv[1], "rb") as file:
    copy, table = pickle.load(file)
own = parse("sin(a * x)**2 / a + sigmoid(beta * x) * x", a=(0.5, "channel"), beta=1.5)
assert copy.expression == own.expression and hash(copy.expression) == hash(own.expression)
assert copy == own
assert table[own.expression] == "found"
print(own.hash, Activation(expression=copy.expression, parameters=copy.parameters).hash, hash("x"))
"""
    salts = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        own, copied, salt = done.stdout.split()
        assert own == copied == original.hash
        salts.add(salt)
    assert len(salts) == 2


def test_a_survey_says_what_occurs_in_order_of_appearance():
    b, a = Parameter("b"), Parameter("a", 2)
    found = survey(call.sin(b * X) + call.exp(a + GATE) * b + call.sin(X))
    assert found.operators == ("add", "sin", "multiply", "exp")
    assert found.inputs == ("x", "gate")
    assert found.parameters == (b, a)


def test_what_has_nothing_replaced_stays_the_same_object():
    inner = call.sin(X)
    changed = substitute(inner * Parameter("a"), {Parameter("a"): Constant(2.0)})
    assert changed == inner * 2
    assert changed.arguments[0] is inner
    assert substitute(inner, {}) is inner
