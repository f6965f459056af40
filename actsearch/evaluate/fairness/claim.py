"""What may be claimed of a function on a task, in one plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.evaluate.fairness.difference import Difference
from actsearch.evaluate.fairness.verdict import LEVEL, Judgement, Verdict

_SMALL = 0.001
"""Smaller p values are not told apart in a sentence."""


def claim(judgement: Judgement, verdict: Verdict, task: str) -> str:
    """The sentence, without a subject and a full stop: `beats every baseline on digits, p = 0.003 after correction`.

    A difference is claimed where its corrected p value is at most `LEVEL`; `verdict` is the one that `judgement` is
    from.
    """
    differences = judgement.differences
    if not differences:
        return f"has nothing to compare with on {task}"
    clear = [d for d in differences if d.p_value is not None and d.p_value <= LEVEL]
    better, worse = [d for d in clear if d.mean > 0], [d for d in clear if d.mean < 0]
    equal = [d for d in differences if d.is_exact_tie]
    open_ = [d for d in differences if d not in clear and d not in equal]
    said = []
    if better:
        said.append(("beats ", _named(better, differences), _p(better)))
    if worse:
        said.append(("is worse than ", _named(worse, differences), _p(worse)))
    if open_:
        from_ = "" if len(open_) == len(differences) else f" from {_listed(open_)}"
        said.append(("shows no difference", from_, _unseen(judgement, open_, verdict.seeds)))
    if equal:
        said.append(("equals ", _listed(equal), " to the last bit"))
    # The task is named once.
    (verb, whom, more), *others = said
    parts = [f"{verb}{whom} on {task}{more}", *("".join(other) for other in others)]
    if verdict.missing:
        parts.append(f"no score of {', '.join(verdict.missing)}")
    return "; ".join(parts)


def _named(some: Sequence[Difference], every: Sequence[Difference]) -> str:
    return "every baseline" if len(some) == len(every) > 1 else _listed(some)


def _p(differences: Sequence[Difference]) -> str:
    largest = max(d.p_value for d in differences if d.p_value is not None)
    return f", p {'< 0.001' if largest < _SMALL else f'= {largest:.2g}'} after correction"


def _unseen(judgement: Judgement, open_: Sequence[Difference], seeds: int) -> str:
    """What difference would have been seen: to the best baseline if that is open, else to the first that is."""
    nearest = judgement.to_best if judgement.to_best in open_ else open_[0]
    if nearest is None or nearest.smallest is None:
        return f", which {seeds} seed{'s' * (seeds > 1)} could not have shown"
    return f" (one of {nearest.smallest:.2g} to {nearest.baseline} would have been seen)"


def _listed(differences: Sequence[Difference]) -> str:
    *others, last = [d.baseline for d in differences]
    return f"{', '.join(others)} and {last}" if others else last
