from __future__ import annotations

import functools
from dataclasses import replace

import pytest
import torch

from actsearch.analysis.catalog import catalog
from actsearch.grammar.activation import Activation
from tests.analysis.catalog import beyond, exponential, rectified, self_gated, series, sigmoidal, softened, waves
from tests.analysis.catalog.reference import gate_of, moved, reference_of

FILES = (rectified, exponential, softened, sigmoidal, self_gated, waves, series, beyond)
REFERENCES = {name: reference_of(given) for file in FILES for name, given in file.REFERENCES.items()}
WITH_FORMULA = [name for name, entry in catalog().items() if entry.beyond is None]


def computed(entry, setting, x, *, training):
    """What the torch backend computes of the entry, a tuple of lanes."""
    found = []
    for _, activation in entry.candidate.assignment:
        specs = {spec.name: replace(spec, initial=setting[spec.name]) for spec in activation.parameters}
        own = Activation.of(activation.expression, specs)
        layer = own.module(backend="torch", channels=x.shape[1], dtype=torch.float64).train(training)
        found.append(layer(x, gate_of(x)) if "gate" in own.inputs else layer(x))
    return tuple(found)


def with_slope(function, x):
    point = x.clone().requires_grad_()
    values = function(point)
    values = values if isinstance(values, tuple) else (values,)
    total = sum(
        (0.3 + index + torch.arange(v.numel()).reshape(v.shape).cos()).mul(v).sum() for index, v in enumerate(values)
    )
    (slope,) = torch.autograd.grad(total, point, allow_unused=True) if total.requires_grad else (None,)
    return [value.detach() for value in values], torch.zeros_like(x) if slope is None else slope


def test_no_function_is_without_a_reference_and_no_reference_without_a_function():
    assert sorted(REFERENCES) == sorted(WITH_FORMULA)
    assert len(REFERENCES) == sum(len(file.REFERENCES) for file in FILES)


@pytest.mark.parametrize("name", WITH_FORMULA)
def test_values_and_slopes_are_those_of_the_reference(name):
    entry, reference = catalog()[name], REFERENCES[name]
    initial = {spec.name: spec.initial for spec in entry.parameters}
    others = {spec.name: moved(spec, index) for index, spec in enumerate(entry.parameters)} | dict(reference.moved)
    two = any("gate" in activation.inputs for _, activation in entry.candidate.assignment)
    for setting in [initial, others][: 2 if initial else 1]:

        def expected(x, setting=setting):
            return reference.function(x, **({"gate": gate_of(x)} if two else {}), **setting)

        def found(x, setting=setting):
            return computed(entry, setting, x, training=reference.training)

        ours, theirs = with_slope(found, reference.points), with_slope(expected, reference.points)
        torch.testing.assert_close(
            ours,
            theirs,
            rtol=reference.tolerance,
            atol=reference.tolerance / 100,
            msg=functools.partial("{} at {}: {}".format, name, setting),
        )
