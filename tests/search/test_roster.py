from __future__ import annotations

import itertools
import math

from actsearch.grammar.space import open_space
from actsearch.search.roster import roster


def test_a_roster_has_each_function_once_and_those_that_protocols_turn_away():
    space = open_space("actbench")
    found = roster(space, itertools.islice(space.enumerate(), 300, 700))
    texts = [function.expression for function in found]
    assert len(set(texts)) == len(texts) > 50
    assert any("1 / x" in text or "/ x" in text for text in texts)  # not finite at 0
    assert all(math.isfinite(function.gain) and function.gain > 0 for function in found)
    assert "x" not in texts
    assert found == roster(space, itertools.islice(space.enumerate(), 300, 700))
