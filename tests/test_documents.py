from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from actsearch.documents import DEEPEST, LARGEST_BYTES, open_document, read_document
from actsearch.errors import ConfigError, SpaceError


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: Annotated[int, Field(ge=1)] = 1
    shade: float = 0.5


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    leaves: dict[str, Leaf] = {}
    order: list[str] = []
    evergreen: bool = False


WHOLE = """\
# A comment.
title: oak

leaves:
  first: {size: 3}
  second:
    shade: 0.25
order:
- first
- second
"""


@pytest.fixture(name="written")
def written_file(tmp_path):
    def write(content):
        path = tmp_path / "tree.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(path):
    with pytest.raises(ConfigError) as refused:
        read_document(path, Tree, ConfigError)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}:")
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence.removeprefix(str(path))


def test_a_document_is_read_as_its_model(written):
    tree = read_document(written(WHOLE), Tree, ConfigError)
    assert tree == Tree(
        title="oak", leaves={"first": Leaf(size=3), "second": Leaf(shade=0.25)}, order=["first", "second"]
    )


def test_every_place_has_its_line(written):
    path = written(WHOLE)
    document = open_document(path, Tree, ConfigError)
    lines = {
        ("title",): 2, ("leaves",): 4, ("leaves", "first"): 5, ("leaves", "first", "size"): 5, ("leaves", "second"): 6,
        ("leaves", "second", "shade"): 7, ("order",): 8, ("order", 0): 9, ("order", 1): 10,
    }  # fmt: skip
    assert {place: document.lines[place] for place in lines} == lines
    assert document.where("leaves", "second", "shade") == f"{path}:7"


def test_a_place_that_does_not_stand_in_the_file_has_the_line_of_the_nearest_above(written):
    path = written(WHOLE)
    document = open_document(path, Tree, ConfigError)
    assert document.where("leaves", "second", "size") == f"{path}:6"
    assert document.where("evergreen") == f"{path}:2", "the comment is no part of the document"


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\r\n\r\n", b"---\n"], ids=["byte order mark", "CRLF", "dashes"])
def test_beginnings_that_editors_write_are_read(written, prefix):
    assert read_document(written(prefix + WHOLE.encode()), Tree, ConfigError).title == "oak"


@pytest.mark.parametrize("ending", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_lines_are_counted_whatever_ends_them(written, ending):
    text = WHOLE.replace("0.25", "pale").replace("\n", ending)
    assert refusal(written(text.encode())).startswith(":7: leaves.second.shade: ")


def test_the_class_of_the_error_is_that_of_the_caller(written):
    path = written("title: [")
    for error in (SpaceError, ConfigError):
        with pytest.raises(error):
            read_document(path, Tree, error)


WRONG = {
    "type": ("title: 3", ":1: title: input should be a valid string."),
    "yes for text": ("title: yes", ":1: title: input should be a valid string."),
    "text for a number": ("title: a\nleaves:\n  b:\n    size: '3'", ":4: leaves.b.size: input should be a valid int"),
    "number for a bool": ("title: a\nevergreen: 1", ":2: evergreen: input should be a valid boolean."),
    "bound": ("title: a\nleaves:\n  b: {size: 0}", ":3: leaves.b.size: input should be greater than or equal to 1."),
    "list item": ("title: a\norder:\n- b\n- 4", ":4: order.1: input should be a valid string."),
    "list for keys": ("title: a\nleaves: [b]", ":2: leaves: expected keys and values."),
    "text for keys": ("title: a\nleaves:\n  b: red", ":3: leaves.b: expected keys and values."),
    "missing": ("evergreen: true", ":1: the key 'title' is missing."),
    "unknown": ("title: a\nleafs: {}", ":2: unknown key 'leafs': did you mean leaves"),
    "unknown and so missing": ("leaves: {}\ntitel: a", ":2: unknown key 'titel': did you mean title?"),
    "unknown below": ("title: a\nleaves:\n  b:\n    siez: 3", ":4: unknown key in leaves.b 'siez': did you mean size"),
    "no key near": ("title: a\nzzz: 1", ":2: unknown key 'zzz': known: evergreen, leaves, order and"),
    "twice": ("title: a\norder: []\ntitle: b", ":3: the key 'title' stands twice."),
    "twice below": ("title: a\nleaves:\n  b: {}\n  b: {}", ":4: the key 'b' stands twice."),
    "list as key": ("title: a\n? [b]\n: c", ":2: a key is a plain word."),
    "date": ("title: 2020-01-01", ":1: title: expected text, a number, true or false, not a timestamp"),
    "binary": ("title: !!binary aGk=", ":1: title: expected text, a number, true or false, not a binary"),
    "set": ("title: a\nleaves: !!set {b}", ":2: leaves: the tag 'tag:yaml.org,2002:set' is not read."),
    "ordered": ("title: a\norder: !!omap [b: c]", ":2: order: the tag 'tag:yaml.org,2002:omap' is not read."),
    "Python": ("title: a\norder: !!python/tuple [b]", ":2: order: the tag 'tag:yaml.org,2002:python/tuple' is not"),
    "tag of its own": ("!tree\ntitle: a", ":1: the document: the tag '!tree' is not read."),
    "digits": ("title: a\nleaves:\n  b: {shade: !!float x}", ":3: leaves.b.shade: 'x' is not what its tag or its"),
    "no bool": ("title: a\nevergreen: !!bool maybe", ":2: evergreen: 'maybe' is not what its tag or its digits say."),
    "anchor": ("title: &a b", ":1: not YAML: anchors and aliases (& and *) are not read."),
    "anchor on keys": ("title: a\nleaves: &l {}", ":2: not YAML: anchors and aliases (& and *) are not read."),
    "alias": ("title: a\norder: *o", ":2: not YAML: anchors and aliases (& and *) are not read."),
    "laughs": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", ":1: not YAML: anchors and aliases (& and *) are not"),
    "tab": ("title: a\n\torder: []", ":2: not YAML: "),
    "two documents": ("title: a\n---\ntitle: b", ":2: not YAML: "),
    "open quote": ("order: []\ntitle: 'a\n\n\n", ":2: not YAML: found unexpected end of stream."),
    "null byte": ("title: a\norder: [\0]", ":2: not YAML: unacceptable character #x0000"),
    "empty": ("", ":1: the file is empty."),
    "comment only": ("# title: a\n\n", ":1: the file is empty."),
    "null": ("~", ":1: the document: expected keys and values."),
    "list": ("- title: a", ":1: the document: expected keys and values."),
    "Latin-1": (b"# tree\ntitle: ch\xeane", ":2: the file is not UTF-8 text."),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_sentence_with_file_and_line(written, content, expected):
    assert refusal(written(content)).startswith(expected)


def test_at_most_three_keys_are_named(written):
    named = refusal(written("title: a\nx: 1")).partition("known: ")[2]
    assert named.partition(" and ")[0].count(",") == 2


@pytest.mark.parametrize("extra", [0, 1])
def test_the_size_is_bounded_exactly(written, extra):
    path = written(WHOLE.encode() + b"#" * (LARGEST_BYTES - len(WHOLE) + extra))
    if extra:
        assert refusal(path) == f": the file is larger than {LARGEST_BYTES} bytes."
    else:
        assert read_document(path, Tree, ConfigError).title == "oak"


@pytest.mark.parametrize("levels", [DEEPEST, DEEPEST + 1])
def test_the_depth_is_bounded_exactly(written, levels):
    sentence = refusal(written("title: a\norder: " + "[" * levels + "]" * levels))
    assert ("nested deeper" in sentence) == (levels > DEEPEST)
    assert sentence.startswith(":2: ")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    assert refusal(tmp_path / "none.yaml") == ": No such file or directory."
    assert "directory" in refusal(tmp_path)
