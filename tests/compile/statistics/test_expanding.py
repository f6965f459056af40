"""Values that lie along neither rows nor columns become elements."""

from dataclasses import replace

import pytest
import torch

from actsearch.compile.reference import evaluate_sweep
from actsearch.compile.stages import stage
from actsearch.compile.statistics.expanding import Expanding, expanded
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import parse
from actsearch.grammar.expression import Input


def a_pass():
    """A sweep that reads a value for each group, sums for each and takes the largest."""
    sweep = vjp(stage(parse("x * v + x", v=(1.0, "channel"))).sweep)
    parameters = (("v", "channel"), ("m", "[group:2]"))
    ((dx, value),) = sweep.outputs
    return replace(
        sweep, is_part=True, origin=None, parameters=parameters, outputs=((dx, value * Input("upstream")),),
        sums=(("t", "t", value), ("top", "top", value), ("apart", "apart", value), *sweep.sums),
        maxima=frozenset({"top"}), deviations=(("apart", "t"),),
        totals=tuple((name, "[group:2]") for name in ("t", "top", "apart")),
    )  # fmt: skip


def test_parameters_become_elements_and_their_sums_outputs():
    sweep = expanded(a_pass(), frozenset({"[group:2]"}))
    assert sweep.elements == ("x", "upstream", "m")
    assert sweep.parameters == (("v", "channel"),)
    assert [name for name, _ in sweep.outputs] == ["dx", "t", "top"]
    assert [name for name, _, _ in sweep.sums] == ["d_v"]
    assert sweep.totals == ()


@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 3, 3, 6)])
def test_results_are_those_of_the_sweep_itself(shape):
    asked = []

    def compiler(sweep):
        asked.append(sweep)
        return lambda elements, parameters, channel_dim: evaluate_sweep(
            sweep, {}, (*elements, *parameters), channel_dim
        )[0]

    x, upstream = torch.randn(2, *shape, dtype=torch.float64)
    v, m = torch.randn(shape[-1], dtype=torch.float64), torch.randn(2 * shape[0], dtype=torch.float64)
    dx, t, top, apart, d_v = Expanding(a_pass(), compiler)([x, upstream], [v, m], -1)
    slope = upstream * (v + 1)
    torch.testing.assert_close(dx, slope * upstream)
    by_group = slope.reshape(shape[0], -1, 2, shape[-1] // 2)
    torch.testing.assert_close(t, by_group.sum((1, 3)).reshape(-1))
    torch.testing.assert_close(top, by_group.amax((1, 3)).reshape(-1))
    variance = by_group.var((1, 3), correction=0).reshape(-1)
    torch.testing.assert_close(apart, variance * (by_group.shape[1] * by_group.shape[3]))
    torch.testing.assert_close(d_v, (upstream * x).flatten(0, -2).sum(0))
    # Groups of channels that come last are no contiguous pieces of a sample.
    assert [len(sweep.elements) for sweep in asked] == [3]


def test_of_nothing_the_sum_is_0_and_the_largest_none():
    runner = Expanding(a_pass(), lambda _: None)
    dx, t, top, apart, d_v = runner([torch.zeros(2, 0, 4)] * 2, [torch.ones(4), torch.ones(4)], -1)
    assert dx.shape == (2, 0, 4)
    assert t.tolist() == [0.0] * 4
    assert apart.tolist() == [0.0] * 4
    assert top.tolist() == [-torch.inf] * 4
    assert torch.equal(d_v, torch.zeros(4))
