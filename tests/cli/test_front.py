"""`search --objective`, `top --objective` and `show` of a search with several objectives."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of this module's own."""
    return tmp_path_factory.mktemp("front")


@pytest.fixture(scope="module")
def found(document, request_, store):
    """What `search --objective cost --json` says."""
    return document(*request_, "--objective", "cost", "--store", store)


def test_candidates_have_their_objectives(found, document, text, store):
    assert all(set(candidate["objectives"]) == {"cost"} for candidate in found["candidates"])
    best = found["candidates"][0]
    shown = document("show", best["id"], "--store", store)
    assert shown["objectives"] == best["objectives"] == {"cost": shown["cost"]["weighted"]}
    assert "operations an element: operations of forward and backward" in text("show", best["id"], "--store", store)


def test_the_front_is_what_no_candidate_beats(found, document, store):
    shown = document("top", "-n", "1", "--objective", "quality", "--objective", "cost", "--store", store)
    assert shown["objectives"] == ["quality", "cost"]
    every = {c["id"]: (c["score"], -c["objectives"]["cost"]) for c in found["candidates"]}
    front = {c["id"]: (c["objectives"]["quality"], -c["objectives"]["cost"]) for c in shown["front"]}
    assert 1 < len(front) < len(every)
    for score, cost in every.values():
        is_beaten = any(s >= score and c >= cost and (s, c) != (score, cost) for s, c in every.values())
        assert is_beaten is ((score, cost) not in front.values())
    assert list(front.values()) == sorted(front.values(), reverse=True)
    assert {"expression", "parameters", "score"} <= set(shown["front"][0])
    baselines = {b["name"]: b["score"] for b in found["baselines"]}
    assert shown["reference"]["quality"] == min(baselines.values())
    volumes = shown["hypervolume"]
    assert volumes[-1]["evaluations"] == found["counts"]["evaluated"]
    assert [v["hypervolume"] for v in volumes] == sorted(v["hypervolume"] for v in volumes)
    assert [v["seconds"] for v in volumes] == sorted(v["seconds"] for v in volumes)


def test_what_follows_from_functions_is_there_for_every_search(found, document, text, store):
    shown = document("top", "--objective", "quality", "--objective", "saved", "--store", store)
    assert all(0 <= c["objectives"]["saved"] <= 32 for c in shown["front"])
    said = " ".join(text("top", "--objective", "quality", "--objective", "cost", "--store", store).split())
    assert "Pareto front of swish-cheap-1" in said
    assert "measured from the worst of the baselines in each (quality" in said


def test_bad_names_end_in_a_sentence(found, command, request_, store, tmp_path):
    for arguments, sentence in (
        (("top", "--objective", "loudness"), "unknown objective 'loudness'"),
        (
            ("top", "--objective", "noise"),
            "has not measured noise: start one with `actsearch search --objective noise`",
        ),
        ((*request_, "--objective", "noise"), "the task Cheap cannot measure noise"),
        ((*request_, "--objective", "cost", "--objective", "cost"), "name one twice"),
    ):
        where = store if arguments[0] == "top" else tmp_path
        code, out, err = command(*arguments, "--store", where)
        assert (code, out) == (2, "")
        assert sentence in " ".join(err.split())
    assert not list(tmp_path.iterdir())
