import pytest
import torch

from actsearch.compile.eager import evaluate
from actsearch.compile.printing import INFIX, Language, Text, identifiers, literal, print_program
from actsearch.compile.program import Literal, Temporary, lift, lower
from actsearch.compile.stages import refuse_beyond_one_input, stage
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Apply, Constant, Parameter, X, call
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.text import write

PLAIN = Language(name="plain", rules=INFIX, conditions={}, number=literal)


def test_lifting_takes_the_numbers_out_and_leaves_the_structure():
    lifted = lift(parse("1.5 * x**2.5 + 2 * x * sigmoid(0.3 * x) + 1.5").expression)
    assert dict(lifted.constants).keys() == {"c0", "c1"}
    assert set(dict(lifted.constants).values()) == {1.5, 0.3}
    assert "2.5" in write(lifted.expression)
    assert "2 *" in write(lifted.expression)


def test_lifted_names_avoid_the_parameters():
    lifted = lift(parse("c0 * x + 0.3").expression)
    assert lifted.constants == (("c1", 0.3),)


def test_changing_a_constant_changes_no_program():
    one, other = (stage(parse(f"{c} * x * tanh({c} * x)")) for c in (0.3, 0.7))
    assert one.sweep == other.sweep
    assert one.constants != other.constants


def test_a_choice_between_what_is_known_is_made():
    program = lower({"y": call.where(call.greater(1, 0), call.exp(X), X), "z": call.where(call.greater(0, 1), 3, X)})
    assert [instruction.operator for instruction in program.instructions] == ["exp"]
    assert dict(program.outputs)["z"] == X


def test_what_is_no_operator_is_an_instruction_as_it_stands():
    mean = Apply("mean[last]", (call.exp(X),))
    program = lower({"y": mean * mean + Apply("mean[last]", (Constant(2.0),))})
    assert [i.operator for i in program.instructions].count("mean[last]") == 2


def test_entries_of_arrays_are_printed_by_their_index():
    _, (text,) = print_program(lower({"y": Parameter("a", 2) * X}), PLAIN, {"a": "a_"})
    assert text == "a_[2] * x"


def test_each_distinct_value_is_computed_once():
    program = lower({"y": call.sigmoid(X) * call.sigmoid(-X) * call.exp(X) * call.sqrt(call.sigmoid(X) * call.exp(X))})
    assert sum(i.operator == "exp" for i in program.instructions) == 2
    assert len(set(program.instructions)) == len(program.instructions)


def test_only_primitives_remain_and_nothing_dead():
    program = lower({"y": call.mish(X) + call.gelu(X)})
    assert all(OPERATORS[i.operator].primitive for i in program.instructions)
    read = {o.index for i in program.instructions for o in i.operands if isinstance(o, Temporary)}
    read |= {o.index for _, o in program.outputs if isinstance(o, Temporary)}
    assert read == set(range(len(program.instructions)))


def test_numbers_are_folded_also_beyond_the_finite():
    program = lower({"a": call.exp(Constant(1.0)) + 1, "b": call.log(Constant(0.0)), "c": 0 * X + 0})
    assert program.outputs[0][1].value == pytest.approx(3.718281828)
    assert program.outputs[1][1] == Literal(float("-inf"))
    assert lower({"y": X * 1 + 0}).outputs == (("y", X),)


@pytest.mark.parametrize("text", ["-x", "-(-2 * x)", "x - -beta", "0 - x * -1", "abs(-x)", "-2 * x * -beta"])
def test_moving_signs_keeps_values(text):
    from actsearch.grammar.text import read

    expression = read(text)
    at = {"x": torch.tensor([1.5, -0.3]), "beta": torch.tensor([0.7])}
    results = []

    def value(operand):
        named = {"x": at["x"], "beta": at["beta"]}
        if isinstance(operand, Temporary):
            return results[operand.index]
        return torch.tensor(operand.value) if hasattr(operand, "value") else named[operand.name]

    program = lower({"y": expression})
    for instruction in program.instructions:
        places = [Parameter(f"v{i}") for i in range(len(instruction.operands))]
        given = {f"v{i}": value(o) for i, o in enumerate(instruction.operands)}
        results.append(evaluate(getattr(call, instruction.operator)(*places), given))
    torch.testing.assert_close(value(program.outputs[0][1]), evaluate(expression, at))


@pytest.mark.parametrize(
    "text",
    ["(x + 1) * 2 - (x - (3 - x))", "x / (2 / x) / x", "-(x + 1) * x", "x - (1 - x) * (2 - x)", "1 / (1 + x * x)"],
)
def test_printed_precedence_is_that_of_the_tree(text):
    from actsearch.grammar.text import read

    program = lower({"y": read(text)})
    lines, (result,) = print_program(program, PLAIN, {})
    scope = {"x": 1.7}
    exec("\n".join(lines), scope)
    expected = evaluate(read(text), {"x": torch.tensor(1.7, dtype=torch.float64)})
    assert eval(result, scope) == pytest.approx(float(expected))


def test_a_primitive_without_a_rule_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="plain cannot write exp"):
        print_program(lower({"y": call.exp(X)}), PLAIN, {})


def test_identifiers_clash_with_nothing():
    assert identifiers(["tl", "tl_", "t0", "beta"], ["tl"]) == {"tl": "tl_", "tl_": "tl__", "t0": "t0_", "beta": "beta"}


def test_two_inputs_are_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"two inputs \(x and gate\)"):
        refuse_beyond_one_input(parse("x * gate"))


def test_texts_are_parenthesised_where_needed():
    assert INFIX["multiply"](Text("a + b", 2), Text("-c", 3)).source == "(a + b) * (-c)"
