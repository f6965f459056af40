"""The rules of the house: who may import whom, how long things may be, what is not called, what must be written."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ("kernels", "search_spaces", "workers")

# What each room of actsearch/ may import beside itself; a room is a file or folder directly inside it.
# cli -> search -> evaluate -> analysis -> compile -> grammar, with the side rooms below everything. Analysis stands
# above the compiler because it looks at functions through their compiled form.
_SIDE = {"errors", "outcome", "plugins", "documents"}
_GRAMMAR = _SIDE | {"grammar"}
_COMPILE = _GRAMMAR | {"compile"}
_ANALYSIS = _COMPILE | {"analysis"}
_EVALUATE = _ANALYSIS | {"evaluate"}
_SEARCH = _EVALUATE | {"search", "store", "track", "export"}
ALLOWED = {
    "errors": set(),
    "outcome": {"errors"},
    "documents": {"errors", "outcome"},
    "plugins": {"errors", "outcome", "documents"},
    "grammar": _SIDE,
    "compile": _GRAMMAR,
    "analysis": _COMPILE,
    "evaluate": _ANALYSIS,
    "store": {"errors", "outcome"},
    "track": {"errors", "outcome", "store"},
    "export": _ANALYSIS | {"store"},
    "search": _SEARCH,
    "cli": _SEARCH,
    "__main__": {"cli"},
    "__init__": _SEARCH,
}
# (file, room): why that file may import that room all the same, inside a function.
EXCEPTIONS = {
    (
        "store/summary.py",
        "evaluate",
    ): "the finals are judged by statistics of scores alone, imported where there are some",
    (
        "store/front.py",
        "evaluate",
    ): "which way an objective is better stands beside how it is measured, imported where there are some",
    ("grammar/activation.py", "compile"): "`Activation.module()` is a convenience; the import waits for the call",
}

FORBIDDEN_CALLS = {
    "eval": "text is parsed with ast and a whitelist",
    "exec": "generated code is written to a file and imported",
    "builtins.eval": "text is parsed with ast and a whitelist",
    "builtins.exec": "generated code is written to a file and imported",
    "sympify": "sympy.sympify executes code",
    "sympy.sympify": "sympy.sympify executes code",
    "parse_expr": "sympy's parser executes code",
    "pickle.load": "pickle executes code",
    "pickle.loads": "pickle executes code",
    "cloudpickle.load": "pickle executes code",
    "cloudpickle.loads": "pickle executes code",
    "yaml.load": "yaml.safe_load reads data only",
    "yaml.unsafe_load": "yaml.safe_load reads data only",
    "os.system": "a shell expands its arguments",
}

MAXIMUM_LINES = 400
MEDIAN_LINES = 150
FUNCTION_LINES = 60


def python_files(*folders: str) -> list[Path]:
    """Python files below `folders` of the project, sorted."""
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts
    )


ENGINE = python_files("actsearch")
CODE = python_files("actsearch", *PLUGINS)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    """The room of actsearch/ that the file `path` belongs to."""
    return path.relative_to(ROOT / "actsearch").parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything `path` imports, in functions too; `from a import b` gives `a.b`."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def test_imports_go_in_one_direction() -> None:
    wrong = []
    for path in ENGINE:
        here = room(path)
        if here not in ALLOWED:
            wrong.append(f"{shown(path)}: the room {here} has no place in ALLOWED")
            continue
        for line, name in imported(path):
            parts = name.split(".")
            if parts[0] != "actsearch" or parts[1:] == ["__version__"]:
                continue
            there = parts[1] if len(parts) > 1 else "__init__"
            exception = (path.relative_to(ROOT / "actsearch").as_posix(), there)
            if there != here and there not in ALLOWED[here] and exception not in EXCEPTIONS:
                wrong.append(f"{shown(path)}:{line}: {here} imports {there}")
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_used() -> None:
    used = {
        (path.relative_to(ROOT / "actsearch").as_posix(), name.split(".")[1])
        for path in ENGINE
        for _, name in imported(path)
        if name.startswith("actsearch.")
    }
    assert set(EXCEPTIONS) <= used


def test_no_plug_in_is_imported_by_name() -> None:
    wrong = []
    for path in CODE:
        for line, name in imported(path):
            parts = name.split(".")
            if parts[0] in PLUGINS or (parts[0] == "actsearch" and len(parts) > 1 and parts[1] in PLUGINS):
                wrong.append(f"{shown(path)}:{line}: imports {name}")
    assert not wrong, "\n".join(wrong)


def test_plug_ins_do_not_import_the_command_line() -> None:
    wrong = [
        f"{shown(path)}:{line}: imports {name}"
        for path in python_files(*PLUGINS)
        for line, name in imported(path)
        if name.startswith("actsearch.cli")
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_are_short() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert lengths, "no modules found"
    long = {name: lines for name, lines in lengths.items() if lines > MAXIMUM_LINES}
    assert not long, f"longer than {MAXIMUM_LINES} lines: {long}"
    assert statistics.median(lengths.values()) <= MEDIAN_LINES


def test_functions_are_short() -> None:
    long = []
    for path in CODE:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{shown(path)}:{node.lineno}: {node.name} has {lines} lines")
    assert not long, "\n".join(long)


def test_no_file_is_called_utils() -> None:
    vague = {"util", "utils", "helper", "helpers", "misc", "common"}
    assert not [shown(path) for path in CODE if path.stem in vague or path.parent.name in vague]


def test_nothing_that_executes_data_is_called() -> None:
    wrong = []
    for path in CODE:
        for node in ast.walk(tree(path)):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in FORBIDDEN_CALLS:
                wrong.append(f"{shown(path)}:{node.lineno}: {name}: {FORBIDDEN_CALLS[name]}")
    assert not wrong, "\n".join(wrong)


def test_every_plug_in_folder_has_a_readme() -> None:
    backends = [path.parent for path in (ROOT / "kernels").glob("*/backend.py")]
    assert backends
    folders = [*(ROOT / folder for folder in PLUGINS), *backends]
    assert not [shown(folder) for folder in folders if not (folder / "README.md").is_file()]


def test_every_public_module_says_what_it_is() -> None:
    public = [path for path in CODE if path.stem == "__init__" or not path.stem.startswith("_")]
    assert not [shown(path) for path in public if not ast.get_docstring(tree(path))]


def markdown() -> list[Path]:
    folders = ("docs", "docker", "benchmarks", *PLUGINS)
    return sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))])


def anchors(path: Path) -> set[str]:
    """The fragments under which the headings of a Markdown file are found."""
    headings = re.findall(r"^#+ +(.+?) *#*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_relative_link_resolves() -> None:
    wrong = []
    for path in markdown():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(\s*<?([^)\s>]+)", text):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, fragment = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                wrong.append(f"{shown(path)}: {target} leads nowhere")
            elif fragment and file.suffix == ".md" and fragment not in anchors(file):
                wrong.append(f"{shown(path)}: {target} names no heading")
    assert not wrong, "\n".join(wrong)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_every_command_is_in_the_readme() -> None:
    done = run("-c", "from actsearch.cli import main; main()", "--help")
    assert done.returncode == 0, done.stderr
    # rich draws a panel: a command begins right after its border, the rest of a description does not.
    commands = re.findall(r"^│ ([a-z][a-z0-9-]*)\s", done.stdout, flags=re.MULTILINE)
    assert "search" in commands, done.stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [command for command in commands if not re.search(rf"actsearch {command}\b", readme)]
    assert not missing, f"README.md does not show: {missing}"


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_finds_nothing(arguments: tuple[str, ...]) -> None:
    done = run("-m", "ruff", *arguments, "--output-format=concise")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_nothing(early_mypy: subprocess.Popen[str] | None) -> None:
    if early_mypy is None:
        done = run("-m", "mypy")
        code, said = done.returncode, done.stdout + done.stderr
    else:
        said, _ = early_mypy.communicate()
        code = early_mypy.returncode
    assert code == 0, said
