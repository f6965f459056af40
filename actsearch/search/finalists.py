"""Finalists: the best candidates of a search that pass what is too expensive to ask of all."""

from __future__ import annotations

from actsearch.outcome import Rejected, Scored
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import subject_of_record
from actsearch.search.progress import Progress
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from actsearch.store.summary import Standing, summarise


def reject_unstable(journal: Journal, search: SearchRecord, config: SearchConfig, progress: Progress) -> None:
    """Reject unstable candidates, best first, until as many stable ones are known as go to the next rung.

    A check depends on the candidate alone, so a search that is killed here and resumed comes to the same finalists.
    """
    if config.protocols.stability.when != "finalists":
        return
    progress.phase = "checking the best"
    standings = summarise(journal, search).candidates
    wanted = max(config.finalists, config.ladder.survivors) if config.ladder.task else config.finalists
    stable: list[Standing] = []
    for place, standing in enumerate(standings):
        if len(stable) == wanted or standing.record is None:
            return
        # A check takes a third of a second, and the user may want to stop.
        progress.changed()
        outcome = standing.record.outcome
        if isinstance(outcome, Scored):
            outcome = config.protocols.stability.judge(subject_of_record(standing.record), outcome)
        if not isinstance(outcome, Rejected):
            stable.append(standing)
            continue
        journal.reject_scored(search, {standing.record.number: outcome})
        progress.reject_scored(outcome.stage, next(iter((*stable, *standings[place + 1 :])), None))
