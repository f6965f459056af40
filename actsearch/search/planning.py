"""Planning: on which seeds a search trains, and by which analysis plan its finals go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actsearch.evaluate.fairness import Plan, PlannedTask
from actsearch.evaluate.fairness.plan import TEST
from actsearch.evaluate.ladder.settings import tuning_rule
from actsearch.evaluate.task import Task
from actsearch.search.config import SearchConfig
from actsearch.search.turns import Turns
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from actsearch.store.summary import BASELINE, SEARCH, SHORTLIST

_SEEDS_APART = 1000
"""Distance between the seeds of searches with neighbouring `--seed`."""
_SHORTLIST_OFFSET, _FINAL_OFFSET = 250, 500


@dataclass(slots=True, kw_only=True)
class Planning:
    """What is decided of a search before it trains anything."""

    record: SearchRecord
    journal: Journal
    task: Task
    config: SearchConfig
    then: Task | None
    """The real task above it: there the finals are, and its baselines are in the search too."""
    _laid_down: Plan | None = None

    def seeds(self, rung: str) -> tuple[int, ...]:
        """Seeds of a rung; those of the finals are used nowhere else."""
        if rung == SEARCH:
            return self.turns.seeds
        if rung == SHORTLIST:
            first = self.record.seed * _SEEDS_APART + _SHORTLIST_OFFSET
            return tuple(range(first, first + self.config.shortlist.seeds))
        return self.plan.tasks[0].seeds

    @property
    def turns(self) -> Turns:
        """Seeds that generations take turns on: those that the baselines have been trained with, if they have.

        So a search that was begun with fewer goes on with these, whose levels it knows. Where objectives are measured
        there is one turn: theirs would be those of the seeds.
        """
        each = self.config.search_seeds or self.task.search_seeds
        known = [s.seeds for name, s in self.journal.scores(self.record, SEARCH).items() if name.startswith(BASELINE)]
        if known and len(known[0]) >= each:
            return Turns(seeds=known[0], each=each)
        first = self.record.seed * _SEEDS_APART
        turns = 1 if self.config.objective_names else self.config.seed_turns or self.task.seed_turns
        count = each * min(turns, _SHORTLIST_OFFSET // each)
        return Turns(seeds=tuple(range(first, first + count)), each=each)

    @property
    def plan(self) -> Plan:
        """The analysis plan of the finals: the one laid down, else what the task and the settings come to."""
        if self._laid_down is not None:
            return self._laid_down
        first = self.record.seed * _SEEDS_APART + _FINAL_OFFSET
        ladder, task = self.config.ladder, self.then or self.task
        part = PlannedTask(
            task=Path(ladder.task or self.record.task).stem,
            metric=task.metric,
            baselines=self.baselines,
            learning_rates=tuple(task.learning_rates),
            seeds=tuple(range(first, first + (self.config.final_seeds or task.final_seeds))),
        )
        if self.then is None:
            return Plan(tasks=(part,), functions=self.config.finalists)
        test = f"{tuning_rule(ladder)}; {TEST}"
        return Plan(tasks=(part,), functions=min(self.config.finalists, ladder.survivors), test=test)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Catalog names: the task's own, and those of the real task above it."""
        return tuple(dict.fromkeys((*(self.then.baselines if self.then else ()), *self.task.baselines)))

    def lay_down(self, warn: Callable[[str], None], *, finals_have_begun: bool) -> None:
        """Journal the plan before anything is trained; a resume that would have another one says so.

        Once the finals have begun, the plan that they began with holds.
        """
        plan, known = self.plan, self.journal.plans(self.record)
        if known and known[-1].digest != plan.digest:
            before = Plan.from_json(known[-1].document)
            said = f"the analysis plan was {before.digest[:12]}, and is {plan.digest[:12]} now (other:"
            said += f" {', '.join(before.changes(plan))})"
            if finals_have_begun:
                warn(f"{said}; the finals have begun, and go on by the plan of then.")
                plan = before
            else:
                warn(f"{said}; the finals have not begun, and will go by that of now; the journal keeps both.")
        if not known or known[-1].digest != plan.digest:
            self.journal.record_plan(self.record, plan.digest, plan.to_json())
        self._laid_down = plan
