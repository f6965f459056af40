"""Which functions the sites of a task can hold."""

from __future__ import annotations

from typing import ClassVar

import pytest

from actsearch.errors import UnsupportedError
from actsearch.evaluate.sites import check_sites
from actsearch.evaluate.task import Task, load_task


class Gated(Task):
    gated: ClassVar[bool] = True


class Laned(Task):
    lanes: ClassVar[bool] = True


class Layered(Task):
    layers: ClassVar[int] = 3


LANES, LAYERS = ("lane:1", "lane:2"), ("layer:1", "layer:2", "layer:3", "layer:4")


@pytest.mark.parametrize(
    ("task", "inputs", "selectors", "reason"),
    [
        (Task, "x", ("*",), None),
        (Task, "x gate", ("*",), "reads gate, and this task trains functions of x alone"),
        (Gated, "x gate", ("*",), None),
        (Gated, "x", LANES, "has lanes"),
        (Laned, "x", LANES, None),
        (Laned, "x gate", LANES, "has lanes"),
        (Task, "x", LAYERS, "layer:1 to layer:4, and the sites of this task cannot differ"),
        (Layered, "x", LAYERS, None),
        (Layered, "x", LAYERS[:2], "this task has 3 sites that may differ"),
        (Layered, "x gate", LAYERS, "functions of x alone can differ by layer"),
        (Layered, "x", ("layer:1", "layer:2", "layer:4"), "without a gap"),
        (Layered, "x", ("layer:1", "lane:1"), "nothing else beside them"),
    ],
)
def test_what_does_not_fit_is_one_sentence(task, inputs, selectors, reason):
    if reason is None:
        check_sites(task(), "it", inputs=inputs.split(), selectors=selectors)
        return
    with pytest.raises(UnsupportedError, match=f"^it .*{reason}") as error:
        check_sites(task(), "it", inputs=inputs.split(), selectors=selectors)
    assert "\n" not in str(error.value)


def test_the_sentence_names_the_tasks_that_can():
    digits = load_task("digits")
    with pytest.raises(UnsupportedError, match=r"these can: .*stdlib-gpt, stdlib-gpt-plain\.$"):
        check_sites(digits, "it", inputs=["x", "gate"], selectors=["*"])
    eight = [f"layer:{number}" for number in range(1, 9)]
    with pytest.raises(UnsupportedError, match=r"these can: pruned, stdlib-gpt, stdlib-gpt-plain, swap\.$"):
        check_sites(digits, "it", inputs=["x"], selectors=eight)
