"""Every strategy by the command line: on two spaces where it makes sense, and what is said where it does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from actsearch.grammar.space import open_space
from actsearch.search.config import SearchConfig
from actsearch.search.conformance import made_up
from actsearch.search.strategies import STRATEGIES, make_strategy
from actsearch.search.strategy import Archive

SETTINGS = {
    "generation": 4,
    "finalists": 2,
    "search_seeds": 1,
    "final_seeds": 2,
    "track_uri": "none",
    "protocols.stability.when": "never",
    # Small enough to be told and to go on within twelve candidates.
    "controller.units": 8,
    "entropy.steps": 2,
    "gradient.mixture": 8,
    "gradient.take": 4,
    "placement.start": 4,
    "surrogate.initial": 4,
    "surrogate.enumerated": 0,
    "auto.alone": 4,
    "auto.known": 2,
}
STACKED = """
import torch

from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.trainer import Lesson, Recipe, Split

class Small(StackedTask):
    \"\"\"Tell on which side of a curve points lie.\"\"\"

    chance = -0.6931471805599453
    learning_rates = (0.01, 0.02, 0.05)
    baselines = ("gelu",)
    recipe = Recipe(widths=(2, 16, 2), steps=40, batch=16, learning_rates=learning_rates, chance=chance)

    @property
    def lessons(self):
        return [Lesson(split=self.split, recipe=self.recipe)]

    def split(self, seed):
        points = torch.randn(192, 2, generator=torch.Generator().manual_seed(seed))
        labels = (points[:, 1] > torch.sin(2 * points[:, 0])).long()
        parts = torch.arange(192).split(64)
        return Split.of(points, labels, train=parts[0], validation=parts[1], test=parts[2])
"""
LAYERED = """
import torch

from actsearch.evaluate.task import Task

class Layered(Task):
    \"\"\"Fit a sine on a grid by two functions, one after the other.\"\"\"

    chance = -1e6
    baselines = ("gelu",)
    layers = 2

    def score(self, make_activation, seed, learning_rate):
        x = torch.linspace(-2, 2, 61).unsqueeze(1) + 0.1 * seed
        with torch.no_grad():
            out = x
            for layer in (1, 2):
                out = make_activation(1, channel_dim=-1, layer=layer)(out)
            return -float((out - torch.sin(2 * x)).square().mean()) - learning_rate
"""
CORRECTED = """title: a test's own
paper: "none"
start: unit
rules:
  unit:
    plain: function
    corrected: function + 0.01 * entropy_correction(function, 0, 1)
  function:
    relu: relu(x)
    gelu: gelu(x)
    silu: silu(x)
    elu: elu(x)
    tanh: tanh(x)
    sin: sin(x)
    softplus: softplus(x)
    asinh: asinh(x)
"""
RUNS = {
    "annealing": ("swish cheap", "sparse layered"),
    "auto": ("swish cheap", "pangaea stacked"),
    "controller": ("swish stacked", "pangaea cheap"),
    "entropy": ("entropy stacked", "corrected cheap"),
    "evolution": ("swish stacked", "free cheap"),
    "exhaustive": ("actbench cheap", "polycom stacked"),
    "gradient": ("swish stacked", "actbench stacked"),
    "islands": ("swish cheap", "sparse layered"),
    "pareto": ("swish stacked", "pangaea cheap"),
    "placement": ("placement layered", "sparse layered"),
    "random": ("swish cheap", "placement layered"),
    "surrogate": ("swish stacked", "free cheap"),
}
"""Two spaces of each, with the task."""
KINDS = ("evonorm", "gated", "lanes", "sparse", "topk")
"""Spaces of one kind each: graphs of tensors, two inputs, lanes, sites, statistics."""
ANYWHERE = ("annealing", "auto", "evolution", "islands", "pareto", "random", "surrogate")
REFUSALS = {
    "controller": ("evonorm convnets", "space 'evonorm' is not written as rules: .* swish or pangaea"),
    "entropy": ("swish stacked", "no rule of the space 'swish' has entropy_correction: search the space entropy"),
    "exhaustive": ("pangaea cheap", "'pangaea' has .*: choose a smaller space"),
    "gradient": ("sparse layered", "those of 'sparse' are others: search such a space, as swish or actbench"),
    "placement": ("swish cheap", "'swish' does not assign functions site by site: search placement or sparse"),
    "gradient on a task without stacks": ("swish cheap", "this task has no stacks of them: digits, tabular and"),
    "placement on a task without sites": ("placement stacked", "the sites of this task cannot differ"),
}
"""Where a strategy makes no sense, and what is said there."""


@pytest.fixture(scope="module")
def files(tmp_path_factory, cheap) -> dict[str, str]:
    """Paths of spaces and tasks by the names that stand for them above."""
    folder = tmp_path_factory.mktemp("files")
    written = {"stacked.py": STACKED, "layered.py": LAYERED, "corrected.yaml": CORRECTED}
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {"cheap": cheap, **{Path(name).stem: str(folder / name) for name in written}}


@pytest.fixture
def search(command, files, tmp_path):
    """Calls `actsearch search`; gives exit code, standard output and standard error."""

    def call(strategy: str, where: str) -> tuple[int, str, str]:
        space, task = (files.get(name, name) for name in where.split())
        settings = [argument for key, value in SETTINGS.items() for argument in ("--set", f"{key}={value}")]
        options = ["--strategy", strategy, "--workers", "in-process", "--budget", "12c", "--store", tmp_path, "--json"]
        return command("search", space, "--task", task, *options, *settings)

    return call


def test_all_of_them_are_here():
    assert list(RUNS) == list(STRATEGIES)


@pytest.mark.parametrize(("strategy", "where"), [(name, where) for name, two in RUNS.items() for where in two])
def test_it_runs(strategy, where, search):
    code, out, err = search(strategy, where)
    assert code == 0, err
    found = json.loads(out)
    trained = found["counts"]["evaluated"] + found["counts"]["rejected"].get("quality", 0)
    assert (found["status"], trained, found["counts"]["failed"]) == ("finished", 12, 0)
    assert max(candidate["generation"] for candidate in found["candidates"]) > 2
    assert found["winner"] is not None


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_of_every_kind_are_taken_by_all_but_those_that_refuse(kind):
    space, few = open_space(kind), {"auto.catalog": "false", "surrogate.pool": "1"}
    settings = SearchConfig.of({**{key: str(value) for key, value in SETTINGS.items()}, **few}).strategies
    for name in ANYWHERE:
        strategy, archive = make_strategy(name, space, settings), Archive()
        state = strategy.start(0)
        for _ in range(3):
            state, proposals = strategy.ask(state, 4, archive)
            assert len(proposals) == 4, name
            archive.proposed(proposal.genome.encode() for proposal in proposals)
            results = made_up(space, proposals)
            archive.tell(results)
            state = strategy.tell(state, results)


@pytest.mark.parametrize("case", REFUSALS)
def test_it_says_where_it_makes_no_sense(case, search):
    where, said = REFUSALS[case]
    code, out, err = search(case.split()[0], where)
    assert (code, out) == (2, "")
    assert re.search(said, " ".join(err.split())), err
    assert len(err.strip().splitlines()) <= 6
