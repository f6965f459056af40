"""Products in sums: the same values, fewer instructions, and only where nothing else reads the product."""

from actsearch.compile.contraction import contracted
from actsearch.compile.program import lower
from actsearch.grammar.text import read


def operators(text):
    return [instruction.operator for instruction in contracted(lower({"y": read(text)})).instructions]


def test_a_product_joins_the_sum_or_difference_that_reads_it():
    assert operators("a*x + b") == ["multiply_add"]
    assert operators("b + a*x") == ["multiply_add"]
    assert operators("a*x - b") == ["multiply_subtract"]
    assert operators("b - a*x") == ["subtract_multiply"]
    assert operators("x*x - 2") == ["multiply_add"]


def test_one_of_two_products_stays():
    assert operators("a*x + b*x") == ["multiply", "multiply_add"]


def test_a_product_that_something_else_reads_stays():
    assert operators("(a*x) / (a*x + b)") == ["multiply", "add", "divide"]
    program = contracted(lower({"y": read("a*x + b"), "z": read("a*x")}))
    assert [instruction.operator for instruction in program.instructions] == ["multiply", "add"]


def test_operands_are_those_of_the_product_and_then_the_other():
    (instruction,) = contracted(lower({"y": read("b - a*x")})).instructions
    assert [operand.name for operand in instruction.operands] == ["a", "x", "b"]
