from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from numbers import Real

import pytest
from mlflow import MlflowClient

from actsearch.cli.options import print_json
from actsearch.store.journal import Journal
from actsearch.store.stages import SELDOM, STAGES
from actsearch.track.address import OWN, default_uri

# The JSON contract: scripts depend on these keys, so some may be added and none renamed.
RESULT = {
    "search": str, "status": str, "stopped_because": str, "seconds": Real, "counts": dict, "candidates": list,
    "baselines": list,
}  # fmt: skip
COUNTS = {"generated": int, "evaluated": int, "failed": int, "rejected": dict, "trained": int}
CANDIDATE = {
    "id": str, "expression": str, "parameters": dict, "score": Real, "standard_error": Real | None,
    "delta_to_best_baseline": Real | None, "generation": int, "parents": list, "move": str, "stage": str,
}  # fmt: skip
BASELINE = {"name": str, "score": Real, "standard_error": Real | None}


def assert_form(document: dict, form: dict) -> None:
    assert set(form) <= set(document)
    for key, kind in form.items():
        assert isinstance(document[key], kind), key
        assert not isinstance(document[key], bool), key


def assert_result(document: dict) -> None:
    assert_form(document, RESULT)
    assert_form(document["counts"], COUNTS)
    assert all(isinstance(count, int) for count in document["counts"]["rejected"].values())
    for candidate in document["candidates"]:
        assert_form(candidate, CANDIDATE)
        for spec in candidate["parameters"].values():
            assert isinstance(spec["initial"], Real)
            assert spec["granularity"] in {"layer", "channel"}
    for baseline in document["baselines"]:
        assert_form(baseline, BASELINE)


def test_search_prints_the_document_of_the_contract(finished, store):
    assert_result(finished)
    counts = finished["counts"]
    assert (finished["search"], finished["status"]) == ("swish-cheap-1", "finished")
    assert counts["generated"] == counts["evaluated"] + counts["failed"] + sum(counts["rejected"].values())
    assert counts["failed"] > 0
    assert counts["evaluated"] == len(finished["candidates"])
    assert finished["exported"] == str(store / "exports" / "swish_cheap_1.py")


def test_settings_come_from_a_file_and_set_counts_before_it(document, request_, tmp_path):
    path, store = tmp_path / "mine.yaml", tmp_path / "store"
    path.write_text("generation: 5\nannealing: {rule: annealing, chains: 3}\n", encoding="utf-8")
    short = ("--budget", "3c", "--strategy", "annealing", "--store", store)
    found = document(*request_, *short, "--config", path, "--set", "annealing.chains=2")
    with Journal.open(store) as journal:
        settings = journal.search(found["search"]).settings
    chosen = {key: settings[key] for key in ("generation", "annealing.rule", "annealing.chains")}
    assert chosen == {"generation": "8", "annealing.rule": "annealing", "annealing.chains": "2"}


def test_finalists_have_a_final_score_and_the_others_no_error(finished):
    finalists = [candidate for candidate in finished["candidates"] if "final_score" in candidate]
    assert finalists == finished["candidates"][:3]
    for candidate in finished["candidates"]:
        is_finalist = candidate in finalists
        assert candidate["stage"] == ("final" if is_finalist else "train")
        assert (candidate["standard_error"] is not None) == is_finalist
        assert (candidate["delta_to_best_baseline"] is not None) == is_finalist
    assert finished["winner"] == max(finalists, key=lambda c: c["final_score"])["id"]


def test_finalists_say_what_may_be_claimed_by_a_plan_that_was_laid_down_before(finished, store):
    finalists = [candidate for candidate in finished["candidates"] if "final_score" in candidate]
    for candidate in finalists:
        assert [c["baseline"] for c in candidate["comparisons"]] == ["gelu", "selu"]
        assert candidate["p_value"] == max(c["p_value"] for c in candidate["comparisons"])
        low, high = candidate["interval"]
        assert low < candidate["final_score"] < high
        # With three seeds no difference could be.
        assert candidate["claim"] == "shows no difference on cheap, which 3 seeds could not have shown"
    assert finished["claim"] == finalists[0]["claim"]
    plan = finished["plan"]
    assert (plan["functions"], plan["level"], plan["replaces"]) == (3, 0.05, [])
    assert plan["tasks"][0]["seeds"] == [500, 501, 502]
    with Journal.open(store) as journal:
        (laid_down,) = journal.plans(journal.search(finished["search"]))
    assert laid_down.digest == plan["digest"]


def test_every_parent_was_proposed_in_an_earlier_generation(finished, records):
    born = {}
    for record in records:
        born.setdefault(record.id, record.generation)
    children = [candidate for candidate in finished["candidates"] if candidate["parents"]]
    assert children
    for child in children:
        assert all(born[parent] < child["generation"] for parent in child["parents"])


def test_top_prints_the_first_of_the_same_document(finished, document, store):
    top = document("top", "-n", 2, "--store", store)
    assert_result(top)
    assert top == {**{key: value for key, value in finished.items() if key in top}, "candidates": top["candidates"]}
    assert top["candidates"] == finished["candidates"][:2]
    assert document("top", finished["search"], "-n", 1000, "--store", store)["candidates"] == finished["candidates"]


def test_top_prints_tables_for_a_person(finished, text, store):
    shown = text("top", "--store", store)
    assert "Best of swish-cheap-1" in shown
    assert "Finals on 3 fresh seeds" in shown
    assert finished["candidates"][0]["id"][:8] in shown
    assert f"{finished['candidates'][0]['score']:.4f}" in shown


def test_list_names_the_search_and_how_it_stands(finished, text, document, store):
    (listed,) = document("list", "--store", store)
    assert (listed["name"], listed["status"], listed["budget"]) == (finished["search"], "finished", "40c")
    assert (listed["stopped_because"], listed["seconds"]) == (finished["stopped_because"], finished["seconds"])
    assert "swish-cheap-1" in text("list", "--store", store)


def test_the_name_of_a_search_stands_on_one_line_however_long_it_is(text, cheap, request_, tmp_path):
    task = tmp_path / f"{'long_' * 20}task.py"
    task.write_text(cheap.read_text(encoding="utf-8"), encoding="utf-8")
    text(*request_, "--task", task, "--budget", "1c", "--store", tmp_path)
    assert f" swish-{task.stem}-1 " in text("list", "--store", tmp_path)


def test_lineage_is_one_page_with_every_scored_candidate(finished, text, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert text("lineage", "--store", store) == "written: swish-cheap-1-lineage.html\n"
    page = (tmp_path / "swish-cheap-1-lineage.html").read_text(encoding="utf-8")
    assert all(candidate["id"] in page for candidate in finished["candidates"])
    assert page.startswith("<!DOCTYPE html>")
    assert "swish-cheap-1" in page
    assert text("lineage", "swish-cheap-1", "--to", tmp_path / "other.html", "--store", store)
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == page


def test_a_search_tells_a_person_what_it_found_and_how_to_go_on(command, request_, tmp_path):
    code, out, err = command(*request_, "--budget", "8c", "--store", tmp_path)
    assert code == 0, err
    assert "Finals on 3 fresh seeds" in out
    assert "Winner: " in out
    assert "shows no difference on cheap, which 3 seeds could not have shown." in out
    assert "Analysis plan " in out
    assert "catalog: " in out
    rows = ("proposals", *(stage for stage in STAGES if stage not in SELDOM), "failed", "scored", "finals")
    funnel = out[out.index("Funnel") :]
    assert [row for row in rows if f"│ {row} " not in funnel] == []
    assert "8c is spent" in out
    assert f"exported:  {tmp_path}/exports/swish_cheap_1.py" in out
    assert f"actsearch top swish-cheap-1 --store {tmp_path}" in out
    assert "] baselines" in err
    assert "what a task prints" in err
    assert "what a task prints" not in out


def test_a_search_without_any_score_says_so(command, document, cheap, tmp_path):
    space = tmp_path / "affine.yaml"
    space.write_text("title: t\npaper: none\nstart: unit\nrules: {unit: {a: x + 1, b: 2 * x}}\n", encoding="utf-8")
    arguments = ("search", space, "--task", cheap, "--workers", "in-process", "--set", "track_uri=none", "--store")
    code, out, err = command(*arguments, tmp_path / "store")
    assert code == 0, err
    assert "the space is exhausted" in out
    assert "trivial" in out
    found = document(*arguments, tmp_path / "other")
    assert_result(found)
    assert (found["candidates"], found["winner"], found["exported"]) == ([], None, None)


def test_standard_output_is_one_document_whatever_the_task_prints(finished, request_, tmp_path, root):
    done = subprocess.run(
        [sys.executable, "-m", "actsearch", *request_, "--store", str(tmp_path / "store"), "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert done.stderr.count("what a task prints") >= 6 * 40
    apart = ("seconds", "exported")
    assert {k: v for k, v in found.items() if k not in apart} == {k: v for k, v in finished.items() if k not in apart}


def test_mlflow_is_fed_unless_it_is_switched_off(finished, command, request_, store, tmp_path):
    assert finished
    assert not (store / "mlflow.db").exists()
    # The last value of a setting counts.
    code, _, err = command(*request_, "--set", "track_uri=", "--budget", "2c", "--store", tmp_path)
    assert code == 0, err
    assert "warning" not in err
    uri = default_uri(tmp_path)
    with Journal.open(tmp_path) as journal:
        run, _ = journal.view(journal.search(), OWN)
    assert MlflowClient(tracking_uri=uri).get_run(run).info.status == "FINISHED"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_have_is_null(capsys, value):
    print_json({"a": [value, 1.5], "b": {"c": (value,)}})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5], "b": {"c": [None]}}
