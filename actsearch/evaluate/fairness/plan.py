"""The analysis plan: what will be compared with what, how and on which seeds, laid down before there are scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from actsearch.evaluate.fairness.verdict import LEVEL

TEST = (
    "learning rate by validation mean, or on the other seeds where there is no test split;"
    " paired by seed; step-down max-t sign-flip test over all functions and baselines of a task, two-sided;"
    " Bonferroni over tasks; better than every baseline by the largest p"
)
"""The test, in words: whoever changes it changes every plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One task of a plan."""

    task: str
    metric: str
    baselines: tuple[str, ...]
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is laid down before the seeds of a comparison are used."""

    tasks: tuple[PlannedTask, ...]
    functions: tuple[str, ...] | int
    """Those that are compared, or how many of a search's best at most."""
    level: float = LEVEL
    test: str = TEST

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON document; `from_json` is its inverse."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The plan that `to_json` wrote."""
        functions = document["functions"]
        return cls(
            tasks=tuple(
                PlannedTask(
                    task=task["task"],
                    metric=task["metric"],
                    baselines=tuple(task["baselines"]),
                    learning_rates=tuple(task["learning_rates"]),
                    seeds=tuple(task["seeds"]),
                )
                for task in document["tasks"]
            ),
            functions=functions if isinstance(functions, int) else tuple(functions),
            level=document["level"],
            test=document["test"],
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, no spaces), in hex digits."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def changes(self, other: Plan) -> list[str]:
        """Names of what `other` has otherwise: `seeds`, `baselines`, ..."""
        mine, theirs = self.to_json(), other.to_json()
        first, second = mine.pop("tasks"), theirs.pop("tasks")
        changed = [key for key in mine if mine[key] != theirs[key]]
        if len(first) != len(second):
            return [*changed, "tasks"]
        parts = {key for a, b in zip(first, second, strict=True) for key in a if a[key] != b[key]}
        return [*changed, *sorted(parts)]
