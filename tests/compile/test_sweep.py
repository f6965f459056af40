from dataclasses import replace

import torch

from actsearch.compile.reference import evaluate_sweep
from actsearch.compile.stages import stage
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import parse


def sweep_of(text, **parameters):
    return stage(parse(text, **parameters)).sweep


def test_a_forward_reads_its_inputs_and_writes_y():
    sweep = sweep_of("x * sigmoid(beta * gate)", beta=(1.0, "channel"))
    assert sweep.elements == ("x", "gate")
    assert sweep.parameters == (("beta", "channel"),)
    assert [name for name, _ in sweep.outputs] == ["y"]
    assert sweep.sums == ()


def test_a_derivative_reads_what_its_origin_read_and_a_gradient_for_each_output():
    first = vjp(sweep_of("x * sigmoid(beta * x) * 1.3"))
    assert first.elements == ("x", "upstream")
    assert [name for name, _ in first.outputs] == ["dx", "dupstream"][:1]
    assert [(name, of) for name, of, _ in first.sums] == [("d_beta", "beta")]
    assert first.constants == ("c0",)
    second = vjp(first)
    assert second.elements == ("x", "upstream", "upstream2_dx")
    assert [name for name, _ in second.outputs] == ["dx", "dupstream"]
    assert second.parameters == (("beta", "layer"), ("_upstream2_d_beta", "layer"))
    assert [(name, of) for name, of, _ in second.sums] == [("d_beta", "beta")]
    assert (first.order, second.order) == (1, 2)


def test_the_structure_is_blind_to_constants_and_to_nothing_else():
    texts = ("1.3 * sin(x)", "2.5 * sin(x)", "1.3 * cos(x)", "2 * sin(x)")
    one, other, cosine, integer = (sweep_of(text).structure for text in texts)
    assert one == other
    assert len({one, cosine, integer}) == 3
    assert vjp(sweep_of(texts[0])).structure != vjp(vjp(sweep_of(texts[0]))).structure
    assert sweep_of("b * x").structure != sweep_of("b * x", b=(1.0, "channel")).structure


def test_sums_are_over_the_elements_that_share_a_parameter():
    x, upstream = torch.randn(4, 3, 5, dtype=torch.float64), torch.randn(4, 3, 5, dtype=torch.float64)
    for granularity, shape, over in (("layer", (1,), (0, 1, 2)), ("channel", (3,), (0, 2)), ("element", (3, 5), (0,))):
        sweep = vjp(sweep_of("x * b", b=(1.0, granularity)))
        b = torch.randn(shape, dtype=torch.float64)
        (dx, db), _ = evaluate_sweep(sweep, {}, [x, upstream, b], 1)
        torch.testing.assert_close(db, (x * upstream).sum(over).reshape(shape))
        torch.testing.assert_close(dx, upstream * (b.view(-1, 1) if granularity == "channel" else b))


def test_the_entries_of_an_array_are_parameters_of_their_own():
    sweep = sweep_of("c[0] + c[1] * x + c_0", c=((0.1, 0.2), "group:2"))
    assert sorted(name for name, _ in sweep.parameters) == ["_c_0", "c_0", "c_1"]
    assert dict(sweep.parameters)["_c_0"] == "channel"


def test_nobody_asks_for_the_derivative_by_what_is_fixed():
    sweep = replace(sweep_of("x * a + b * gate"), fixed=frozenset({"gate", "b"}))
    derivative = vjp(sweep)
    assert derivative.elements == ("x", "gate", "upstream")
    assert [name for name, _ in derivative.outputs] == ["dx"]
    assert [name for name, _, _ in derivative.sums] == ["d_a"]
    assert [name for name, _ in vjp(derivative).outputs] == ["dx", "dupstream"]
