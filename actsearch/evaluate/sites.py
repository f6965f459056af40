"""The sites of a task's model: what functions they can hold."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch import plugins
from actsearch.errors import ActsearchError, UnsupportedError
from actsearch.evaluate.task import Task, load_task


def check_sites(task: Task, what: str, *, inputs: Sequence[str], selectors: Sequence[str]) -> None:
    """Raise `UnsupportedError` if the sites of `task` cannot hold functions of `inputs` that `selectors` assign.

    `what` names them in the sentence, which says which of the tasks here can.
    """
    reason = _misfit(task, frozenset(inputs), tuple(selectors))
    if reason is None:
        return
    others = [name for name in plugins.names("workers") if _holds(name, frozenset(inputs), tuple(selectors))]
    advice = f"; these can: {', '.join(others)}." if others else "."
    raise UnsupportedError(f"{what} {reason}{advice}")


def _misfit(task: Task, inputs: frozenset[str], selectors: tuple[str, ...]) -> str | None:
    """Why `task` cannot hold them; None if it can."""
    kinds = {selector.partition(":")[0] for selector in selectors}
    is_gated = "gate" in inputs
    if kinds == {"*"}:
        return None if task.gated or not is_gated else "reads gate, and this task trains functions of x alone"
    if kinds == {"lane"}:
        return None if task.lanes and (task.gated or not is_gated) else "has lanes, which this task cannot hold"
    where = f"assigns functions to {selectors[0]} to {selectors[-1]}"
    if kinds != {"layer"} or is_gated:
        return f"{where}: functions of x alone can differ by layer, and nothing else beside them"
    if set(selectors) != {f"layer:{number}" for number in range(1, len(selectors) + 1)}:
        return f"{where}: number them from layer:1 on, without a gap"
    if not task.layers:
        return f"{where}, and the sites of this task cannot differ"
    if task.layers > len(selectors):
        return f"{where}, and this task has {task.layers} sites that may differ"
    return None


def _holds(name: str, inputs: frozenset[str], selectors: tuple[str, ...]) -> bool:
    try:
        return _misfit(load_task(name), inputs, selectors) is None
    except ActsearchError:
        return False
