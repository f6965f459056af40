"""From candidates to trustworthy scores: tasks, training, rejection, executors.

The package is also the verb: `actsearch.evaluate(f, task="digits")` trains `f` and the task's baselines on the same
seeds and returns the `Comparison`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actsearch.evaluate.compare import Comparison
    from actsearch.grammar.activation import Activation, Candidate


class _Verb(ModuleType):
    """A module that can be called."""

    def __call__(
        self,
        *activations: Activation | Candidate,
        task: str = "digits",
        seeds: int | None = None,
        workers: str = "in-process",
    ) -> Comparison:
        """Compare `activations` with each other and with the baselines; see `actsearch.evaluate.compare.compare`."""
        from actsearch.evaluate.compare import compare

        by_name = {activation.text: activation for activation in activations}
        return compare(by_name, task=task, seeds=seeds, workers=workers)


sys.modules[__name__].__class__ = _Verb
