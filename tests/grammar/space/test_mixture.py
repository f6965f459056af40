from __future__ import annotations

import random
from collections import Counter

import pytest

from actsearch.errors import SpaceError, UnknownNameError
from actsearch.grammar.space import lasting_name, open_space
from tests.grammar.conftest import SMALL

OTHER = 'title: Waves\npaper: "none: another test"\nstart: w\nrules:\n  w:\n    sin: sin(x)\n    gate: gate * cos(x)\n'


@pytest.fixture
def mixture(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "waves.yaml").write_text(OTHER, encoding="utf-8")
    return open_space(f"{tmp_path / 'small.yaml'}, {tmp_path / 'waves.yaml'}")


def test_it_is_the_union_of_its_members(mixture):
    assert mixture.name == "small,waves"
    assert mixture.title == "Sums of products; Waves"
    assert "another test" in mixture.paper
    assert mixture.inputs == {"x", "gate"}
    assert mixture.selectors == ("*",)
    assert (mixture.size().count, mixture.size().exact) == (8 + 2, True)
    found = list(mixture.enumerate())
    assert len(set(found)) == 10
    assert all(mixture.contains(genome) for genome in found)
    assert Counter(genome.space for genome in found) == {"small": 8, "waves": 2}


def test_every_member_is_sampled_as_often(mixture):
    rng = random.Random(1)
    drawn = Counter(mixture.sample(rng).space for _ in range(400))
    assert 150 < drawn["small"] < 250


def test_switch_goes_on_in_another_member_and_other_moves_stay(mixture):
    rng = random.Random(2)
    assert set(mixture.moves) == {"point", "insert", "remove", "regenerate", "parameter", "switch"}
    for _ in range(100):
        genome = mixture.sample(rng)
        assert mixture.moves["switch"](genome, rng).space != genome.space
        for name in set(mixture.moves) - {"switch"}:
            child = mixture.moves[name](genome, rng)
            assert child is None or child.space == genome.space


def test_a_move_that_a_member_does_not_have_gives_nothing(mixture):
    wave = next(genome for genome in mixture.enumerate() if genome.space == "waves")
    assert mixture.moves["insert"](wave, random.Random(1)) is None
    assert mixture.moves["parameter"](wave, random.Random(1)) is None


def test_crossover_is_between_two_genomes_of_one_member(mixture):
    rng = random.Random(3)
    first, *_, last = mixture.enumerate()
    assert mixture.crossover(first, last, rng) is None
    small = [genome for genome in mixture.enumerate() if genome.space == "small"]
    children = mixture.crossover(small[0], small[3], rng)
    assert children is not None
    assert all(mixture.contains(child) for child in children)


def test_a_genome_says_its_member(mixture):
    for genome in mixture.enumerate():
        assert mixture.decode(genome.encode()) == genome
        assert mixture.candidate(genome) == mixture.members[genome.space].candidate(genome.genome)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no genome of a mixture"),
        ("[1, 2]", "is no genome of a mixture"),
        ('["small"]', "is no genome of a mixture"),
        ('["smal", "[]"]', "unknown member of the mixture 'smal': did you mean small"),
        ('["waves", "[]"]', "is no genome"),
        ("[" * 100_000, "is no genome of a mixture"),
    ],
)
def test_what_is_no_genome_is_refused(mixture, text, reason):
    with pytest.raises(SpaceError, match=r"genome|member") as refused:
        mixture.decode(text)
    assert reason in str(refused.value)


def test_members_have_names_of_their_own(tmp_path):
    (tmp_path / "swish.yaml").write_text(SMALL, encoding="utf-8")
    with pytest.raises(SpaceError, match="two are called alike"):
        open_space(f"swish,{tmp_path / 'swish.yaml'}")
    with pytest.raises(UnknownNameError, match="unknown search space 'swich'"):
        open_space("rational,swich")


def test_a_file_whose_name_has_a_comma_is_one_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b.yaml").write_text(SMALL, encoding="utf-8")
    assert open_space("a,b.yaml").title == "Sums of products"
    assert lasting_name("./a,b.yaml") == str(tmp_path / "a,b.yaml")
    assert lasting_name("swish,a,b.yaml".partition(",")[0]) == "swish"
