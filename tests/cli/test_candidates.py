from __future__ import annotations

import importlib.util
import json
import math
import struct
from pathlib import Path

import pytest
import torch

from actsearch.grammar.activation import from_json, parse
from actsearch.outcome import Failed, Rejected

SHOWN = {"id", "name", "expression", "derivative", "parameters", "gain", "properties", "novelty", "rejection"}


def of_kind(records, kind):
    return next(record for record in records if isinstance(record.outcome, kind))


def on_one_line(table: str) -> str:
    """The words of a table, whatever the lines they stand on."""
    return " ".join(table.replace("│", " ").split())


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG file, as its header says."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


def exported(path: Path) -> type[torch.nn.Module]:
    """The class in an exported file, imported under a name of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Activation


def test_show_says_of_an_expression_what_can_be_said_without_training(document):
    shown = document("show", "x * sigmoid(beta * x)", "--param", "beta=1.5:channel")
    assert set(shown) >= SHOWN
    assert shown["parameters"] == {"beta": {"initial": 1.5, "granularity": "channel"}}
    assert shown["rejection"] is None
    assert shown["novelty"]["verdict"] in {"known", "close", "new"}
    x = torch.linspace(-4, 4, 81, dtype=torch.float64, requires_grad=True)
    (x * torch.sigmoid(1.5 * x)).sum().backward()
    slopes = parse(shown["derivative"], beta=1.5).module(dtype=torch.float64)(x.detach())
    torch.testing.assert_close(slopes, x.grad)


def test_show_takes_a_catalog_name_and_an_alias(document):
    assert document("show", "silu") == document("show", "swish1")
    shown = document("show", "silu")
    assert (shown["name"], shown["expression"], shown["novelty"]["verdict"]) == ("silu", "silu(x)", "known")
    assert "search" not in shown


def test_show_takes_a_prefix_and_tells_its_scores(finished, document, store):
    best = finished["candidates"][0]
    for digits in (6, 12):
        shown = document("show", best["id"][:digits], "--store", store)
        assert set(shown) >= SHOWN
        keys = ("id", "expression", "parameters", "score", "final_score", "delta_to_best_baseline", "move", "stage")
        assert {key: shown[key] for key in keys} == {key: best[key] for key in keys}
        assert shown["search"] == finished["search"]


def test_show_tells_why_a_candidate_was_rejected(records, document, text, store):
    rejected = next(r for r in records if isinstance(r.outcome, Rejected) and r.outcome.stage != "duplicate")
    outcome = rejected.outcome
    shown = document("show", rejected.id, "--store", store)
    assert shown["rejection"] == {"stage": outcome.stage, "reason": outcome.reason, "measured": outcome.measured}
    assert "score" not in shown
    assert f"{outcome.stage}: {outcome.reason}" in on_one_line(text("show", rejected.id, "--store", store))


def test_show_tells_how_a_candidate_failed(records, document, text, store):
    failed = of_kind(records, Failed)
    shown = document("show", failed.id, "--store", store)
    assert shown["failure"]["stage"] == "train"
    assert "RuntimeError: no [/erf]" in shown["failure"]["traceback"]
    assert "no [/erf]" in text("show", failed.id, "--store", store)


def test_show_says_what_is_proven_in_the_json_and_on_the_page(document, text):
    shown = document("show", "silu")
    facts = shown["properties"]["facts"]
    assert facts["range"]["proven"] is True
    assert facts["range"]["value"] == [pytest.approx(-0.27846454), "inf"]
    assert facts["moments"]["proven"] is False
    assert shown["latex"]["f"] == r"x\,\sigma(x)"
    assert shown["latex"]["derivative"].startswith(r"\sigma(x)")
    page = text("show", "silu")
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in page.splitlines()}
    assert lines["range"].startswith("range proven everywhere [-0.278465, inf), least at x = -1.27846")
    assert lines["moments"].startswith("moments sampled N(0, 1) mean 0.20662")
    assert lines["LaTeX f"] == r"LaTeX f x\,\sigma(x)"


@pytest.mark.parametrize(
    ("expression", "reason", "has_slope"),
    [
        ("x * sigmoid(gate)", "it reads gate", True),
        ("(x - mean[layer](x)) * sigmoid(b * x)", "it takes the statistic mean[layer]", False),
        ("stochastic(0.5, x, 2 * x)", "it draws at random in training", True),
    ],
)
def test_show_shows_what_is_no_function_of_x_alone(document, text, expression, reason, has_slope):
    shown = document("show", expression)
    assert shown["properties"] is None
    # The first is the gated linear unit, and the catalog has none of the others.
    assert shown["novelty"]["verdict"] == ("known" if expression == "x * sigmoid(gate)" else "new")
    assert 0.5 < shown["gain"] < 2
    assert shown["properties_reason"] == f"properties of a function of x alone do not apply: {reason}."
    assert (shown["derivative"] is not None) == (shown["latex"]["derivative"] is not None) == has_slope
    assert shown["latex"]["f"]
    assert reason in on_one_line(text("show", expression))


def test_show_takes_arrays_of_coefficients(document, text):
    arguments = ("show", "pwpoly(x, c)", "--param", "c=0,1,0.5:channel")
    shown = document(*arguments)
    assert shown["properties"]["facts"]["slope"]["proven"] is True
    assert shown["novelty"]["verdict"] == "new"
    assert "starts at 0, 1, 0.5, one value per channel" in on_one_line(text(*arguments))


def test_show_draws_what_each_parameter_does(text, tmp_path):
    bare, with_parameters = tmp_path / "bare.png", tmp_path / "more.png"
    text("show", "x * sigmoid(x)", "--plot", bare)
    text("show", "x * sigmoid(a * x) + b + c[0] * x", "--param", "b=0", "--plot", with_parameters)
    sizes = [size_of(path) for path in (bare, with_parameters)]
    assert sizes[1][0] > 2 * sizes[0][0], "one panel for each of the three parameters"


def test_a_plot_of_what_cannot_be_drawn_is_refused(command, tmp_path):
    code, out, err = command("show", "x * gate", "--plot", tmp_path / "f.png")
    assert (code, out) == (2, "")
    assert err == "actsearch: only functions of x alone can be looked at point by point: it reads gate.\n"


def test_show_draws_f_and_its_slope_into_a_picture(text, tmp_path):
    plot = tmp_path / "f.png"
    shown = text("show", "sin(x) * maximum(x, 0) ** 0.5 + log(x + 4)", "--plot", plot)
    assert f"plot: {plot}\n" in shown
    assert plot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert plot.stat().st_size > 5000


def test_evaluate_compares_with_the_baselines_on_common_seeds(document, cheap):
    arguments = ("evaluate", "sin(x)", "3 * sin(x)", "gelu", "erf(x)", "--task", cheap, "--seeds", 4)
    found = document(*arguments, "--workers", "in-process")
    entries = {entry["name"]: entry for entry in found["candidates"]}
    assert list(entries)[-1] == "erf(x)"
    assert "RuntimeError" in entries["erf(x)"]["failure"]
    assert found["seeds"] == [500, 501, 502, 503]
    assert entries["sin(x)"]["score"] == entries["3 * sin(x)"]["score"], "a constant factor ties exactly"
    assert entries["sin(x)"]["delta_to_best_baseline"] > 0
    names = {entry["name"]: entry for entry in found["baselines"]}
    assert set(names) == {"gelu", "selu"}
    assert names["gelu"] == entries["gelu"]
    assert [c["baseline"] for c in entries["sin(x)"]["comparisons"]] == ["gelu", "selu"]
    assert entries["sin(x)"]["p_value"] == max(c["p_value"] for c in entries["sin(x)"]["comparisons"])
    assert found["conclusions"]["sin(x)"] == entries["sin(x)"]["claim"]
    assert found["conclusions"]["erf(x)"] is None
    assert found["plan"]["tasks"][0]["seeds"] == found["seeds"]
    assert len(found["plan"]["digest"]) == 64
    assert found["tasks"] == [{key: value for key, value in found.items() if key in found["tasks"][0]}]
    assert names[found["best_baseline"]]["delta_to_best_baseline"] == 0
    assert entries["gelu"]["score"] <= max(entry["score"] for entry in names.values())


def test_evaluate_agrees_with_the_finals_of_a_search(finished, document, cheap, store):
    finalists = [candidate for candidate in finished["candidates"] if "final_score" in candidate]
    ids = [candidate["id"] for candidate in finalists]
    found = document("evaluate", *ids, "--task", cheap, "--workers", "in-process", "--store", store)
    scores = {entry["name"]: entry["score"] for entry in found["candidates"]}
    assert scores == {candidate["id"]: candidate["final_score"] for candidate in finalists}


def test_evaluate_gives_a_parameter_to_every_expression_that_has_it(document, cheap):
    given = ("--param", "beta=3", "--param", "c=0,1:channel")
    texts = ("sin(beta * x)", "beta * x * sigmoid(x)", "pwpoly(x, c)", "sin(x)", "gelu")
    arguments = ("--task", cheap, "--seeds", 2, "--workers", "in-process")
    together = document("evaluate", *texts, *given, *arguments)
    alone = document("evaluate", texts[0], *given[:2], *arguments)
    scores = {entry["name"]: entry["score"] for entry in together["candidates"]}
    assert sorted(scores) == sorted(texts)
    assert scores["sin(beta * x)"] == alone["candidates"][0]["score"]
    assert scores["sin(beta * x)"] == document("evaluate", "sin(3 * x)", *arguments)["candidates"][0]["score"]


def test_evaluate_prints_a_table_for_a_person(command, cheap):
    arguments = ("evaluate", "beta * sin(x)", "erf(x)", "--granularity", "channel", "--task", cheap)
    code, out, err = command(*arguments, "--workers", "in-process", "--seeds", 2)
    assert code == 0, err
    shown = on_one_line(out)
    assert "minus the mean squared error, 2 seeds, more is better" in shown
    assert "beta * sin(x) on cheap; p corrected for 2 comparisons" in shown
    assert "beta * sin(x) shows no difference on cheap, which 2 seeds could not have shown." in shown
    assert "beta * sin(x)" in shown
    assert "failed: " in shown
    assert "[/erf]" in shown
    assert err.startswith("training 2 function(s) and 2 baselines on ")


def test_evaluate_compares_on_several_tasks_and_stays_within_80_columns(command, cheap, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(cheap.read_text(encoding="utf-8").replace("2 * x", "3 * x"), encoding="utf-8")
    arguments = ("evaluate", "sin(x)", "x * sigmoid(x) * tanh(x) * cos(2 * x)", "--task", cheap, "--task", other)
    code, out, err = command(*arguments, "--workers", "in-process", "--seeds", 7)
    assert code == 0, err
    assert max(map(len, out.splitlines())) <= 80
    shown = on_one_line(out)
    assert "on each of 2 tasks" in shown
    assert shown.count("sin(x) beats ") + shown.count("sin(x) shows ") + shown.count("sin(x) is worse ") == 1
    assert "on cheap" in shown
    assert "on other" in shown
    assert len([line for line in err.splitlines() if line.startswith("training 2 function(s)")]) == 2


def test_evaluate_refuses_what_cannot_be_trained(command, cheap):
    for text, reason in (("log(x)", "not finite"), ("gate * x", "trains functions of x alone")):
        code, out, err = command("evaluate", text, "--task", cheap, "--workers", "in-process")
        assert (code, out) == (2, "")
        assert err.startswith(f"actsearch: {text!r} cannot be trained: ")
        assert len(err.splitlines()) == 1, "nothing is announced before all is found good"
        assert reason in err


def test_an_exported_file_computes_gain_times_the_function(finished, records, text, tmp_path, store):
    record = next(r for r in records if r.id == finished["winner"])
    for to, path in ((tmp_path, tmp_path / f"activation_{record.id}.py"), (tmp_path / "mine.py", tmp_path / "mine.py")):
        assert text("export", record.id[:8], "--to", to, "--store", store) == f"exported: {path}\n"
        assert finished["search"] in path.read_text(encoding="utf-8")
        x = torch.linspace(-4, 4, 33).unsqueeze(1)
        bare = from_json(record.expression, record.parameters).module(channels=1)
        torch.testing.assert_close(exported(path)()(x), record.gain * bare(x), rtol=1e-5, atol=1e-6)
    assert len(list(tmp_path.glob("*.py"))) == 2


def test_a_gated_function_with_a_statistic_is_exported(text, tmp_path):
    path = tmp_path / "f.py"
    text("export", "x * silu(gate) / rms[last](x)", "--to", path)
    x, gate = torch.randn(2, 3, 4)
    expected = x * torch.nn.functional.silu(gate) / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-5)
    torch.testing.assert_close(exported(path)(gain=1)(x, gate), expected)


def test_an_expression_is_exported_with_its_parameters(text, tmp_path):
    path = tmp_path / "mine.py"
    text("export", "x * sigmoid(beta * x)", "--param", "beta=1.5", "--to", path)
    x = torch.linspace(-4, 4, 33)
    layer = exported(path)()
    (beta,) = layer.parameters()
    assert beta.item() == 1.5
    ratio = (layer(x) / (x * torch.sigmoid(1.5 * x)))[x != 0]
    torch.testing.assert_close(ratio, ratio[0].expand_as(ratio), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text_", ["1/x", "3/(x - 0.31)"])
def test_a_function_without_a_variance_is_exported_without_a_gain_and_says_so(command, tmp_path, text_):
    path = tmp_path / "pole.py"
    code, out, err = command("export", text_, "--to", path)
    assert (code, out) == (0, f"exported: {path}\n")
    assert err == f"warning: {text_!r} has no finite variance under N(0, 1), it seems: its output gain is left at 1.\n"
    x = torch.tensor([0.5, -2.0])
    torch.testing.assert_close(exported(path)()(x), 1 / x if text_ == "1/x" else 3 / (x - 0.31))


def test_export_writes_machine_code_beside_the_file_and_nothing_where_some_lies(text, command, tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path / "store"))
    path, folder = tmp_path / "mine.py", tmp_path / "mine.cubins"
    said = text("export", "relu(x)**2", "--to", path, "--cubin", "sm_80, sm_80")
    assert said == f"exported: {path}\nmachine code: {folder} (12 kernels)\n"
    kernels = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["kernels"]
    assert all((folder / kernel["file"]).read_bytes()[:4] == b"\x7fELF" for kernel in kernels)
    x = torch.linspace(-4, 4, 33)
    torch.testing.assert_close(exported(path)(gain=1.0)(x), x.relu() ** 2)
    path.unlink()
    code, out, err = command("export", "relu(x)**2", "--to", path, "--cubin", "sm_80")
    assert (code, out) == (2, "")
    assert err.startswith(f"actsearch: --cubin: {str(folder)!r} is there already")
    assert not path.exists()


def test_export_writes_two_lanes_of_the_catalog(text, tmp_path):
    path = tmp_path / "lanes.py"
    assert f"exported: {path}" in text("export", "maxmin", "--to", path)
    spec = importlib.util.spec_from_file_location("exported_lanes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    a, b = x.chunk(2, dim=1)
    lanes = torch.cat([a.maximum(b), a.minimum(b)], dim=1)
    torch.testing.assert_close(module.Activation(gains=(1.0, 1.0))(x), lanes)
    gain = 1 / math.sqrt(1 - 1 / math.pi)  # 1 - 1/pi is the variance of the larger of two normal numbers
    torch.testing.assert_close(module.Activation()(x), gain * lanes, rtol=1e-4, atol=0)
