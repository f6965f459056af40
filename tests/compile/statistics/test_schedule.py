"""A sweep with statistics as passes."""

from actsearch.compile.stages import stage
from actsearch.compile.statistics.schedule import parts, schedule, statistics_of
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import parse
from actsearch.grammar.text import write


def sweep_of(text, **parameters):
    return stage(parse(text, **parameters)).sweep


def passes_of(plan):
    return [[write(reduced.node) for reduced in one.reduced] for one in plan.passes]


def test_a_pass_computes_all_that_it_can_know():
    plan = schedule(sweep_of("x / max(std[batch](x), v * x + std[instance](x)) + sum[last](x - mean[instance](x))"))
    assert [sorted(one) for one in passes_of(plan)] == [
        ["mean[batch](x)", "mean[instance](x)"],
        ["sum[last](x - mean[instance](x))", "var[batch](x)", "var[instance](x)"],
    ]
    assert not any(sweep.has_statistics for sweep in plan.sweeps)
    assert {granularity for _, granularity in plan.passes[0].sweep.totals} == {"channel", "[instance]"}


def test_a_pass_that_merges_deviations_computes_a_variance_beside_its_mean():
    sweep = sweep_of("x / std[batch](x) + sum[last](x - mean[instance](x))")
    plain, merging = schedule(sweep), schedule(sweep, merging=True)
    assert [len(one) for one in passes_of(plain)] == [2, 2]
    assert [sorted(one) for one in passes_of(merging)] == [
        ["mean[batch](x)", "mean[instance](x)", "var[batch](x)"], ["sum[last](x - mean[instance](x))"]
    ]  # fmt: skip
    assert {one.name: one.node for one in plain.reduced} == {one.name: one.node for one in merging.reduced}
    first = merging.passes[0].sweep
    ((variance, mean),) = first.deviations
    assert first.results[variance] == first.results[mean]
    assert {first.operation(name) for name in (variance, mean)} == {"deviations", "sum"}


def test_a_variance_around_a_mean_that_is_known_is_summed_around_it():
    sweep = sweep_of("x / std[last](x)")
    (mean,) = (one.node for one in schedule(sweep).reduced if one.statistic.kind == "mean")
    plan = schedule(sweep, frozenset({mean}), merging=True)
    assert [one.sweep.deviations for one in plan.passes] == [()]


def test_what_a_forward_has_found_a_backward_does_not_compute_again():
    sweep = sweep_of("x * sigmoid(v * x) / std[group:4](x)")
    forward = schedule(sweep)
    known = frozenset(reduced.node for reduced in forward.reduced)
    backward = schedule(vjp(sweep), known)
    assert {write(reduced.node) for reduced in backward.known} == {"mean[group:4](x)", "var[group:4](x)"}
    assert len(backward.passes) == 1
    assert len(schedule(vjp(sweep)).passes) == 3


def test_a_derivative_that_was_given_the_forwards_statistics_keeps_none_of_its_own():
    sweep = sweep_of("x / rms[last](x)")
    forward = schedule(sweep)
    assert forward.kept == forward.reduced != ()
    known = frozenset(reduced.node for reduced in forward.reduced)
    backward = schedule(vjp(sweep), known)
    assert backward.reduced != () == backward.kept
    # This one is to be differentiated.
    whole = schedule(vjp(sweep))
    assert whole.kept == whole.reduced != ()


def test_what_stands_in_a_known_statistic_is_left_out():
    sweep = sweep_of("x * mean[layer](abs(x - mean[last](x)))")
    inner, outer = statistics_of(sweep.results.values())
    assert write(inner) == "mean[last](x)"
    assert statistics_of(sweep.results.values(), {outer}) == [outer]
    assert schedule(sweep, frozenset({outer})).passes == ()


def test_a_pass_reads_what_it_needs_only():
    plan = schedule(sweep_of("x * sigmoid(gate) / rms[layer](gate) * v"))
    first = plan.passes[0].sweep
    # The first element gives the shape.
    assert first.elements == ("x", "gate")
    assert first.parameters == ()
    assert plan.last.elements == ("x", "gate")
    assert [name for name, _ in plan.last.parameters] == ["v", "_s0"]


def test_who_has_a_computed_maximum_is_read_as_it_was_written():
    sweep = sweep_of("x * max[last](a * x + b)")
    forward = schedule(sweep)
    assert forward.passes[0].sweep.outputs == ()
    known = frozenset(reduced.node for reduced in forward.reduced)
    backward = schedule(vjp(sweep), known)
    # Found anew, by the kernel that writes what it is taken of.
    assert backward.known == ()
    (written,) = (reduced.written for reduced in backward.passes[0].reduced if reduced.written)
    assert [name for name, _ in backward.passes[0].sweep.outputs] == [written]
    assert all(written in later.elements and written in later.fixed for later in backward.sweeps[1:])
    plain = sweep_of("x * max[last](x) + min[last](x)")
    plain_known = frozenset(reduced.node for reduced in schedule(plain).reduced)
    assert len(schedule(vjp(plain), plain_known).known) == 2
    assert all(one.sweep.outputs == () for one in schedule(vjp(plain), plain_known).passes)


def test_parts_are_named_by_what_they_compute():
    assert list(parts(sweep_of("x / std[last](x)"))) == [
        "forward, pass 1: mean[last](x)", "forward, pass 2: var[last](x)", "forward, results",
        "backward, pass 1: mean[last](-upstream * x * 0.5 / (sqrt(var[last](x) + c0)**2 * sqrt(var[last](x) + c0)))",
        "backward, results",
    ]  # fmt: skip
