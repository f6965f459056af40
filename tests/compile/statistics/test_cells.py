"""The elements that share one value."""

import pytest
import torch

from actsearch.compile.statistics import cells
from actsearch.compile.statistics.reductions import Reductions
from actsearch.grammar.statistic import KINDS, Statistic, statistics
from actsearch.grammar.text import read

SHAPES = [((6, 4), 1), ((3, 4, 5), 1), ((3, 5, 4), -1), ((2, 3, 5, 4), 3)]
AXES = ["batch", "instance", "layer", "group:2", "last"]


@pytest.mark.parametrize(("shape", "channel_dim"), SHAPES)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("operation", ["sum", "max"])
def test_cells_are_those_of_the_reference(shape, channel_dim, axis, operation):
    x = torch.randn(shape, dtype=torch.float64)
    (node,) = statistics(read(f"{operation}[{axis}](x)"))
    expected = Reductions(shape, channel_dim=channel_dim).reduce(node, x).expand(shape)
    kind, _, groups = axis.partition(":")
    granularity = cells.granularity_of(Statistic(kind=operation, axis=kind, groups=int(groups or 0)))
    found = cells.gather(x, granularity, channel_dim, operation)
    assert found.shape == (cells.count_of(granularity, shape, channel_dim),)
    assert x.numel() == len(found) * cells.size_of(granularity, shape, channel_dim)
    torch.testing.assert_close(cells.spread(found, granularity, shape, channel_dim).expand(shape), expected)


def test_every_axis_has_a_granularity_of_its_own():
    found = [cells.granularity_of(Statistic(kind=KINDS[0], axis=axis, groups=2 * (axis == "group")))
             for axis in ("batch", "instance", "layer", "group", "last")]  # fmt: skip
    assert found == ["channel", "[instance]", "[layer]", "[group:2]", "[last]"]
    assert [cells.groups_in(granularity) for granularity in found] == [0, 0, 0, 2, 0]
