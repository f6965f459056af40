"""The README's examples are spaces, and its table lists the folder."""

from __future__ import annotations

import re

import yaml

from actsearch import plugins
from actsearch.grammar.space import read_space
from actsearch.grammar.space.model import SpaceModel
from tests.search_spaces.conftest import NAMES

README = (plugins.folder("search_spaces") / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
# What a fragment needs around it to be a whole file.
AROUND = {
    "parameters": "start: u\nrules:\n  u:\n    p: beta * x + beta_2 + c[0] + c[1] * x + c[2] * x**2\n",
    "starts": "start: unit\nrules:\n  unit:\n    quadratic: c[0] + c[1] * x + c[2] * x**2\n",
    "weights": "start: scaled\nrules:\n  scaled:\n    x: x\n    half: 0.5 * x\n",
    "rules": "start: value\n",
    "assign": "rules:\n  site:\n    x: x\n",
    "protocols": "start: u\nrules:\n  u:\n    square: x**2\n",
    "graph": "",
}


def whole(example: str) -> str:
    content = yaml.safe_load(example)
    if "title" in content:
        return example
    head = 'title: t\npaper: "none: an example"\n'
    if "start" in content:
        return head + example
    section = next(key for key in AROUND if key in content)
    around = AROUND[section].replace("site", "lane" if "lane:1" in content.get("assign", {}) else "site")
    parameters = "parameters: {v: {initial: 0.0}}\n" if section == "graph" else ""
    return head + around + example + parameters


def test_every_example_is_a_space(tmp_path):
    assert len(EXAMPLES) >= 9
    for number, example in enumerate(EXAMPLES):
        path = tmp_path / f"example{number}.yaml"
        path.write_text(whole(example), encoding="utf-8")
        assert read_space(path).size().count > 0


def test_every_key_has_an_example():
    shown = {key for example in EXAMPLES for key in yaml.safe_load(example)}
    assert shown == set(SpaceModel.model_fields)


def test_every_space_is_listed_once():
    listed = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(NAMES)
