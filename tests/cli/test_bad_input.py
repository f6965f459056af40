from __future__ import annotations

import re
from pathlib import Path

import pytest

from actsearch.store.journal import Journal
from actsearch.store.record import CandidateRecord, Step

YAML = 'title: t\npaper: "none"\nstart: unit\nrules:\n  unit:\n    a: sin(x)\n'
FILES = {
    "tab.yaml": YAML + "\tb: cos(x)\n",
    "key.yaml": YAML + "wieghts: {}\n",
    "formula.yaml": YAML + "    b: cos(x\n",
    "depth.yaml": YAML.replace("sin(x)", "sin(unit)"),
    "both.yaml": YAML + "graph: {inputs: {x: x}, nodes: 1, primitives: {negative: -a}}\n",
    "nodes.yaml": "title: t\npaper: p\ngraph: {inputs: {x: x}, nodes: 1000000000, primitives: {negative: -a}}\n",
    "sites.yaml": YAML.replace("start: unit", "assign: {layer:0: unit}"),
    "starts.yaml": YAML + "starts: {unit: {a: {far: {beta: 1}}}}\n",
    "smooth.yaml": YAML.replace("sin(x)", "box_smoothed(sin(x), 1)"),
    "nested.yaml": YAML.replace("sin(x)", "mean[last](mean[last](mean[last](x)))"),
    "digits.yaml": YAML.replace("sin(x)", "beta * x") + f"parameters: {{beta: {{initial: 1{'0' * 400}}}}}\n",
    "alias.yaml": YAML + "a: &a [*a]\n",
    "gate.yaml": YAML + "    b: gate * x\n",
    "empty.yaml": "",
    "broken.py": "class Mine(:\n",
    "empty.py": "",
    "worker.yaml": "title: t\nworkers: many\n",
    "file": "",
}
SEARCH = ("search", "swish", "--workers", "in-process", "--budget", "1c")
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "space": (("search", "swich"), r"unknown search space 'swich': did you mean swish[,?]"),
    "space file": (("search", "none.yaml"), "unknown search space file 'none.yaml'"),
    "space not YAML": (("search", "tab.yaml"), r"tab\.yaml:7: not YAML: "),
    "space key": (("search", "key.yaml"), r"key\.yaml:7: .*'wieghts': did you mean weights"),
    "space formula": (("search", "formula.yaml"), r"formula\.yaml:7: rules\.unit\.b: "),
    "space of two inputs": (("search", "gate.yaml"), "reads gate, and this task trains .* these can: .*stdlib-gpt"),
    "space that goes round": (("search", "depth.yaml"), r"depth\.yaml:5: the rules go round without end \(unit -> uni"),
    "space of two kinds": (("search", "both.yaml"), r"both\.yaml:7: a space has either rules or a graph"),
    "space of too many nodes": (("search", "nodes.yaml"), r"nodes\.yaml:3: graph\.nodes: input should be less than"),
    "space of no layer": (("search", "sites.yaml"), r"sites\.yaml:3: assign: 'layer:0': expected layer:N"),
    "space start": (("search", "starts.yaml"), r"starts\.yaml:7: unknown parameter in starts\.unit\.a 'beta'"),
    "space smoothed": (("search", "smooth.yaml"), r"smooth\.yaml:6: .*: box_smoothed takes a piecewise linear functio"),
    "space nested": (("search", "nested.yaml"), r"nested\.yaml:6: .*: statistics stand at most 2 deep"),
    "space digits": (("search", "digits.yaml"), r"digits\.yaml:7: parameters\.beta\.initial: input should be a finite"),
    "space alias": (("search", "alias.yaml"), r"alias\.yaml:7: not YAML: anchors and aliases"),
    "space in a mixture": (("search", "swish,key.yaml"), r"key\.yaml:7: .*'wieghts': did you mean weights"),
    "spaces of other sites": (("search", "swish,sparse"), "assign functions to different sites: search them apart"),
    "space twice": (("search", "swish,swish"), "two are called alike"),
    "space empty": (("search", "empty.yaml"), r"empty\.yaml:1: the file is empty"),
    "space is a folder": (("search", "./"), "unknown search space file"),
    "task": ((*SEARCH, "--task", "digit"), r"unknown task 'digit': did you mean digits[,?]"),
    "task file": ((*SEARCH, "--task", "none.py"), "unknown task file 'none.py'"),
    "task not Python": ((*SEARCH, "--task", "broken.py"), r"broken\.py' cannot be loaded: SyntaxError"),
    "task without a class": ((*SEARCH, "--task", "empty.py"), "has 0 classes derived from"),
    "strategy": ((*SEARCH, "--strategy", "evolve"), r"unknown strategy 'evolve': did you mean evolution\?"),
    "profile": (("search", "swish", "--workers", "labtop"), r"unknown profile 'labtop': did you mean laptop\?"),
    "profile file": (("search", "swish", "--workers", "worker.yaml"), r"worker\.yaml:2: workers: "),
    "no cluster there": (("search", "swish", "--workers", "127.0.0.1:1"), "cannot reach the Ray cluster at"),
    "setting": (
        (*SEARCH, "--set", "evolution.populatoin=3"),
        r"unknown setting 'evolution.populatoin': did you mean evolution\.population",
    ),
    "setting that is a group": ((*SEARCH, "--set", "protocols=1"), "unknown setting 'protocols': did you mean "),
    "settings file": ((*SEARCH, "--config", "worker.yaml"), r"worker\.yaml:1: unknown setting 'title'"),
    "settings file that is not there": ((*SEARCH, "--config", "none.yaml"), r"none\.yaml: No such file"),
    "space too large for a strategy": (
        (*SEARCH, "--strategy", "exhaustive"),
        "exhaustive takes spaces of at most 100000 genomes, and 'swish' has .*: choose a smaller space",
    ),
    "setting without a value": ((*SEARCH, "--set", "generation"), "expected KEY=VALUE"),
    "setting of another type": ((*SEARCH, "--set", "generation=many"), "is 'many': give a value of type int"),
    "setting not a number": ((*SEARCH, "--set", "evolution.fresh=nan"), "is 'nan': give a value of type float"),
    "setting too small": ((*SEARCH, "--set", "generation=0"), "the setting generation is 0: give 1 to "),
    "setting too large": ((*SEARCH, "--set", "final_seeds=501"), "is 501: give 0 to 500"),
    "granularity": ((*SEARCH, "--set", "granularity=chanel"), r"unknown granularity 'chanel': did you mean channel"),
    **{
        f"budget {budget!r}": ((*SEARCH, f"--budget={budget}"), f"the budget {budget!r} is no budget: write e.g. 90s")
        for budget in ("0c", "0s", "abc", "-3s", "1.5c", "", "5", "1e3s", "nans", "infh", "3 candidates")
    },
    "store below a file": ((*SEARCH, "--store", "file/store"), r"the store 'file/store' cannot be used: .*--store"),
    "resume without a store": (("resume",), "no searches in the store"),
    "stop without a store": (("stop",), "no searches in the store"),
    "top without a store": (("top",), "no searches in the store"),
    "list without a store": (("list",), "no searches in the store"),
    "lineage without a store": (("lineage",), "no searches in the store"),
    "ui without a store": (("ui",), "no searches in the store"),
    "code": (("show", "__import__('os')"), "__import__"),
    "lambda": (("show", "(lambda: 0)()"), "."),
    "attribute": (("show", "x.real"), "."),
    "condition": (("show", "x if x else 1"), "."),
    "operator": (("novelty", "sigmiod(x)"), "did you mean sigmoid"),
    "caret": (("show", "x^2"), r"\*\*"),
    "not closed": (("compile", "sin(x"), "."),
    "nothing": (("show", ""), "."),
    "parentheses": (("show", "(" * 5_000_000 + "x" + ")" * 5_000_000), "."),
    "line breaks": (("show", "sin(x)\n+\ncos(y"), "."),
    "parameter unknown": (("show", "beta * x", "--param", "gamma=1"), "unknown parameter of .*beta"),
    "parameter without a value": (("novelty", "beta * x", "--param", "beta"), "expected NAME=VALUE"),
    "parameter not finite": (("show", "beta * x", "--param", "beta=inf"), "expected NAME=VALUE"),
    "parameter granularity": (("show", "beta * x", "--param", "beta=1:chanel"), "channel"),
    "parameter of a catalog function": (("show", "gelu", "--param", "a=1"), "has its own parameters"),
    "no function of x": (("show", "gellu"), "unknown catalog function or expression of x 'gellu': did you mean .*gelu"),
    "plot": (("show", "gelu", "--plot", "none/f.png"), "cannot write 'none/f.png': "),
    "evaluate constant": (("evaluate", "x - x", "--workers", "in-process"), "cannot be trained|unknown"),
    "evaluate parameter": (
        ("evaluate", "beta * sin(x)", "gelu", "--param", "gamma=1"), "--param gamma: none of the functions takes it"
    ),
    "evaluate parameter of the catalog": (("evaluate", "elu", "gelu", "--param", "alpha=1"), "none of the functions"),
    "evaluate workers": (("evaluate", "gelu", "--workers", "labtop"), "unknown profile 'labtop'"),
    "evaluate task": (("evaluate", "gelu", "--task", "digit"), "unknown task 'digit'"),
    "evaluate granularity": (("evaluate", "gelu", "--granularity", "chanel"), "unknown granularity 'chanel'"),
    "export format": (("export", "gelu", "--to", "f.py", "--format", "modul"), "unknown export format 'modul'"),
    "export format later": (("export", "gelu", "--to", "f.py", "--format", "onnx"), "not supported by this version"),
    "export into nothing": (("export", "gelu", "--to", "none/f.py"), "cannot write 'none/f.py': "),
    "export not finite": (("export", "log(x)", "--to", "f.py"), "cannot be exported"),
    "cubin of nothing": (("export", "gelu", "--to", "f.py", "--cubin", "sm_90,"), "expected names of GPUs between"),
    "cubin beside a device": (("export", "gelu", "--to", "/dev/null", "--cubin", "sm_90"), "an ordinary .py file"),
    "cubin in its own place": (("export", "gelu", "--to", "f.cubins", "--cubin", "sm_90"), "an ordinary .py file"),
    "cubin of an unknown GPU": (("export", "gelu", "--to", "f.py", "--cubin", "sm_90,sm_91"), "unknown target 'sm_91'"),
    "cubin of a gate": (("export", "swiglu", "--to", "f.py", "--cubin", "sm_90"), "has no kernels to compile"),
    "backend": (("compile", "sin(x)", "--backend", "tritn"), r"unknown backend 'tritn': did you mean triton"),
    "emit": (("compile", "sin(x)", "--emit", "ptxx"), "ptx"),
    "target": (("compile", "sin(x)", "--emit", "ptx", "--target", "sm_1"), "sm_1"),
    "dtype": (("compile", "sin(x)", "--dtype", "fp8"), "unknown dtype 'fp8'"),
    "report and emit": (("compile", "sin(x)", "--report", "--emit", "sass"), "--report prints counts and --emit sass"),
    "report of llvm": (("compile", "sin(x)", "--report", "--backend", "llvm"), "the backend llvm has no kernels that"),
    "block": (("compile", "sin(x)", "--report", "--block", "1000"), "--block 1000: expected a power of two from 32"),
    "warps": (("compile", "sin(x)", "--report", "--warps", "64"), "--warps 64: expected a power of two from 1 to 32"),
    "block without report": (("compile", "sin(x)", "--block", "1024"), "give them with it"),
    "ptx of amd": (("compile", "sin(x)", "--emit", "ptx", "--target", "gfx942"), "gfx942 is no GPU of NVIDIA's"),
    "catalog": (("catalog", "gellu"), r"unknown catalog function 'gellu': did you mean .*gelu"),
    **{
        f"{kind} NAME": ((kind, "nope"), "unknown .*'nope': (did you mean|known:) ")
        for kind in ("spaces", "tasks", "strategies", "backends", "profiles")
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with the files that the mistakes are about; the default store would be in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACTSEARCH_STORE")
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def assert_one_sentence(code: int, out: str, err: str, expected: str) -> None:
    assert code == 2, out + err
    assert not out
    assert re.fullmatch(r"actsearch: [^\n]+\n", err), err
    assert re.search(expected, err), err
    assert len(err) < 500, "a mistake is not repeated at length"
    nearest = re.search("(?:did you mean|known:) ([^:]*)$", err)
    assert nearest is None or nearest[1].count(",") <= 2, "three names at most"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_bad_input_is_one_sentence_and_exit_code_2_and_nothing_is_written(command, folder, mistake):
    arguments, expected = MISTAKES[mistake]
    assert_one_sentence(*command(*arguments), expected)
    assert {path.name for path in folder.rglob("*")} == set(FILES)


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "gelu", "--seeds", "0"),
        ("evaluate",),
        ("top", "-n", "0"),
        ("search",),
        ("search", "swish", "--seed", "-1"),
        ("search", "swish", "--sed", "1"),
        ("serch", "swish"),
        ("ui", "--port", "70000"),
        ("export", "gelu"),
    ],
)
def test_a_command_line_that_is_none_is_a_usage_error(command, folder, arguments):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: " in err
    assert "Traceback" not in err
    assert {path.name for path in folder.iterdir()} == set(FILES)


@pytest.fixture
def twins(folder) -> list[str]:
    """Ids of two candidates that begin alike, in the default store."""
    ids = ["abcdef000001", "abcdef000002"]
    with Journal.open(folder / "actsearch-runs", create=True) as journal:
        fields = {"space": "swish", "task": "digits", "strategy": "random", "workers": "in-process", "budget": "2c"}
        search = journal.create_search({**fields, "version": "0", "seed": 0})
        step = Step(generation=1, state={}, seconds=0.0)
        candidates = [
            CandidateRecord(
                number=number, id=identity, generation=1, expression=f"sin(x) + {number}", parameters={}, genome="[]",
                parents=(), move="sample", gain=1.0,
            )
            for number, identity in enumerate(ids)
        ]  # fmt: skip
        journal.begin_step(search, step, candidates)
    return ids


def test_a_prefix_must_fit_one_candidate(command, twins):
    assert_one_sentence(*command("show", "abcdef"), f"fits 2 candidates \\({', '.join(twins)}\\): write more digits")
    assert_one_sentence(*command("show", "abcdef1"), "no candidate's id begins with abcdef1 in the store")
    assert_one_sentence(*command("export", "0" * 64, "--to", "f.py"), "no candidate's id begins with 0000")
    code, out, err = command("show", "abcdef000002")
    assert code == 0, err
    assert "sin(x) + 1" in out


@pytest.mark.parametrize("verb", ["resume", "top", "lineage"])
def test_a_search_that_is_not_there_names_one_that_is(command, twins, verb):
    assert twins
    expected = r"unknown search 'swish-digit-1': did you mean swish-digits-1\?"
    assert_one_sentence(*command(verb, "swish-digit-1"), expected)
