from __future__ import annotations

import pytest

from tests.search.real import REAL

SETTINGS = ("generation=8", "finalists=3", "evolution.population=8", "track_uri=none", "ladder.survivors=4",
            "ladder.baselines=2", "ladder.trials=4")  # fmt: skip


@pytest.fixture(scope="module")
def climbed(document, cheap, tmp_path_factory):
    """Store and document of a search that went on to a real task."""
    folder = tmp_path_factory.mktemp("climbed")
    (folder / "real.py").write_text(REAL, encoding="utf-8")
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    arguments = ["search", "swish", "--task", cheap, "--then", folder / "real.py", "--workers", "in-process"]
    return folder / "store", document(*arguments, "--budget", "16c", *options, "--store", folder / "store")


def test_top_lists_what_was_tuned_in_80_columns(climbed, text, monkeypatch):
    store, _ = climbed
    monkeypatch.setenv("COLUMNS", "80")
    said = text("top", "--store", store)
    assert "Tuned on real (score of the best trial)" in said
    assert "Finals on real, 3 fresh seeds" in said
    assert "learning rate" in said
    assert all(len(line) <= 80 for line in said.splitlines())


def test_show_says_how_a_candidate_was_tuned(climbed, text, document):
    store, found = climbed
    shown = document("show", found["winner"], "--store", store)
    rung = next(rung for rung in found["rungs"] if rung["name"] == found["winner"])
    assert shown["tuned"]["score"] == rung["score"]
    assert len(shown["tuned"]["history"]) == rung["trials"] == 4
    assert "trials:" in text("show", found["winner"], "--store", store)
    untuned = next(c["id"] for c in found["candidates"] if c["stage"] == "train")
    assert "tuned" not in document("show", untuned, "--store", store)


def test_export_writes_what_the_finals_have_trained(climbed, text, tmp_path):
    store, found = climbed
    text("export", found["winner"], "--to", tmp_path / "mine.py", "--store", store)
    exported = (tmp_path / "mine.py").read_text(encoding="utf-8")
    (by_search,) = (store / "exports").iterdir()
    assert exported == by_search.read_text(encoding="utf-8")
    assert "tuned on: real: learning rate" in exported
