import pytest
import torch

from actsearch.compile.saving import describe, saved_bits
from actsearch.grammar.activation import parse

FLOAT, HALF = torch.float32, torch.bfloat16


@pytest.mark.parametrize(
    ("text", "saving", "dtype", "bits", "alone"),
    [
        ("gelu(x)", "auto", HALF, 1, 17), ("gelu(x)", "auto", FLOAT, 1, 33), ("gelu(x)", "input", HALF, 16, 16),
        ("gelu(x)", "bits:3", FLOAT, 3, 3), ("tanh(x)", "auto", FLOAT, 0, 32), ("relu(x)", "auto", FLOAT, 1, 1),
        ("hardtanh(x)", "output", FLOAT, 1, 1), ("x + 1", "auto", HALF, 0, 0), ("x * silu(gate)", "auto", HALF, 32, 32),
        ("x * sigmoid(beta * x)", "auto", FLOAT, 32, 32),
    ],
)  # fmt: skip
def test_bits_an_element(text, saving, dtype, bits, alone):
    activation = parse(text)
    assert saved_bits(activation, dtype, saving) == bits
    assert saved_bits(activation, dtype, saving, is_output_kept=False) == alone


@pytest.mark.parametrize(
    ("text", "saving", "parts"),
    [
        ("gelu(x)", "auto", ["the output and a code of 1 bit an element", "residual sum, dropout", "error in float32"]),
        ("tanh(x)", "auto", ["keeps the output;", "100 % relative in saturated tails"]),
        ("relu(x)", "auto", ["a code of 1 bit an element for the slope, nothing else", "0.0e+00 absolute"]),
        ("gelu(x)", "bits:2", ["a code of 2 bits an element for the nearest level"]),
        ("2 * x", "auto", ["keeps nothing, as the derivative is a constant"]),
        ("sin(x)", "auto", ["the input, 32 bits an element;"]),
        ("x * silu(gate)", "auto", ["x and gate, 64 bits an element, as a product with a gate needs both"]),
        ("x * sigmoid(beta * x)", "auto", ["the input, 32 bits an element, as the gradient of beta needs"]),
    ],
)
def test_the_sentence_says_what_is_kept_and_how_accurate_that_is(text, saving, parts):
    sentence = describe(parse(text), FLOAT, saving)
    assert all(part in sentence for part in parts), sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
