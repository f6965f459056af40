"""The search: strategies propose, the funnel rejects, workers score, the journal remembers.

The package is also the verb: `actsearch.search("swish", task="digits", budget="2m")` runs a search and returns its
`Summary`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from actsearch.search import defaults

if TYPE_CHECKING:
    from actsearch.search.progress import Snapshot
    from actsearch.store.summary import Summary


class _Verb(ModuleType):
    """A module that can be called."""

    def __call__(
        self,
        space: str,
        *,
        task: str = defaults.TASK,
        then: str = "",
        strategy: str = defaults.STRATEGY,
        workers: str = defaults.WORKERS,
        budget: str = defaults.BUDGET,
        seed: int = 0,
        settings: Mapping[str, str] | None = None,
        store: Path | str | None = None,
        show: Callable[[Snapshot], None] | None = None,
    ) -> Summary:
        """Run a search to its end, as `actsearch search` does, and return its summary.

        `then` is the real task to which the best go when the budget is spent. `settings` maps dotted keys to values,
        as `--set`; `show` is called with a snapshot after every change.
        Raises an `ActsearchError` if what is asked for cannot be.
        """
        import warnings

        from actsearch.search.launch import Request, launch
        from actsearch.store.journal import Journal, default_store
        from actsearch.store.summary import summarise

        request = Request(
            space=space,
            task=task,
            then=then,
            strategy=strategy,
            workers=workers,
            budget=budget,
            seed=seed,
            settings={key: str(value) for key, value in (settings or {}).items()},
        )
        folder = Path(store) if store is not None else default_store()
        record = launch(
            folder, request, show=show or (lambda _: None), warn=lambda text: warnings.warn(text, stacklevel=2)
        )
        with Journal.open(folder) as journal:
            return summarise(journal, record)


sys.modules[__name__].__class__ = _Verb
