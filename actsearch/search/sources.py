"""What a search is made from: its space's and its task's files by digest, so that a resume notices an edit."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from actsearch import __version__, plugins
from actsearch.grammar.space import names_of

VERSION = "actsearch"
"""The entry that holds a version and no digest."""


def sources(space: str, *tasks: str) -> dict[str, str]:
    """Version of actsearch, and SHA-256 of every file that the space and the tasks are read from, by what each is.

    A task's files are its own, the modules beside it that it imports, and the plug-ins that it loads by name, and so
    on from there. What it reads as data is not among them. Raises `UnknownNameError`.
    """
    found = {VERSION: __version__}
    for name in names_of(space):
        found[f"the search space {name}"] = _digest(plugins.find("search_spaces", name))
    for task in tasks:
        for label, path in _files(f"the task {task}", plugins.find("workers", task)).items():
            found[label] = _digest(path)
    return found


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What has changed, as parts of a sentence: `the task digits has changed`."""
    said = []
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) == now.get(name):
            continue
        if name == VERSION:
            said.append(f"actsearch is {now.get(name)} and was {before.get(name)}")
        else:
            said.append(f"{name} {'is new' if name not in before else 'has changed' if name in now else 'is gone'}")
    return said


def _files(label: str, path: Path) -> dict[str, Path]:
    """The file of a task and the files of ours and of the user that it reads as code, by what each is."""
    found = {label: path}
    waiting = [path]
    while waiting:
        for name, other in _read_by(waiting.pop()):
            if other not in found.values():
                found[name] = other
                waiting.append(other)
    return found


def _read_by(path: Path) -> Iterator[tuple[str, Path]]:
    try:
        module = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # Loading it says what is wrong.
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _beside(path, alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from _beside(path, node.module)
            for alias in node.names:
                yield from _beside(path, f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Call):
            yield from _loaded(node)


def _beside(path: Path, module: str) -> Iterator[tuple[str, Path]]:
    """The files of a module that stands beside the file `path`."""
    parts = module.split(".")
    if parts[0] == "actsearch":
        return  # The version says what that is, also where a checkout stands beside the task.
    for count in range(1, len(parts) + 1):
        stem = path.parent.joinpath(*parts[:count])
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.is_file():
                yield f"the file {file} of the task", file.resolve()


def _loaded(call: ast.Call) -> Iterator[tuple[str, Path]]:
    """The file of the task that `plugins.load("workers", "digits")` reads."""
    said = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    is_load = isinstance(call.func, ast.Attribute) and call.func.attr == "load"
    if is_load and len(said) == 2 and said[0] == "workers" and said[1] in plugins.names("workers"):
        yield f"the task {said[1]}", plugins.find("workers", said[1])


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "not readable"  # Reading it for use says why.
