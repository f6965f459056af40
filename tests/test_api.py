"""The verbs from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import actsearch as a
from actsearch.errors import UnknownNameError


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, actsearch; print({'torch', 'ray', 'mlflow', 'sympy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_is_there() -> None:
    assert all(getattr(a, name) is not None for name in a.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sarch'"):
        a.sarch  # noqa: B018


def test_a_parsed_function_becomes_a_module_that_learns() -> None:
    layer = a.parse("x * sigmoid(beta * x)", beta=1.5).module()
    x = torch.linspace(-3, 3, 7, dtype=torch.float32)
    y = layer(x)
    assert torch.allclose(y, x * torch.sigmoid(1.5 * x))
    y.sum().backward()
    (beta,) = layer.parameters()
    assert beta.grad is not None
    assert beta.grad.abs().item() > 0


def test_the_catalog_gives_activations_by_name_and_alias() -> None:
    assert a.catalog["gelu"].text == "gelu(x)"
    assert a.catalog["swish1"] == a.catalog["silu"]
    with pytest.raises(UnknownNameError, match="gelu"):
        a.catalog["gellu"]


def test_search_and_evaluate_are_packages_that_can_be_called(tmp_path: Path) -> None:
    settings = {"generation": 4, "finalists": 2, "final_seeds": 2, "track_uri": "none"}
    summary = a.search("swish", budget="4c", workers="in-process", store=tmp_path, settings=settings)
    assert summary.search.status == "finished"
    assert summary.counts.generated == summary.counts.evaluated + sum(summary.counts.rejected.values())
    assert (tmp_path / "exports" / "swish_digits_1.py").is_file()

    comparison = a.evaluate(a.parse("sin(x)"), a.parse("3 * sin(x)"), seeds=2)
    by_name = {entry.name: entry.outcome for entry in comparison.entries}
    assert by_name["sin(x)"] == by_name["3 * sin(x)"], "a constant factor ties exactly"
    assert {"relu", "gelu", "silu"} <= set(by_name)


def test_a_population_is_one_layer_of_many_activations() -> None:
    population = a.compile_population([a.parse("relu(x)"), a.parse("sin(x)")])
    x = torch.linspace(-3, 3, 12).view(2, 2, 3)
    torch.testing.assert_close(population(x), torch.stack([x[0].relu(), x[1].sin()]))
