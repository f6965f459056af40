from __future__ import annotations

import pytest

from actsearch.evaluate.task import subject_of
from actsearch.grammar.activation import Candidate, parse
from actsearch.outcome import Scored
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import choose
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import Standing

FUNCTIONS = {"sine": "sin(x)", "cube": "x**3", "hyperbolic": "tanh(x)", "mixed": "x**3 + sin(x)", "bell": "exp(-x**2)"}

APART = SearchConfig().finalists_apart


@pytest.fixture(scope="module")
def space(write_space) -> str:
    return write_space(FUNCTIONS)


def found(records, text):
    """What became of a function when it was proposed first."""
    return next(record.outcome for record in records if record.expression == text)


def test_what_is_unstable_is_rejected_before_the_finals_and_the_next_takes_its_place(
    search, journalled, space, tmp_path
):
    settings = {"protocols.stability.when": "finalists", "finalists": "3"}
    summary = search(space, budget="5c", settings=settings, store=tmp_path)
    records = journalled(tmp_path)
    cube = found(records, "x**3")
    assert (cube.stage, cube.measured > 1e8) == ("stability", True)
    # Its trainings have been run and still count: two seeds at three learning rates for all, and two baselines.
    assert summary.counts.trained == 6 * (5 + 2) + 9 * (3 + 2)
    assert isinstance(found(records, "sin(x)"), Scored)
    assert summary.counts.rejected["stability"] == 2
    assert summary.counts.generated == summary.counts.evaluated + sum(summary.counts.rejected.values())
    assert {c.record.expression for c in summary.finalists} == {"sin(x)", "tanh(x)", "exp(-x**2)"}


def test_a_search_of_unstable_functions_ends_without_a_winner(search, space):
    # With this limit every function is unstable.
    settings = {"protocols.stability.largest": "0", "protocols.stability.steps": "1", "finalists": "1"}
    for when, rejected in (("finalists", 5), ("all", 5), ("never", 0)):
        summary = search(space, budget="5c", settings={**settings, "protocols.stability.when": when})
        assert summary.counts.rejected.get("stability", 0) == rejected, when
        assert (summary.winner is None) == (rejected == 5)
        assert summary.search.status == "finished"


def test_what_is_stable_stays(search, space):
    settings = {"protocols.stability.when": "finalists", "protocols.stability.steps": "1", "finalists": "1"}
    summary = search(space, budget="5c", settings={**settings, "protocols.stability.largest": "1e30"})
    assert "stability" not in summary.counts.rejected
    assert [c.name for c in summary.finalists] == [summary.candidates[0].name]


def standing(number: int, **assignment: str) -> Standing:
    """A scored candidate, by selector, or one activation at every site as `at`; `b=` behind a bar gives b its value."""
    parts = []
    for selector, text in assignment.items():
        expression, _, value = text.partition(" | b=")
        activation = parse(expression, **({"b": float(value)} if value else {}))
        parts.append(("*" if selector == "at" else selector.replace("_", ":"), activation))
    subject = subject_of(Candidate(assignment=tuple(parts)))
    record = CandidateRecord(
        number=number,
        id=str(number),
        generation=1,
        expression=subject.candidate.text,
        parameters=subject.candidate.parameters_json(),
        genome="",
        parents=(),
        move="sample",
    )
    return Standing(record=record, name=str(number), score=-number)


def chosen(texts, count=10, apart=APART):
    found = choose([standing(number, at=text) for number, text in enumerate(texts)], count, apart)
    return [texts[int(one.name)] for one in found]


@pytest.mark.parametrize(
    ("better", "other"),
    [
        ("x * sigmoid(x)", "x * sigmoid(1.01 * x)"),
        ("x * sigmoid(b * x) | b=1", "x * sigmoid(b * x) | b=7"),
        ("x * sigmoid(b * x) | b=1", "x * sigmoid(c * x)"),
        ("sin(x)", "2 - sin(x)"),
        ("tanh(x) + b | b=0.5", "tanh(x)"),
        ("x * sigmoid(gate)", "x * sigmoid(1.01 * gate)"),
        ("x / (1 + std[last](x))", "x / (1.01 + std[last](x))"),
    ],
)
def test_of_two_that_are_one_function_the_better_is_a_finalist(better, other):
    assert chosen([better, other, "x**2"]) == [better, "x**2"]
    assert chosen([other, better, "x**2"]) == [other, "x**2"]
    assert chosen([better, other, "x**2"], apart=1) == [better, other, "x**2"]


def test_what_is_apart_stays_and_the_count_holds():
    texts = ["sin(x)", "tanh(x)", "relu(x)", "gelu(x)", "silu(x)", "x * sigmoid(gate)", "x / (1 + std[last](x))"]
    assert chosen(texts) == texts
    assert chosen(texts, count=2) == texts[:2]
    # Relu and gelu have a correlation of 0.9965.
    assert chosen(texts, apart=0.99) == ["sin(x)", "tanh(x)", "relu(x)", "x * sigmoid(gate)", "x / (1 + std[last](x))"]


def test_assignments_are_one_function_if_they_are_at_every_site():
    first = standing(0, layer_1="sin(x)", layer_2="x * sigmoid(b * x) | b=1")
    same = standing(1, layer_1="1 + sin(x)", layer_2="x * sigmoid(b * x) | b=3")
    other = standing(2, layer_1="tanh(x)", layer_2="x * sigmoid(b * x) | b=1")
    fewer = standing(3, layer_1="sin(x)")
    assert [one.name for one in choose([first, same, other, fewer], 9, 0.999)] == ["0", "2", "3"]


@pytest.mark.parametrize("when", ["finalists", "never"])
def test_a_disguise_is_scored_and_goes_no_further(search, journalled, write_space, tmp_path, when):
    space = write_space({"sine": "sin(x)", "near": "sin(1.01 * x)", "bell": "exp(-x**2)", "hyperbolic": "tanh(x)"})
    settings = {"protocols.stability.when": when, "protocols.stability.steps": "1", "finalists": "3"}
    summary = search(space, budget="4c", settings=settings, store=tmp_path)
    assert all(isinstance(record.outcome, Scored) for record in journalled(tmp_path) if record.seconds is not None)
    best = [standing.record.expression for standing in summary.candidates]
    worse = max({"sin(x)", "sin(1.01 * x)"}, key=best.index)
    assert {c.record.expression for c in summary.finalists} == {*best} - {worse}
    assert summary.verdict is not None
    assert summary.plans[-1].document["functions"] == 3
