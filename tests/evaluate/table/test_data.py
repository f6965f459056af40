from __future__ import annotations

import numpy as np
import pytest

from actsearch.errors import ConfigError
from actsearch.evaluate.table import Function, Measured, Table
from actsearch.evaluate.table.data import best_means, rounded

NAN = float("nan")


def function(text: str) -> Function:
    return Function(id=text, expression=text, parameters={}, gain=1.5)


def measured(**changes) -> Measured:
    """Two functions, two learning rates, three seeds; the test score is the validation score plus a hundred."""
    validation = np.array([[[1.0, 2.0, 3.0], [2.0, 2.0, 2.5]], [[0.0, NAN, 0.0], [-1.0, -2.0, -3.0]]], dtype=np.float32)
    whole = np.stack([validation, validation + 100], axis=-1)
    fields = {
        "learning_rates": (0.1, 0.2), "seeds": (0, 1, 2), "shares": (0.5, 1.0),
        "values": np.stack([whole - 10, whole], axis=-1), "best": (0,), "more_seeds": (3, 4, 5),
        "seconds": np.array([2.0, 0.5], dtype=np.float32),
        "more": np.stack([whole - 10, whole], axis=-1)[:1], "chance": -2.3,
    } | changes  # fmt: skip
    return Measured(**fields)


def table() -> Table:
    functions = (function("sin(x)"), function("x * sigmoid(x)"))
    return Table(functions=functions, tasks={"digits": measured()}, card={"made": "by a test"})


def test_a_table_is_read_as_it_was_saved(tmp_path):
    table().save(tmp_path / "t.npz")
    found, expected = Table.open(tmp_path / "t.npz"), table()
    assert found.functions == expected.functions
    assert found.card == expected.card
    before, after = expected.tasks["digits"], found.tasks["digits"]
    np.testing.assert_allclose(after.values, before.values, rtol=1e-4)
    np.testing.assert_array_equal(after.seconds, before.seconds)
    np.testing.assert_allclose(after.more, before.more, rtol=1e-4)
    for name in ("learning_rates", "seeds", "shares", "best", "more_seeds", "chance"):
        assert getattr(after, name) == getattr(before, name)
    assert found.functions[1].activation.text == "x * sigmoid(x)"


def test_the_same_table_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        table().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_validation_split_chooses_the_rate_and_the_test_split_reports():
    one = measured()
    assert one.means().tolist() == pytest.approx([102 + 0.5 / 3, 98.0])
    assert one.means(test=False).tolist() == pytest.approx([2 + 0.5 / 3, -2.0])
    # With the first seed alone the other rate of the first function, and the first of the second, are best.
    assert one.means([0]).tolist() == [102.0, 100.0]
    assert one.means([0], share=0.5, test=False).tolist() == [-8.0, -10.0]
    assert one.held_out.tolist() == pytest.approx([102 + 0.5 / 3])


def test_what_diverges_at_every_rate_is_worst():
    assert best_means(np.full((1, 2, 3, 2), NAN, dtype=np.float32), test=True).tolist() == [-np.inf]


def test_a_query_gives_the_scores_of_some_seeds():
    scores = measured().scores(1, [1, 2])
    assert scores.seeds == (1, 2)
    assert scores.learning_rates == (0.1, 0.2)
    assert scores.values == ((None, 0.0), (-2.0, -3.0))
    assert scores.test == ((None, 100.0), (98.0, 97.0))
    assert scores.best == 1
    assert measured().scores(0, share=0.5).values == ((-9.0, -8.0, -7.0), (-8.0, -8.0, -7.5))


def test_rounding_keeps_four_digits_and_what_is_no_number():
    values = np.array([np.pi, -1e-3, 2.3025851, NAN, np.inf, 0.0], dtype=np.float32)
    found = rounded(values)
    np.testing.assert_allclose(found, values, rtol=4e-5)
    assert (found[:3].view(np.uint32) & 0x1FF == 0).all()


@pytest.mark.parametrize("content", [None, b"", b"no table", "an array"])
def test_what_is_no_table_is_one_sentence(tmp_path, content):
    path = tmp_path / "t.npz"
    if content == "an array":
        np.savez(path, other=np.zeros(3))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"t\.npz"):
        Table.open(path)


def test_a_table_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "t.npz", head=np.array([{"version": 1}], dtype=object))
    with pytest.raises(ConfigError, match="no table"):
        Table.open(tmp_path / "t.npz")
