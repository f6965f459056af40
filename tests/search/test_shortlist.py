from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from actsearch.evaluate.task import load_task
from actsearch.outcome import Rejected, Scored, Scores
from actsearch.search.config import SearchConfig
from actsearch.search.finalists import choose
from actsearch.search.launch import resume
from actsearch.search.progress import Progress
from actsearch.search.shortlist import ShortlistSettings
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord
from actsearch.store.summary import FINAL, SHORTLIST, Standing, summarise, to_json

SETTINGS = {"finalists": "2", "shortlist.seeds": "4"}
# What the two seeds of the search flatter, other seeds and the finals show as it is.
LUCKY = """import zlib
        if seed < 250:
            return float(zlib.crc32(layer.activation.text.encode()) % 1000) / 1000 - 10 * learning_rate"""
CTRL_C = """with open(os.environ["ACTSEARCH_TEST_LOG"]) as log:
            if len(log.readlines()) == int(os.environ["STOP_AT"]):
                raise KeyboardInterrupt"""


@pytest.mark.parametrize(
    ("length", "scored", "further", "places"),
    [(40, 1000, 10, 40), (40, 200, 10, 25), (40, 87, 10, 0), (40, 88, 10, 11), (0, 1000, 10, 0), (8, 1000, 10, 0)],
)
def test_it_is_no_longer_than_what_was_scored_deserves(length, scored, further, places):
    assert ShortlistSettings(length=length).places(scored, further) == places


def test_finalists_are_the_best_of_the_shortlist_on_seeds_of_its_own(search, write_task, tmp_path):
    settings = {**SETTINGS, "shortlist.by": "score"}
    summary = search(task=write_task(LUCKY), budget="48c", settings=settings, store=tmp_path / "store")
    with Journal.open(tmp_path / "store") as journal:
        record = journal.search()
        rungs = {rung: journal.scores(record, rung) for rung in (SHORTLIST, FINAL)}
        hopeless = journal.failures(record, SHORTLIST)
    assert {scores.seeds for scores in rungs[SHORTLIST].values()} == {(250, 251, 252, 253)}
    assert {scores.seeds for scores in rungs[FINAL].values()} == {(500, 501, 502)}
    places = summary.counts.evaluated // 8
    assert len(rungs[SHORTLIST]) + len(hopeless) == places >= 4
    by_search = [c.name for c in summary.candidates]
    assert set(rungs[SHORTLIST]) <= set(by_search[: 2 * places])
    by_shortlist = sorted(rungs[SHORTLIST], key=lambda name: -rungs[SHORTLIST][name].mean())
    assert {c.name for c in summary.finalists} == set(by_shortlist[:2])
    assert by_shortlist[:2] != by_search[:2]
    # All trainings count: two seeds, then four, then three, at three learning rates; and two baselines.
    trained = 6 * (summary.counts.evaluated + 2) + 12 * len(rungs[SHORTLIST]) + 9 * (2 + 2)
    assert summary.counts.trained == trained
    document = to_json(summary, status="finished")
    told = {c["id"]: c["shortlist_score"] for c in document["candidates"] if "shortlist_score" in c}
    assert told == {name: scores.mean() for name, scores in rungs[SHORTLIST].items()} | dict.fromkeys(hopeless)


def test_on_it_are_those_of_whom_a_model_expects_most(search, write_task, tmp_path):
    summary = search(task=write_task(LUCKY), budget="48c", settings=SETTINGS, store=tmp_path / "store")
    with Journal.open(tmp_path / "store") as journal:
        record = journal.search()
        on_it = {*journal.scores(record, SHORTLIST), *journal.failures(record, SHORTLIST)}
        records = journal.candidates(record)
    places = summary.counts.evaluated // 8
    expected = ShortlistSettings().order(summary.candidates, records)
    by_score = ShortlistSettings(by="score").order(summary.candidates, records)
    assert on_it == {standing.name for standing in choose(expected, places, 0.999)}
    assert on_it != {standing.name for standing in choose(by_score, places, 0.999)}
    assert list(by_score) == list(summary.candidates)
    assert {standing.name for standing in expected} == {standing.name for standing in by_score}


def test_luck_among_functions_that_are_no_good_gets_no_place():
    leaky = {f"maximum(x, {slope} * x)": -1.0 - slope for slope in (0.01, 0.02, 0.03, 0.04, 0.05, 0.06)}
    leaky["maximum(x, 0.035 * x)"] = 1.0
    waves = {f"sin(x) + {slope} * x": 0.5 + slope for slope in (0.05, 0.06, 0.07, 0.08, 0.09, 0.1)}
    found = [_record(number, text, score) for number, (text, score) in enumerate({**leaky, **waves}.items())]
    rejected = _record(99, "maximum(x, 0.037 * x)", None)
    standings = [Standing(record=r, name=r.id, score=r.outcome.score) for r in found]
    standings.sort(key=lambda standing: -standing.score)
    order = ShortlistSettings().order(standings, [*found, rejected])
    assert standings[0].record.expression == "maximum(x, 0.035 * x)"
    assert [s.record.expression.startswith("sin") for s in order[:6]] == [True] * 6
    assert len(order) == len(standings)


def _record(number: int, text: str, score: float | None) -> CandidateRecord:
    outcome = Rejected(stage="quality", reason="no better than chance", measured=0.0)
    if score is not None:
        outcome = Scored(score=score, scores=Scores(learning_rates=(0.1,), seeds=(0,), values=((score,),)), stage="t")
    return CandidateRecord(
        number=number, id=f"{number:012x}", generation=1, expression=text, parameters={}, genome="", parents=(),
        move="sample", outcome=outcome,
    )  # fmt: skip


def test_what_breaks_on_the_shortlist_is_in_no_finals(search, write_task):
    statement = """if 250 <= seed < 500 and layer.activation.id == open(os.environ["BROKEN"]).read():
            raise ValueError("no such seed")"""
    task = write_task(statement)
    with pytest.MonkeyPatch.context() as patch:
        broken = Path(task).with_name("broken")
        broken.write_text("nobody", encoding="utf-8")
        patch.setenv("BROKEN", str(broken))
        before = search(task=task, budget="48c", settings=SETTINGS)
        (best, *_) = before.advancing
        assert best.judgement is not None
        broken.write_text(best.name, encoding="utf-8")
        after = search(task=task, budget="48c", settings=SETTINGS)
    assert after.candidates[0].score == before.candidates[0].score
    (found,) = (c for c in after.candidates if c.name == best.name)
    assert found.judgement is None
    assert after.advancing[-1].name == best.name
    assert len(after.finalists) == 2
    document = json.loads(json.dumps(to_json(after, status="finished"), allow_nan=False))
    assert [c["shortlist_score"] for c in document["candidates"] if c["id"] == best.name] == [None]


def test_a_search_interrupted_in_its_shortlist_or_after_it_resumes_to_the_same_result(
    search, write_task, write_profile, tmp_path, monkeypatch
):
    # With this limit some of those that come first are unstable.
    settings = {
        **SETTINGS, "generation": "8", "protocols.stability.when": "finalists", "protocols.stability.steps": "3",
        "protocols.stability.largest": "2",
    }  # fmt: skip
    task, alone = write_task(CTRL_C), write_profile(executor="in-process", batch=1)

    def run(name: str, at: int) -> tuple[Path, str]:
        monkeypatch.setenv("ACTSEARCH_TEST_LOG", str(tmp_path / f"{name}.log"))
        monkeypatch.setenv("STOP_AT", str(at))
        summary = search(task=task, budget="30c", settings=settings, workers=alone, store=tmp_path / name)
        monkeypatch.setenv("STOP_AT", "-1")
        return tmp_path / name, summary.search.status

    def document(store: Path) -> dict[str, object]:
        with Journal.open(store) as journal:
            found = to_json(summarise(journal, journal.search()), status="")
        return {key: value for key, value in found.items() if key != "seconds"}

    unbroken, _ = run("unbroken", -1)
    assert "stability" in document(unbroken)["counts"]["rejected"]
    seeds = [int(line.split()[1]) for line in (tmp_path / "unbroken.log").read_text(encoding="utf-8").splitlines()]
    first = next(number for number, seed in enumerate(seeds, 1) if 250 <= seed < 500)
    finals = next(number for number, seed in enumerate(seeds, 1) if seed >= 500)
    assert finals - first >= 2 * 4 * 3
    for at in (first, first + 1, first + 13, finals - 1, finals, finals + 1):
        store, status = run(f"at{at}", at)
        assert status == "stopped"
        resume(store, None, show=lambda _: None, warn=pytest.fail)
        assert document(store) == document(unbroken), f"interrupted at training {at}"


def test_its_time_is_kept_and_where_there_is_none_it_is_left_out(search, cheap, tmp_path):
    search(budget="48c", settings={**SETTINGS, "shortlist.length": "0"}, store=tmp_path)
    with Journal.open(tmp_path) as journal:
        record = journal.search()

        def trials(length: int) -> Trials:
            config = SearchConfig.of({**SETTINGS, "shortlist.length": str(length)})
            found = Trials(
                record=record, journal=journal, task=load_task(cheap), executor=None, config=config,
                progress=Progress(show=lambda _: None), warn=pytest.fail,
            )  # fmt: skip
            found.remember(journal.candidates(record))
            found.progress.evaluated = 48
            return found

        longer, without = trials(4), trials(0)
        # Four places, four seeds, three learning rates, and a quarter more to be on the safe side.
        more = 1.25 * 4 * 4 * 3 * longer._pace.training_seconds + longer.config.shortlist.seconds(48, 2)
        assert longer.config.shortlist.seconds(48, 2) > 0
        assert longer.reserve_seconds() == pytest.approx(without.reserve_seconds() + more)
        assert more > 0
        # The finals of this search are there: only a search without them would be trained further, had it the time.
        with journal._transaction() as connection:
            connection.execute("DELETE FROM scores WHERE rung = 'final'")
        longer.run_shortlist(longer._finals_seconds + more / 2.5)
        with pytest.raises(AttributeError, match="submit"):
            longer.run_shortlist(longer._finals_seconds + 1.01 * more)


def test_seeds_of_rungs_are_disjoint_at_their_most():
    config = SearchConfig.of({"search_seeds": "250", "shortlist.seeds": "250", "final_seeds": "500"})
    ends = [(0, config.search_seeds), (250, 250 + config.shortlist.seeds), (500, 500 + config.final_seeds)]
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ends))
    assert ends[-1][1] <= 1000
