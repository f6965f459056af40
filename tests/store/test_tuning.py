from __future__ import annotations

from actsearch.store.record import TrialRecord
from actsearch.store.tuning import TUNE, said, tuned, tuned_json


def trial(subject: str, number: int, score: float | None, **changes) -> TrialRecord:
    curve = ((0.5, -1.0),) if score is None else ((0.5, -1.0), (1.0, score))
    fields = {
        "subject": subject, "number": number, "seed": 0, "values": {"learning rate": 0.0123456, "beta": 1.5},
        "parameters": {"beta": {"initial": 1.5, "granularity": "layer"}}, "gains": {"*": 1.25},
        "ending": "stopped" if score is None else "complete", "curve": curve, "seconds": 0.5,
    }  # fmt: skip
    return TrialRecord(**{**fields, **changes})


def test_trials_come_back_from_the_journal_as_they_were_and_the_first_word_counts(journal, request_of_search):
    search = journal.create_search(request_of_search)
    written = [
        trial("a" * 12, 1, 0.25),
        trial("a" * 12, 0, None, ending="failed", reason="Traceback\nOSError", gains={"*": None}),
        trial("baseline:gelu", 0, 0.5),
    ]
    for row in written:
        journal.record_trial(search, TUNE, row, budget_seconds=7.0)
    journal.record_trial(search, TUNE, trial("a" * 12, 1, 99.0))
    journal.record_trial(search, "final", trial("a" * 12, 1, 3.0))
    assert journal.trials(search, TUNE) == written
    assert journal.search().budget_seconds == 7.0


def test_the_best_trial_is_the_best_that_ran_to_its_end_and_the_first_of_equals():
    rows = [trial("a", 2, -0.5), trial("a", 1, -0.5), trial("a", 0, -0.7), trial("a", 3, None), trial("b", 0, None)]
    found = tuned([*rows, trial("c", 0, -0.1)])
    assert list(found) == ["c", "a", "b"]
    assert found["a"].best == rows[1]
    assert found["a"].endings == {"complete": 3, "stopped": 1}
    assert (found["b"].best, found["b"].score) == (None, None)
    assert [t.number for t in found["a"].trials] == [0, 1, 2, 3]


def test_the_document_of_a_subject_has_every_trial_on_request_only():
    subject = tuned([trial("a", 0, -0.5), trial("a", 1, None)])["a"]
    short, whole = tuned_json(subject, whole=False), tuned_json(subject, whole=True)
    assert short == {
        "name": "a", "score": -0.5, "trials": 2, "complete": 1, "stopped": 1,
        "best": {"number": 0, "values": {"learning rate": 0.0123456, "beta": 1.5}, "gains": {"*": 1.25}},
    }  # fmt: skip
    assert [row["ending"] for row in whole.pop("history")] == ["complete", "stopped"]
    assert whole == short


def test_a_setting_is_said_in_four_digits():
    assert said({"learning rate": 0.0123456, "beta": 1.5}) == "learning rate 0.01235, beta 1.5"
