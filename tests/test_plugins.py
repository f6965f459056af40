from __future__ import annotations

import os
import re
import sys

import pytest

from actsearch import plugins
from actsearch.errors import UnknownNameError

KINDS = ["search_spaces", "kernels", "workers", "workers/profiles"]
COMES_ALONG = {
    "search_spaces": ("swish", "swish.yaml"),
    "kernels": ("torch", "torch/backend.py"),
    "workers": ("digits", "digits.py"),
    "workers/profiles": ("laptop", "laptop.yaml"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_is_found_by_its_name(root, kind):
    name, file = COMES_ALONG[kind]
    assert name in plugins.names(kind)
    assert plugins.find(kind, name) == root / kind / file


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_sorted_and_all_of_them_are_found(kind):
    names = plugins.names(kind)
    assert names == sorted(set(names))
    assert all(plugins.find(kind, name).is_file() for name in names)
    assert not {"README", "__init__", "__pycache__"} & set(names)


@pytest.mark.parametrize(("kind", "suffix"), [("search_spaces", ".yaml"), ("workers", ".py"), ("kernels", ".py")])
def test_a_plugin_is_found_by_its_path(tmp_path, monkeypatch, kind, suffix):
    path = tmp_path / f"mine{suffix}"
    path.write_text("", encoding="utf-8")
    assert plugins.find(kind, str(path)) == path
    monkeypatch.chdir(tmp_path)
    assert plugins.find(kind, f"mine{suffix}") == path
    assert plugins.find(kind, f"./mine{suffix}") == path
    assert plugins.find(kind, os.path.relpath(path)) == path


def test_a_path_may_have_any_suffix_and_spaces(tmp_path):
    path = tmp_path / "my own" / "räume.yml"
    path.parent.mkdir()
    path.write_text("", encoding="utf-8")
    assert plugins.find("search_spaces", str(path)) == path


def test_a_file_of_ones_own_does_not_hide_a_name(tmp_path, monkeypatch, root):
    (tmp_path / "swish").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert plugins.find("search_spaces", "swish") == root / "search_spaces" / "swish.yaml"


ODD = ["", " ", ".", "..", "*", "?", "[a-z]*", "SWISH", "swish\n", "a\nb", "\0", "\0.yaml", "x/\0", "é", "\ud800",
       "\udcff.yaml", "a" * 5000, "a" * 5000 + ".yaml", "/" + "a" * 300, "a/" * 3000, "/", "~", "~/mine.yaml",
       "../swish", "README", "../search_spaces/swish", "/dev/null", "-", "$HOME", "swish.yaml\0", "%s"]  # fmt: skip


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name[:12]))
@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_is_refused_in_one_short_sentence(kind, name):
    with pytest.raises(UnknownNameError) as refused:
        plugins.find(kind, name)
    sentence = str(refused.value)
    assert sentence.startswith("unknown ")
    assert "\n" not in sentence
    assert "\0" not in sentence
    assert len(sentence) < 500
    match = re.search(r": (?:did you mean|known:) (.*?)(?:\?| and \d+ more\.|\.)$", sentence)
    assert match is not None
    named = match[1].split(", ")
    assert 1 <= len(named) <= 3
    assert set(named) <= set(plugins.names(kind))


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("search_spaces", "swihs", "unknown search space 'swihs': did you mean swish"),
        ("workers", "digit", "unknown task 'digit': did you mean digits, image-fit?"),
        ("workers", "digit.py", "unknown task file 'digit.py': did you mean digits, image-fit"),
        ("workers/profiles", "labtop", "unknown profile 'labtop': did you mean laptop?"),
        ("kernels", "triiton", "unknown backend 'triiton': did you mean triton"),
    ],
)
def test_the_nearest_name_is_named(kind, name, sentence):
    with pytest.raises(UnknownNameError) as refused:
        plugins.find(kind, name)
    assert str(refused.value).startswith(sentence)


def test_a_folder_is_no_plugin(tmp_path):
    (tmp_path / "mine.yaml").mkdir()
    with pytest.raises(UnknownNameError, match="unknown search space file"):
        plugins.find("search_spaces", str(tmp_path / "mine.yaml"))


def test_a_module_is_loaded_once_and_not_under_a_name_that_could_collide(tmp_path):
    path = tmp_path / "json.py"
    path.write_text("calls = []\ncalls.append(__name__)\n", encoding="utf-8")
    before = sys.modules.get("json")
    module = plugins.load("workers", str(path))
    assert plugins.load("workers", str(path)) is module
    assert module.calls == [module.__name__]
    assert sys.modules.get("json") is before
    assert str(path) in module.__name__


def test_two_files_called_alike_are_two_modules(tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "task.py").write_text(f"value = {value}\n", encoding="utf-8")
    modules = [plugins.load("workers", str(tmp_path / folder / "task.py")) for folder in ("one", "two")]
    assert [module.value for module in modules] == [1, 2]


@pytest.mark.parametrize("content", ["1 / 0", "def", "raise SystemExit(3)", "import no_such_module_anywhere"])
def test_a_module_that_breaks_leaves_no_half_of_itself(tmp_path, content):
    path = tmp_path / "broken.py"
    path.write_text(content, encoding="utf-8")
    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises((Exception, SystemExit)):
            plugins.load("workers", str(path))
    assert not [name for name in set(sys.modules) - before if "broken" in name]
    path.write_text("value = 1", encoding="utf-8")
    os.utime(path, (1, 1))
    assert plugins.load("workers", str(path)).value == 1


def test_backends_are_loaded_by_their_names():
    assert plugins.load("kernels", "torch").__file__.endswith("kernels/torch/backend.py")
