"""Quality: the search's own score, or the score on a second task."""

from __future__ import annotations

from actsearch.evaluate.objectives.objective import Objective


class Quality(Objective):
    """The score that the task gives.

    `quality` is the search's own. `quality:TASK` is the score on another task, on the search's seeds and at the
    learning rate that is best there, as Liu, Brock, Simonyan, Le (2020), Evolving Normalization-Activation Layers,
    arXiv:2004.02967, select by several architectures at once.
    """

    name = "quality"
    title = "score of the task"
    unit = "the task's metric"
    is_more_better = True


class QualityElsewhere(Quality):
    """The score on another task."""

    def __init__(self, task: str) -> None:
        self.task = task
        """Name or path."""
