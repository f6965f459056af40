"""YAML files of users: read safely, checked against a model, every mistake said with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from actsearch.errors import ActsearchError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
LARGEST_BYTES = 1_000_000


def read_document(path: Path, model: type[Model], error: type[ActsearchError]) -> Model:
    """The YAML document in `path` as a `model`; raises `error` with file, line and what was expected."""
    text = _text(path, error)
    try:
        node = yaml.compose(_without_aliases(text, path, error), Loader=yaml.SafeLoader)
        content, lines = _Reader(path, error).read(node)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        raise error(f"{path}:{line}: not YAML: {problem.problem or problem.context}.") from None
    except (yaml.YAMLError, RecursionError) as problem:
        raise error(f"{path}:1: not YAML: {str(problem).splitlines()[0]}.") from None
    try:
        return model.model_validate(content, strict=True)
    except ValidationError as problems:
        first = problems.errors(include_url=False)[0]
        place = tuple(part for part in first["loc"] if part != "[key]")
        raise error(f"{path}:{_line(place, lines)}: {_sentence(place, first['msg'], first['type'], model)}") from None


def _text(path: Path, error: type[ActsearchError]) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise error(f"{path}: the file is larger than {LARGEST_BYTES} bytes.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise error(f"{path}: the file is not UTF-8 text.") from None
    except OSError as problem:
        raise error(f"{path}: {problem.strerror}.") from None


def _without_aliases(text: str, path: Path, error: type[ActsearchError]) -> str:
    # An alias can make a small file large beyond memory, and no document here needs one.
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise error(f"{path}:{token.start_mark.line + 1}: anchors and aliases (& and *) are not read.")
    return text


class _Reader:
    """Plain values of a YAML node tree, with the line of every place in it."""

    def __init__(self, path: Path, error: type[ActsearchError]) -> None:
        self._path = path
        self._error = error
        self._lines: dict[Place, int] = {(): 1}

    def read(self, node: yaml.Node | None) -> tuple[Any, dict[Place, int]]:
        if node is None:
            raise self._error(f"{self._path}:1: the file is empty.")
        return self._visit(node, ()), self._lines

    def _visit(self, node: yaml.Node, place: Place) -> Any:
        self._lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return [self._visit(item, (*place, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        loader = yaml.SafeLoader("")
        return loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(f"{self._path}:{line}: a key is a plain word.")
            if key.value in content:
                raise self._error(f"{self._path}:{line}: the key {key.value!r} stands twice.")
            content[key.value] = self._visit(value, (*place, key.value))
            self._lines[(*place, key.value)] = line
        return content


def _line(place: Place, lines: dict[Place, int]) -> int:
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _sentence(place: Place, message: str, kind: str, model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in place)
    if kind == "missing":
        return f"the key {where!r} is missing."
    if kind == "extra_forbidden":
        known = ", ".join(model.model_fields) if len(place) == 1 else ""
        return f"unknown key {where!r}{f'; known are {known}' if known else ''}."
    text = message.removeprefix("Value error, ")
    return f"{where or 'the document'}: {text[:1].lower()}{text[1:].rstrip('.')}."
