"""The stages of the funnel, in its order."""

from __future__ import annotations

from collections.abc import Mapping

STAGES = ("duplicate", "domain", "trivial", "gradient", "signal", "escape", "cost", "quality", "stability")
SELDOM = ("escape", "cost", "stability")
"""Stages that some searches do not have."""


def ordered_rejections(rejected: Mapping[str, int]) -> list[tuple[str, int]]:
    """Stages in the order of the funnel, unknown ones after them; what is seldom asked only where it took something."""
    known = [stage for stage in STAGES if stage not in SELDOM or rejected.get(stage)]
    return [(stage, rejected.get(stage, 0)) for stage in (*known, *sorted(set(rejected) - set(STAGES)))]
