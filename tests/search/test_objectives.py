"""Searches that measure more than the score: what is journalled, what strategies are told, what is refused."""

from __future__ import annotations

import pytest

from actsearch.errors import ActsearchError, UnknownNameError
from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import load_task
from actsearch.outcome import Scored
from actsearch.search.funnel import subject_of_record
from actsearch.search.strategies import STRATEGIES, Kind
from actsearch.search.strategies.evolution import Evolution, EvolutionSettings
from actsearch.store.front import wanted
from actsearch.store.journal import Journal

SMALL = {"finalists": "1", "final_seeds": "2", "search_seeds": "1"}


@pytest.fixture
def measured(search, tmp_path):
    """A search on digits with an objective of every kind."""
    told = []

    class Listening(Evolution):
        def tell(self, state, results):
            told.extend(results)
            return super().tell(state, results)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, "evolution", Kind(Listening, EvolutionSettings))
        summary = search(
            task="digits,tabular",
            strategy="evolution",
            budget="6c",
            settings={**SMALL, "objectives": "sparsity,cost"},
            store=tmp_path,
        )
    return summary, told


def test_objectives_are_journalled_told_and_those_of_the_function(measured, journalled, tmp_path):
    summary, told = measured
    names = ("quality", "sparsity", "cost", "quality:tabular")
    assert summary.search.task == "digits"
    assert wanted(summary.search) == names
    records = [record for record in journalled(tmp_path) if isinstance(record.outcome, Scored)]
    assert records
    by_id = {result.id: result for result in told if result.score is not None}
    for record in records:
        assert isinstance(record.outcome, Scored)
        assert {"sparsity", "cost"} <= set(record.outcome.objectives) <= set(names)
        assert by_id[record.id].objectives == record.outcome.objectives
    first = next(r for r in records if isinstance(r.outcome, Scored) and "quality:tabular" in r.outcome.objectives)
    (there,) = load_task("tabular").run([subject_of_record(first)], (0,), Quality())
    assert isinstance(first.outcome, Scored)
    assert first.outcome.objectives["quality:tabular"] == there.mean()
    with Journal.open(tmp_path) as journal:
        assert any(name.endswith("tabular") for name in journal.sources(summary.search)[0])
        # Baselines are measured as candidates are; in the finals only scores are compared.
        for scores in journal.scores(summary.search, "search").values():
            assert {"sparsity", "cost"} <= set(scores.objectives)
        assert all(not scores.objectives for scores in journal.scores(summary.search, "final").values())


def test_what_cannot_be_measured_is_refused_before_anything_is_written(search, tmp_path):
    for options, said in (
        ({"settings": {"objectives": "noise"}}, "cannot measure noise"),
        ({"settings": {"objectives": "loudness"}}, "unknown objective 'loudness'"),
        ({"task": "digits,tabula"}, "unknown task 'tabula'"),
    ):
        with pytest.raises(ActsearchError, match=said):
            search(store=tmp_path, **options)
        assert not (tmp_path / "journal.sqlite").exists()
    with pytest.raises(UnknownNameError):
        search(task="digits,", store=tmp_path)


def test_objectives_do_not_change_what_is_found(search, tmp_path):
    plain, more = (
        search(task="digits", budget="4c", settings={**SMALL, "seed_turns": "1", "objectives": names})
        for names in ("", "flips,saved")
    )
    assert [(s.name, s.score) for s in plain.candidates] == [(s.name, s.score) for s in more.candidates]
    assert [s.final_score for s in plain.finalists] == [s.final_score for s in more.finalists]
