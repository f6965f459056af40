from __future__ import annotations

import pytest

from actsearch.errors import ConfigError
from actsearch.search.config import SearchConfig
from actsearch.search.settings_file import read_settings


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_keys_are_dotted_or_nested(written):
    settings = read_settings(
        written(
            "# constants\ngeneration: 8\nevolution:\n  population: 128\n  survival: age\nevolution.fresh: 0.25\n"
            "protocols:\n  stability: {when: never}\n  signal.depth: 12\ntrack_uri: none\n"
        )
    )
    assert settings == {
        "generation": "8", "evolution.population": "128", "evolution.survival": "age", "evolution.fresh": "0.25",
        "protocols.stability.when": "never", "protocols.signal.depth": "12", "track_uri": "none",
    }  # fmt: skip
    config = SearchConfig.of(settings)
    assert config.strategies["evolution"].population == 128
    assert config.protocols.signal.depth == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.yaml:1: the file is empty"),
        ("- generation\n", "mine.yaml:1: the document: "),
        ("evolution: [1, 2]\n", "mine.yaml:1: the setting evolution: expected a number"),
        ("generation:\n", "mine.yaml:1: the setting generation: expected a number"),
        ("evolution:\n  population: 8\n  populaton: 8\n", "mine.yaml:3: unknown setting 'evolution.populaton'"),
        (
            "evolution:\n  population: 8\nevolution.population: 9\n",
            "mine.yaml:3: the setting evolution.population stands",
        ),
        ("generation: 8\nannealing.rule: late acceptance\n", "mine.yaml:2: the setting annealing.rule is"),
        ("\ngeneration: many\n", "mine.yaml:2: the setting generation is 'many': give a value of type int"),
        ("generation: 0\n", "mine.yaml:1: the setting generation is 0: give 1 to"),
        ("generation: 8: 9\n", "mine.yaml:1: not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said, written):
    with pytest.raises(ConfigError) as caught:
        read_settings(written(text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_settings(tmp_path / "none.yaml")
