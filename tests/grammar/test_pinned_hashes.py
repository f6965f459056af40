"""Hashes are in users' journals: those of several hundred functions stay what they were."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from actsearch.grammar.activation import Activation, ParameterSpec
from actsearch.grammar.text import read

with (Path(__file__).parent / "pinned_hashes.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))


def specs(text: str) -> dict[str, ParameterSpec]:
    """Settings written as `name=initial:granularity`, the latter perhaps a group of some size, or shared."""
    found = {}
    for part in filter(None, text.split(";")):
        name, _, rest = part.partition("=")
        initial, _, granularity = rest.partition(":")
        shared = granularity.endswith(":shared")
        granularity = granularity.removesuffix(":shared")
        found[name] = ParameterSpec(name=name, initial=float(initial), granularity=granularity, shared=shared)
    return found


@pytest.mark.parametrize("start", range(0, len(ROWS), 50))
def test_hashes_are_pinned(start):
    for row in ROWS[start : start + 50]:
        activation = Activation.of(read(row["text"]), specs(row["parameters"]))
        found = (row["text"], activation.id, activation.without_factor().id)
        assert found == (row["text"], row["id"], row["id_without_factor"])


def test_the_names_of_parameters_have_no_part_in_a_hash():
    for row in ROWS[::5]:
        given = specs(row["parameters"])
        if set(given) == {"beta", "beta_2"}:
            swapped = row["text"].replace("beta_2", "zeta").replace("beta", "beta_2").replace("zeta", "beta")
            other = {a: replace(given[b], name=a) for a, b in (("beta", "beta_2"), ("beta_2", "beta"))}
            assert Activation.of(read(swapped), other).id == row["id"]
