"""Searches of gates, lanes and functions by layer, from the funnel to the exported winner."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from actsearch.grammar.space import Space, read_space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import Funnel, subject_of_record
from actsearch.search.launch import resume
from actsearch.search.strategy import Proposal
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Summary, summarise
from tests.search.conftest import SETTINGS

TASK = """
import torch
from torch import nn

from actsearch.evaluate.task import Task

class Sites(Task):
    metric = "minus the mean squared error"
    chance = -100.0
    baselines = ("relu", "tanh")
    final_seeds = 3
    gated, lanes, layers = True, True, 2

    def score(self, make_activation, seed, learning_rate):
        torch.manual_seed(seed)
        layers = [nn.Linear(3, 4)]
        for layer in (1, 2):
            layers += [
                nn.Linear(4, make_activation.inputs * 4),
                make_activation(4, layer=layer),
                nn.Linear(make_activation.outputs * 4, 4),
            ]
        x = torch.randn(50, 3)
        with torch.no_grad():
            return -float((nn.Sequential(*layers)(x).mean(1) - x.prod(1)).square().mean()) - learning_rate
"""
STOP = """
def stop(path):
    import pathlib
    file = pathlib.Path(path)
    if file.exists():
        left = int(file.read_text()) - 1
        file.write_text(str(left))
        if left == 0:
            file.unlink()
            raise KeyboardInterrupt
"""
"""Interrupts the search in the training whose number is in a file, once."""
HEAD = 'title: a test\'s own\npaper: "none"\n'
LAYERED = HEAD + "assign:\n  layer:1..3: site\nrules:\n  site:\n"
LANED = HEAD + "assign:\n  lane:1: site\n  lane:2: site\nrules:\n  site:\n"
FUNCTIONS = {"relu": "relu(x)", "id": "x", "tanh": "tanh(b * x)", "twice": "2 * x", "log": "log(x)", "one": "x - x + 1"}


@pytest.fixture
def write(tmp_path) -> Callable[[str, dict[str, str]], str]:
    """Writer of a space with the given head and one production for each function; gives the path."""

    def to_file(head: str, functions: dict[str, str]) -> str:
        path = tmp_path / "mine.yaml"
        path.write_text(head + "".join(f'    {name}: "{text}"\n' for name, text in functions.items()), "utf-8")
        return str(path)

    return to_file


@pytest.fixture
def task(tmp_path) -> str:
    path = tmp_path / "sites.py"
    path.write_text(TASK, encoding="utf-8")
    return str(path)


def judged(space: Space, *names: str, layers: int = 0) -> list[CandidateRecord]:
    """Assignments of the productions with these names, such as `relu id relu`, in one new funnel."""
    genomes = {" ".join(child.production.name for child in genome.children): genome for genome in space.enumerate()}
    proposals = [Proposal(genome=genomes[name], parents=(), move="sample") for name in names]
    return Funnel(space=space, config=SearchConfig(), layers=layers).pass_together(proposals, first=0, generation=1)


def said(record: CandidateRecord) -> tuple[str, str] | None:
    return (record.outcome.stage, record.outcome.reason) if isinstance(record.outcome, Rejected) else None


def test_an_assignment_is_judged_by_its_parts(write):
    space = read_space(Path(write(LAYERED, FUNCTIONS)))
    names = ("relu id tanh", "id id id", "relu log relu", "relu relu one", "relu twice tanh", "relu id tanh")
    first, lines, log, one, twice, again = judged(space, *names)
    assert first.expression == "layer:1 = relu(x); layer:2 = x; layer:3 = tanh(b * x)"
    assert first.parameters == {
        "layer:1": {}, "layer:2": {}, "layer:3": {"b": {"initial": 1.0, "granularity": "layer"}},
    }  # fmt: skip
    assert (first.outcome, first.gain) == (None, None)
    assert list(first.gains) == ["layer:1", "layer:2", "layer:3"]
    assert first.gains["layer:2"] == pytest.approx(1.0)
    subject = subject_of_record(first)
    assert (subject.candidate.text, subject.candidate.id) == (first.expression, first.id)
    assert subject.gains == tuple(first.gains.values())
    assert said(lines) == ("trivial", "affine")
    assert said(log)[0] == "domain"
    assert said(log)[1].startswith("layer:2: not finite")
    assert said(one) == ("trivial", "constant at layer:3")
    # A factor in front is taken off: the same text as the first.
    assert said(twice) == said(again) == ("duplicate", "the same expression as candidate number 0")


def test_a_task_of_fewer_sites_is_assigned_the_first_of_them(write):
    space = read_space(Path(write(LAYERED, FUNCTIONS)))
    first, same, other = judged(space, "relu id tanh", "relu id relu", "id relu id", layers=2)
    assert first.expression == "layer:1 = relu(x); layer:2 = x"
    assert said(same) == ("duplicate", "the same expression as candidate number 0")
    assert other.outcome is None


def test_lanes_in_another_order_are_the_same_and_layers_are_not(write):
    functions = {"relu": "relu(x)", "minus": "relu(-x)", "max": "maximum(x, gate)", "gate": "gate"}
    space = read_space(Path(write(LANED, functions)))
    crelu, swapped, mixed, line = judged(space, "relu minus", "minus relu", "max relu", "gate gate")
    assert crelu.outcome is mixed.outcome is None
    assert said(swapped) == ("duplicate", "the same function as candidate number 0")
    assert said(line) == ("trivial", "affine")
    layered = read_space(Path(write(LAYERED, {"relu": "relu(x)", "id": "x"})))
    assert [record.outcome for record in judged(layered, "relu id id", "id relu id")] == [None, None]


@pytest.mark.parametrize("space", ["gated", "lanes", "sparse", "placement"])
def test_a_space_of_every_kind_is_searched_resumed_shown_and_exported(command, task, space, tmp_path):
    store, options = tmp_path / "store", [f"--set={key}={value}" for key, value in SETTINGS.items()]

    def document(*arguments: str) -> dict:
        code, out, err = command(*arguments, "--store", store, "--json")
        assert code == 0, err
        return json.loads(out)

    found = document("search", space, "--task", task, "--workers", "in-process", "--budget", "8c", *options)
    assert found["counts"]["evaluated"] == 8
    assert document("top")["candidates"] == found["candidates"]
    winner = next(one for one in found["candidates"] if one["id"] == found["winner"])
    shown = document("show", winner["id"])
    assert shown["expression"] == winner["expression"]
    assert ("gains" in winner) == ("parts" in shown) == (space != "gated")
    code, out, err = command("show", winner["id"], "--store", store)
    assert code == 0, err
    assert winner["id"] in out
    code, out, err = command("lineage", "--to", tmp_path / "lineage.html", "--store", store)
    assert code == 0, err
    layer = made(Path(found["exported"]), **({"layer": 2} if space in ("sparse", "placement") else {}))
    y = layer(torch.randn(5, 4)) if space != "gated" else layer(torch.randn(5, 4), torch.randn(5, 4))
    assert y.isfinite().all()
    compared = document("evaluate", winner["id"], "--task", task, "--workers", "in-process", "--seeds", "2")
    assert winner["id"] in {one["name"] for one in compared["candidates"]}


def made(path: Path, **arguments: int) -> nn.Module:
    """A layer of the exported file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Activation(**arguments)


def test_an_interrupted_search_of_layers_comes_to_the_same_result(task, tmp_path, search, journalled):
    whole = search("placement", task=task, budget="9c", store=tmp_path / "whole", settings={"generation": "3"})
    left = tmp_path / "left"
    left.write_text("26")
    broken = tmp_path / "broken.py"
    broken.write_text(TASK.replace("torch.manual_seed(seed)", f"stop({str(left)!r}); torch.manual_seed(seed)") + STOP)
    first = search("placement", task=str(broken), budget="9c", store=tmp_path / "broken", settings={"generation": "3"})
    assert first.search.status == "stopped"
    second = resumed(tmp_path / "broken")
    assert second.search.status == "finished"
    fields = [
        [(record.id, record.gains, record.fingerprint, record.outcome) for record in journalled(tmp_path / name)]
        for name in ("whole", "broken")
    ]
    assert fields[0] == fields[1]
    assert [one.name for one in whole.finalists] == [one.name for one in second.finalists]


def resumed(store: Path) -> Summary:
    """The summary of the newest search after it has gone on to its end."""
    record = resume(store, None, show=lambda _: None, warn=lambda _: None)
    with Journal.open(store) as journal:
        return summarise(journal, record)
