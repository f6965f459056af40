"""Tables of results."""

import pytest
from rich.console import Console

from actsearch.cli.tables import funnel_table
from actsearch.store.record import SearchRecord
from actsearch.store.summary import Counts, Standing, Summary

SEARCH = SearchRecord(
    id=1, name="swish-digits-1", created="2026-01-01T00:00:00Z", version="0", space="swish", task="digits",
    strategy="random", workers="in-process", budget="9c", seed=0,
)  # fmt: skip


def standing(name, shortlist_score):
    return Standing(record=None, name=name, score=-0.1, shortlist_score=shortlist_score)


@pytest.mark.parametrize(("places", "wanted"), [(0, None), (2, "2")])
def test_a_funnel_says_how_many_were_shortlisted_where_any_were(places, wanted):
    counts = Counts(generated=9, evaluated=5, failed=1, rejected={"domain": 3}, trained=30)
    candidates = tuple(standing(f"c{index}", -0.2 if index < places else None) for index in range(5))
    summary = Summary(search=SEARCH, counts=counts, candidates=candidates, baselines=())
    console = Console(width=80)
    with console.capture() as capture:
        console.print(funnel_table(summary))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]
    left = {row[0]: row[3] for row in rows}
    assert left.get("shortlist") == wanted
    assert (left["proposals"], left["domain"], left["failed"], left["scored"]) == ("9", "6", "5", "5")
