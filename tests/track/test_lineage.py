"""The lineage page: whole, self-contained, safe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from actsearch.outcome import Scored
from actsearch.track import lineage

HOSTILE = "</script><script>alert('x')</script> & \"quoted\" `ticked` | piped"


class Page(HTMLParser):
    """A parsed page: its elements, and the text in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "an element was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)

    @property
    def document(self) -> dict[str, Any]:
        """The data it draws."""
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


@pytest.fixture(scope="module")
def story(tell: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished search."""
    return tell(tmp_path_factory.mktemp("store")).whole()


@pytest.fixture(scope="module")
def text(story: Any) -> str:
    """Its page."""
    return lineage.render(story.summary(), story.candidates())


def test_needs_nothing_from_elsewhere(text: str) -> None:
    assert set(re.findall(r"https?://[^\"'\s]*", text)) == {"http://www.w3.org/2000/svg"}
    page = Page(text)
    assert not [attributes for _, attributes in page.elements if {"src", "href"} & attributes.keys()]
    assert not re.search(r"localStorage|sessionStorage|fetch\(|XMLHttpRequest|import\s*\(|@import|url\(", text)
    assert "default-src 'none'" in text


def test_every_candidate_is_there(story: Any, text: str) -> None:
    document = Page(text).document
    scored = {row.id for row in story.candidates() if isinstance(row.outcome, Scored)}
    assert {node["id"] for node in document["nodes"]} == scored
    assert document["winner"] == f"{56:012x}"
    counts = {stage["name"]: stage["count"] for stage in document["stages"]}
    assert counts == {"domain": 12, "duplicate": 12, "failed": 12}
    assert sum(cell["n"] for cell in document["turned"]) == 36
    assert document["generations"] == 4
    best = document["nodes"][0]
    assert best["p"] == [f"{30:012x}", f"{31:012x}"]


def test_text_stays_text(text: str) -> None:
    page = Page(text)
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert "alert('x')</script>" not in text
    assert HOSTILE in {node["e"] for node in page.document["nodes"]}
    assert "innerHTML" not in text


def test_names_of_the_search_are_escaped(story: Any) -> None:
    search = replace(story.now(), name="<img src=x>", space="</title><script>")
    page = Page(lineage.render(replace(story.summary(), search=search, candidates=()), []))
    assert "img" not in [tag for tag, _ in page.elements]
    assert page.document["nodes"] == []
    assert page.document["winner"] is None


def test_three_thousand_candidates_stay_small(tell: Callable[..., Any], tmp_path: Path) -> None:
    large = tell(tmp_path, size=750)
    for generation in range(1, 5):
        large.generation(generation)
    page = lineage.render(large.summary(), large.candidates())
    assert len(Page(page).document["nodes"]) == 1200
    assert len(page) < 500_000
