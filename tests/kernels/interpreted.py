"""Runs in a process of its own with TRITON_INTERPRET=1, and prints what it found as JSON.

`interpreted.py NUMBER OF` takes every so many-th case, from the given one on.
"""

import dataclasses
import itertools
import json
import sys
import warnings
from collections import Counter

import torch
from hypothesis import given

from actsearch import plugins
from actsearch.compile.autograd import FusedSweep
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.checked import Checked
from actsearch.compile.conformance import Case, cases, check, outputs, sample
from actsearch.grammar.activation import parse
from tests.compile.families import excesses, expected, trials
from tests.grammar.strategies import quick
from tests.kernels.interpreter import hasten

_MIXED = parse("x * sigmoid(beta * gate) * a + b", beta=(1.2, "element"), a=(0.7, "channel"), b=0.1)
_SHAPES = (((5,), 0), ((4, 6), 0), ((3, 2, 70), 0), ((3, 4, 5), -1), ((70, 3, 4), 1), ((0, 4), 1), ((4, 0), 1))
# Layouts in which samples, or all that there is, are channels.
EXTRA = [
    Case(name=f"element {shape} along {dim}", activation=_MIXED, shape=shape, channel_dim=dim, second=True)
    for shape, dim in _SHAPES
]
_OVER_ROWS = parse("a * x / std[last](x) + b * max[last](x)", a=1.3, b=0.4)
# One that fits, odd ones, and one of which no program can keep a row.
ROW_LENGTHS = (1, 1000, 1024, 33_001)
# With parameters of the layer and of channels, whose sums come from many programs.
_MANY_PROGRAMS = "mixed (1030, 70)"
_GRANULARITIES = ("array per", "group", "element", "gated")


def repeated(case):
    """Whether two runs give the same bits."""
    function = load_backend("triton").compile(case.activation)
    inputs, upstream, parameters = sample(case)
    runs = [outputs(function, inputs, upstream, parameters, case.channel_dim) for _ in range(2)]
    return all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def trusted(case):
    """Whether the first use's comparison with eager torch finds the kernels right, whatever shape parameters have."""
    function = load_backend("triton").compile(case.activation)
    checked = Checked(function, function.eager)
    inputs, _, parameters = sample(case)
    checked(inputs, parameters, case.channel_dim)
    return not inputs[0].numel() or set(checked.trusted.values()) == {True}


def counted(case):
    """How often each launcher ran for two derivatives."""
    function = load_backend("triton").compile(case.activation)
    ran, run = Counter(), FusedSweep.run

    def counting(fused, tensors, call):
        ran[f"{type(fused.runner).__name__} {fused.sweep.order}"] += 1
        return run(fused, tensors, call)

    FusedSweep.run = counting
    try:
        outputs(function, *sample(case), case.channel_dim, second=True)
    finally:
        FusedSweep.run = run
    return dict(ran)


def rows():
    """The largest excess of rows of several lengths, and how many of a training's two sweeps took them in one go."""
    together = sibling(str(plugins.find("kernels", "triton")), "together").Together
    call, found = together.__call__, {}
    for columns in ROW_LENGTHS:
        case = Case(name=f"rows of {columns}", activation=_OVER_ROWS, shape=(3, columns))
        went = []

        def noting(self, *arguments, went=went):
            went.append(call(self, *arguments))
            return went[-1]

        together.__call__ = noting
        try:
            excess = max(finding.excess for finding in check(load_backend("triton"), case))
        finally:
            together.__call__ = call
        found[columns] = {"excess": excess, "together": sum(done is not None for done in went), "asked": len(went)}
    return found


def random_ones(count):
    """What is wrong with the kernels of random activations of every family, and how many there were."""
    wrong, tried = [], 0

    @quick(count)
    @given(trials())
    def try_one(case):
        nonlocal tried
        wanted = expected(case)
        tried += 1
        try:
            found = excesses(load_backend("triton").compile(case.activation), case, wanted)
        except Exception as error:  # noqa: BLE001 - as below
            wrong.append((str(case), f"{type(error).__name__}: {error}"))
        else:
            wrong.extend([(str(case), str(found))] if max(found) > 1 else [])

    try_one()
    return {"wrong": wrong, "tried": tried}


def main(number, of):
    torch.set_num_threads(1)
    hasten()
    warnings.simplefilter("ignore")  # numpy warns of lanes beyond the end of a tensor
    findings, failures, same, sure, launches = [], {}, {}, {}, {}
    for case in itertools.islice((*cases(), *EXTRA), number, None, of):
        try:
            findings += [dataclasses.asdict(finding) for finding in check(load_backend("triton"), case)]
            if case.activation.parameters and case.name.startswith((_MANY_PROGRAMS, *_GRANULARITIES)):
                same[case.name] = repeated(case)
            if case.name.startswith(_GRANULARITIES):
                sure[case.name] = trusted(case)
                launches[case.name] = counted(case)
        except Exception as error:  # noqa: BLE001 - one broken case must not hide the others
            failures[case.name] = f"{type(error).__name__}: {error}"
    found = {"findings": findings, "failures": failures, "same_bits": same, "trusted": sure, "launches": launches}
    found["random"] = random_ones(36) if number == 0 else {"wrong": [], "tried": 0}
    found["rows"] = rows() if number == of - 1 else {}
    json.dump(found, sys.stdout)


main(*map(int, sys.argv[1:]))
