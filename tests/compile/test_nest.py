"""Rows and columns of a tensor, and where in them a value lies."""

import itertools
import math

import pytest
import torch

from actsearch.compile.nest import nest
from actsearch.compile.statistics import cells

CELLS = ("[layer]", "[instance]", "[group:2]", "[last]", "channel")
GRANULARITIES = ("layer", "element", *CELLS)
SHAPES = (
    ((3, 4, 5, 7), 1),
    ((3, 4, 90), 1),
    ((3, 8), 1),
    ((3, 5, 8), -1),
    ((2, 3, 4, 6), 2),
    ((6, 4), 0),
    ((1, 4, 66), 1),
)


def known(granularity, shape, channel_dim):
    """Whether a tensor of that shape has such cells."""
    return granularity not in ("[instance]", "[group:2]", "[layer]") or channel_dim % len(shape) != 0


@pytest.mark.parametrize(("shape", "channel_dim"), SHAPES)
def test_values_lie_where_they_are_said_to_whatever_they_stand_beside(shape, channel_dim):
    for together in itertools.combinations(GRANULARITIES, 2):
        if not all(known(granularity, shape, channel_dim) for granularity in together):
            continue
        found = nest(shape, channel_dim, together)
        assert found.rows * found.columns == math.prod(shape)
        for granularity in set(together) - found.cannot_place:
            placement = found.placement(granularity)
            counts = {"layer": 1, "element": math.prod(shape[1:])}
            count = counts.get(granularity) or cells.count_of(granularity, shape, channel_dim)
            values = torch.arange(count, dtype=torch.float64)
            expected = cells.spread(values, granularity, shape, channel_dim).expand(shape).reshape(found.rows, -1)
            spread = placement.spread(values)
            if placement.along == "columns":
                spread = spread.view(found.kinds, found.columns).repeat(found.rows // found.kinds, 1)
            elif placement.along == "rows":
                spread = spread.view(-1, 1)
            assert torch.equal(spread.expand_as(expected), expected), (together, granularity, found)


@pytest.mark.parametrize(("shape", "channel_dim"), SHAPES)
@pytest.mark.parametrize("operation", ["sum", "max"])
def test_what_was_found_along_rows_and_columns_is_gathered(shape, channel_dim, operation):
    x = torch.randn(shape, dtype=torch.float64)
    for granularity in (granularity for granularity in CELLS if known(granularity, shape, channel_dim)):
        found = nest(shape, channel_dim, [granularity])
        if found.cannot_place:
            continue
        placement = found.placement(granularity)
        flat = x.reshape(found.rows, found.columns)
        if placement.along == "columns":
            parts = flat.view(-1, found.kinds * found.columns)
            parts = parts.sum(0) if operation == "sum" else parts.amax(0)
        else:
            parts = flat.sum(1) if operation == "sum" else flat.amax(1)
        torch.testing.assert_close(
            placement.gather(parts, operation), cells.gather(x, granularity, channel_dim, operation)
        )


def test_common_layouts_have_places_for_all():
    for shape, channel_dim, together in (
        ((8, 32, 28, 28), 1, ("channel", "[group:8]")),
        ((8, 32, 7, 7), 1, ("channel", "[group:8]", "[instance]", "[layer]")),
        ((8, 128, 512), -1, ("channel", "[last]")),
        ((8, 512), 1, ("channel", "[last]", "[layer]")),
        ((8, 16, 10, 10), 1, ("element", "channel", "[layer]", "[last]")),
    ):
        assert not nest(shape, channel_dim, together).cannot_place, (shape, together)


def test_channels_that_come_last_have_no_contiguous_groups():
    assert nest((2, 3, 4, 8), -1, ["[group:2]", "channel"]).cannot_place == {"[group:2]"}
