"""YAML files of users: read safely, checked against a model, every mistake said with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Generic, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from actsearch.errors import ActsearchError, unknown_name

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
LARGEST_BYTES = 256_000
"""No document here comes near it, and the parser is slow enough for a larger one to look like a hang."""
DEEPEST = 32
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}
_COLLECTION_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Generic[Model]):
    """A file's content and where everything in it stands."""

    path: Path
    content: Model
    lines: Mapping[Place, int]

    def where(self, *place: str | int) -> str:
        """`path:line` of the place, e.g. `("rules", "unit", "add")`, or of the nearest above it."""
        return f"{self.path}:{_line(place, self.lines)}"


def read_document(path: Path, model: type[Model], error: type[ActsearchError]) -> Model:
    """The YAML document in `path` as a `model`; raises `error` with file, line and what was expected."""
    return open_document(path, model, error).content


def open_document(path: Path, model: type[Model], error: type[ActsearchError]) -> Document[Model]:
    """As `read_document`, with the lines, for mistakes that only the reader of the content can see."""
    text = _text(path, error)
    try:
        content, lines = _Reader(path, error).read(_composed(text))
    except yaml.MarkedYAMLError as problem:
        marks = [problem.problem_mark, problem.context_mark]
        if "end of stream" in (problem.problem or ""):
            marks.reverse()  # A quote that is never closed: where it opens.
        mark = marks[0] or marks[1]
        line = mark.line + 1 if mark else 1
        raise error(f"{path}:{line}: not YAML: {problem.problem or problem.context}.") from None
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise error(f"{path}:{line}: not YAML: {str(problem).splitlines()[0]}.") from None
    try:
        return Document(path=path, content=model.model_validate(content, strict=True), lines=lines)
    except ValidationError as problems:
        # A misspelled key is also a missing one: the misspelling says more.
        first = min(problems.errors(include_url=False), key=lambda problem: problem["type"] == "missing")
        place = tuple(part for part in first["loc"] if part != "[key]")
        raise error(f"{path}:{_line(place, lines)}: {_sentence(place, first['msg'], first['type'], model)}") from None


def _text(path: Path, error: type[ActsearchError]) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise error(f"{path}: the file is larger than {LARGEST_BYTES} bytes.")
        content = path.read_bytes()
    except OSError as problem:
        raise error(f"{path}: {problem.strerror}.") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error(f"{path}:{line}: the file is not UTF-8 text.") from None


def _composed(text: str) -> yaml.Node | None:
    """The node tree of `text`, by libyaml's parser where PyYAML has it: that is several times as fast."""
    try:
        return yaml.compose(text, Loader=_QuickLoader)
    except yaml.YAMLError:
        # PyYAML's own parser says more clearly what is wrong, so it has the last word.
        return yaml.compose(text, Loader=_Loader)


class _Composer(yaml.composer.Composer):
    """Composes nodes of bounded depth, without anchors and aliases."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[attr-defined]
        if getattr(event, "anchor", None) is not None:
            # An alias can make a small file large beyond memory, and no document here needs one.
            problem = "anchors and aliases (& and *) are not read"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        if self._depth > DEEPEST:
            problem = f"it is nested deeper than {DEEPEST} levels"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Loader(_Composer, yaml.SafeLoader):
    pass


_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _QuickLoader(_Composer, _FASTEST):  # type: ignore[misc]
    def __init__(self, stream: str) -> None:
        _FASTEST.__init__(self, stream)
        _Composer.__init__(self)


class _Reader:
    """Plain values of a YAML node tree, with the line of every place in it."""

    def __init__(self, path: Path, error: type[ActsearchError]) -> None:
        self._path = path
        self._error = error
        self._constructor = yaml.constructor.SafeConstructor()
        self._lines: dict[Place, int] = {(): 1}

    def read(self, node: yaml.Node | None) -> tuple[Any, dict[Place, int]]:
        if node is None:
            raise self._error(f"{self._path}:1: the file is empty.")
        return self._visit(node, ()), self._lines

    def _visit(self, node: yaml.Node, place: Place) -> Any:
        self._lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTION_TAGS:
            raise self._error(f"{self._where(node, place)}: the tag {node.tag[:60]!r} is not read.")
        if isinstance(node, yaml.SequenceNode):
            return [self._visit(item, (*place, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        return self._scalar(node, place)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        where = self._where(node, place)
        if node.tag not in _PLAIN_TAGS:
            kind = node.tag.rpartition(":")[2]
            raise self._error(f"{where}: expected text, a number, true or false, not a {kind}; quotes make it text.")
        try:
            return self._constructor.construct_object(node)
        except (ValueError, KeyError, IndexError):
            raise self._error(f"{where}: {str(node.value)[:60]!r} is not what its tag or its digits say.") from None

    def _where(self, node: yaml.Node, place: Place) -> str:
        return f"{self._path}:{node.start_mark.line + 1}: {'.'.join(map(str, place)) or 'the document'}"

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


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _sentence(place: Place, message: str, kind: str, model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in place)
    if kind == "missing":
        return f"the key {where!r} is missing."
    if kind == "extra_forbidden":
        section = ".".join(str(part) for part in place[:-1])
        noun = f"key in {section}" if section else "key"
        return str(unknown_name(noun, str(place[-1]), _keys(model, place[:-1])))
    if kind == "too_short":
        return f"{where}: expected at least one entry."
    if kind in ("model_type", "dict_type"):
        return f"{where or 'the document'}: expected keys and values."
    text = message.removeprefix("Value error, ")
    return f"{where or 'the document'}: {text[:1].lower()}{text[1:].rstrip('.')}."


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Keys that `model` knows at `place`."""
    kind: Any = model
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:
            kind = get_args(kind)[-1]
        if isinstance(kind, UnionType):
            kind, *_ = get_args(kind)  # What may be left out is a model or None.
    return list(kind.model_fields)
