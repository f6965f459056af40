"""Launching and resuming: everything is checked before anything is written, then the search is driven."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from actsearch import __version__, plugins
from actsearch.errors import SearchStateError, StoreError
from actsearch.evaluate import objectives
from actsearch.evaluate.ladder.runner import open_runner
from actsearch.evaluate.pool import Executor, open_executor
from actsearch.evaluate.profile import Profile, check_address, read_profile
from actsearch.evaluate.sites import check_sites
from actsearch.evaluate.task import Task, load_task
from actsearch.export.winner import export_winner
from actsearch.grammar.space import Space, lasting_name, open_space
from actsearch.search import defaults
from actsearch.search.budget import Budget
from actsearch.search.config import SearchConfig
from actsearch.search.interruption import Interruption
from actsearch.search.progress import Progress, Snapshot
from actsearch.search.run import Search
from actsearch.search.rungs import Ladder, real_task
from actsearch.search.sources import differences, sources
from actsearch.search.strategies import make_strategy
from actsearch.search.strategy import Strategy
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal
from actsearch.store.record import SearchRecord
from actsearch.store.summary import summarise
from actsearch.track.background import BackgroundTracker

Show = Callable[[Snapshot], None]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asks for; names or paths of plug-ins."""

    space: str
    task: str = defaults.TASK
    """The search's own; after a comma follow others, the scores on which are objectives, `quality:TASK`."""
    strategy: str = defaults.STRATEGY
    workers: str = defaults.WORKERS
    budget: str = defaults.BUDGET
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    then: str = ""
    """The real task for what survives; short for the setting `ladder.task`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A request whose every name has been found and every text read."""

    space: Space
    task: Task
    task_name: str
    strategy: Strategy
    profile: Profile
    budget: Budget
    config: SearchConfig
    then: Task | None
    """The real task."""
    made_from: Mapping[str, str]
    """See `actsearch.search.sources`."""


def launch(store: Path, request: Request, *, show: Show, warn: Warn) -> SearchRecord:
    """Run a new search to its end or interruption; returns its record as it then stands.

    Raises an `ActsearchError`, with nothing written, if the request cannot be carried out.
    """
    request = _settled(request)
    parts = _parts(request)
    with Journal.open(store, create=True) as journal:
        record = journal.create_search(
            {
                "version": __version__,
                "space": lasting_name(request.space),
                "task": parts.task_name,
                "strategy": request.strategy,
                "workers": plugins.lasting("workers/profiles", request.workers),
                "budget": request.budget,
                "seed": request.seed,
                "settings": dict(request.settings),
            },
            parts.made_from,
        )
        return _drive(journal, record, parts, show=show, warn=warn)


def resume(store: Path, name: str | None, *, show: Show, warn: Warn, allow_changed: bool = False) -> SearchRecord:
    """Go on with a search that was stopped or killed.

    Raises `SearchStateError` if it is finished or running; or if its space, its task or actsearch has changed, which
    `allow_changed` makes a warning of.
    """
    with Journal.open(store) as journal:
        record = journal.search(name)
        _refuse_finished(record)
        request = Request(
            space=record.space,
            task=record.task,
            strategy=record.strategy,
            workers=record.workers,
            budget=record.budget,
            seed=record.seed,
            settings=record.settings,
        )
        return _drive(journal, record, _parts(request), show=show, warn=warn, allow_changed=allow_changed)


def _drive(
    journal: Journal, record: SearchRecord, parts: _Parts, *, show: Show, warn: Warn, allow_changed: bool = False
) -> SearchRecord:
    started = time.monotonic()
    interruption = Interruption()
    status, reason = "stopped", "interrupted"

    def shown(snapshot: Snapshot) -> None:
        nonlocal reason
        interruption.check()
        if journal.is_asked_to_stop(record):
            reason = "`actsearch stop` asked for it"
            raise KeyboardInterrupt
        show(snapshot)

    progress = Progress(show=shown)

    def ended() -> None:
        journal.set_status(
            record,
            status=status,
            stopped_because=reason,
            seconds=record.seconds + time.monotonic() - started,
            budget_seconds=progress.seconds,
        )

    with ExitStack() as stack:
        stack.enter_context(journal.driving(record))
        record = journal.search(record.name)
        _refuse_finished(record)
        _compare(journal, record, parts.made_from, warn if allow_changed else None)
        journal.set_status(record, status="running", stopped_because=None, seconds=record.seconds)
        if parts.config.track_uri != "none":
            uri = parts.config.track_uri or os.environ.get("MLFLOW_TRACKING_URI")
            stack.enter_context(BackgroundTracker(journal.store, record, uri, warn))
        try:
            progress.changed()
            # Twice: while the executor starts, and again because Ray then has a handler of its own.
            executors = open_executor(parts.task_name, parts.profile)
            with interruption.heard(), executors as executor, interruption.heard():
                reason = _search(journal, record, parts, executor, progress=progress, warn=warn).run()
                export_winner(journal.store, summarise(journal, record))
                status = "finished"
        except KeyboardInterrupt:
            pass
        except BaseException as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            # A journal that cannot be written is the error itself.
            with suppress(StoreError):
                ended()
            raise
        ended()
    return journal.search(record.name)


def _settled(request: Request) -> Request:
    """The request with all but its own task among the settings, under names that a resume elsewhere still finds."""
    settings = dict(request.settings)
    then = request.then or settings.get("ladder.task", "")
    if then:
        settings["ladder.task"] = plugins.lasting("workers", then)
    task, *others = [request.task] if Path(request.task).exists() else request.task.split(",")
    wanted = [*objectives.read(settings.get("objectives", "")), *(f"{objectives.QUALITY}:{name}" for name in others)]
    if wanted:
        tasks = objectives.elsewhere(wanted)
        lasting = {name: f"{objectives.QUALITY}:{plugins.lasting('workers', other)}" for name, other in tasks.items()}
        settings["objectives"] = ",".join(lasting.get(name, name) for name in wanted)
    return replace(request, task=task, then="", settings=settings)


def _ladder(trials: Trials, parts: _Parts) -> Ladder | None:
    """The rungs above the search's own task, if it has any."""
    if parts.then is None:
        return None
    scratch = trials.journal.store / f"scratch-{trials.record.name}"
    settings = parts.config.ladder
    return Ladder.above(trials, parts.then, open_runner(settings.task, parts.profile, scratch, settings.time_limit))


def _search(
    journal: Journal, record: SearchRecord, parts: _Parts, executor: Executor, *, progress: Progress, warn: Warn
) -> Search:
    trials = Trials(
        record=record,
        journal=journal,
        task=parts.task,
        executor=executor,
        config=parts.config,
        progress=progress,
        warn=warn,
        then=parts.then,
    )
    return Search(
        record=record,
        journal=journal,
        space=parts.space,
        strategy=parts.strategy,
        trials=trials,
        ladder=_ladder(trials, parts),
        config=parts.config,
        budget=parts.budget,
        progress=progress,
    )


def _refuse_finished(record: SearchRecord) -> None:
    if record.status == "finished":
        raise SearchStateError(f"the search {record.name} is finished: start another with `actsearch search`.")


def _compare(journal: Journal, record: SearchRecord, made_from: Mapping[str, str], warn: Warn | None) -> None:
    """Refuse to go on with a search that was last driven with other sources; with `warn` say so, and note the new."""
    known = list(journal.sources(record).values())
    changed = differences(known[-1], made_from) if known else []
    if known and not changed:
        return
    if changed:
        said = f"since the search {record.name} was last driven: {', '.join(changed)}"
        if warn is None:
            raise SearchStateError(
                f"{said}; put that back as it was, or go on with what there is now:"
                f" `actsearch resume {record.name} --allow-changed`."
            )
        warn(f"{said}; scores from before are kept beside those that come now.")
        # What was mended may have been the reason.
        journal.forget_failures(record)
    last = journal.last_step(record)
    journal.record_sources(record, 0 if last is None else last.generation, made_from)


def _parts(request: Request) -> _Parts:
    config = SearchConfig.of(request.settings)
    budget = Budget.parse(request.budget)
    task_name = plugins.lasting("workers", request.task)
    # Before they are read: what is edited in between is then noticed by a resume.
    above = [config.ladder.task] if config.ladder.task else []
    others = list(objectives.elsewhere(config.objective_names).values())
    made_from = sources(lasting_name(request.space), task_name, *above, *others)
    space = open_space(request.space)
    task_name = plugins.lasting("workers", request.task)
    task = load_task(task_name)
    check_searchable(space, task)
    _check_measurable(config, task)
    for name in others:
        check_searchable(space, load_task(name))
    profile = read_profile(request.workers)
    check_address(profile)
    strategy = make_strategy(request.strategy, space, config.strategies, task)
    return _Parts(
        space=space,
        task=task,
        task_name=task_name,
        strategy=strategy,
        profile=profile,
        budget=budget,
        config=config,
        then=_real_task(config, space, profile) if config.ladder.task else None,
        made_from=made_from,
    )


def _real_task(config: SearchConfig, space: Space, profile: Profile) -> Task:
    task = real_task(config.ladder.task, profile)
    check_searchable(space, task)
    return task


def _check_measurable(config: SearchConfig, task: Task) -> None:
    """Raise `UnsupportedError` for objectives of trained models on a task that cannot measure them."""
    measured = objectives.of_models(config.objective_names)
    if measured and type(task).run_and_measure is Task.run_and_measure:
        task.run_and_measure((), (), config.protocols.quality, measured)


def check_searchable(space: Space, task: Task) -> None:
    """Raise `UnsupportedError` for a space whose candidates the sites of `task` cannot hold."""
    check_sites(task, f"the space {space.name!r}", inputs=sorted(space.inputs), selectors=space.selectors)
