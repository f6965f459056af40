"""How many evaluations each strategy needs, on the table of all functions of a small space.

    python benchmarks/strategies.py [STRATEGY...] [--tasks digits tabular ...] [--turns 4] [--repeats 150]

An evaluation is a look-up (`table_game.py`), so a search takes seconds. Repeat r is played with seed r; a query gives
one seed: generation g, from 0, is answered with the table's seed number r + (g mod `turns`), modulo 15, as generations
of a search take turns, and with `--turns 1` all of it with one. The held-out seeds and the test split judge. The best
ten are those of the functions that the funnel lets through: what it rejects no strategy can find.
`published-evolution` is regularised evolution with the settings of its paper, `published-surrogate` the recipe of
arXiv:2301.05785 (`published_surrogate.py`). NAME:KEY=VALUE plays a strategy with another setting, of its own or of its
search. Generations grow as in a search.

Replaces the rows of what was played in `benchmarks/strategies.csv` (a row for each strategy, task and number of turns),
`benchmarks/strategies_games.csv` (each game) and `benchmarks/strategies_curves.csv` (regret against evaluations), and
draws `docs/strategies.svg`. The task `all` stands for the games of all tasks together, if so many were played on each.
Intervals are 95 %, by bootstrap over the seeds that searches began with, each with its repeats.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from numpy.typing import NDArray
from table_game import Board, Judge, Played, play

from actsearch.evaluate.stacked_task import StackedTask
from actsearch.evaluate.task import load_task
from actsearch.search.config import SearchConfig
from actsearch.search.strategies import STRATEGIES, make_strategy
from actsearch.search.strategy import Strategy

HERE = Path(__file__).parent
TABLE, GAMES, CURVES = (HERE / f"strategies{part}.csv" for part in ("", "_games", "_curves"))
PLOT = HERE.parent / "docs" / "strategies.svg"
EVALUATIONS = 300
AT_MOST = 900
POINTS = (1, *range(8, EVALUATIONS + 1, 8), EVALUATIONS)
REFERENCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    # Real et al., arXiv:1802.01548, as Act-Bench's authors use it; no fresh samples, and hardly any crossover.
    "published-evolution": (
        "evolution",
        {
            "evolution.population": "64",
            "evolution.tournament": "16",
            "evolution.survival": "age",
            "evolution.crossover": "0",
            "evolution.fresh": "0",
        },
    ),
}
KEY = ("task", "turns", "strategy")
TASKS = ("digits", "tabular", "periodic", "longtail")
ELSEWHERE = {"entropy", "gradient", "placement"}
"""Strategies for other spaces, and one that trains by itself: a table can tell it nothing."""
WITHOUT_CATALOG = {"auto.catalog": "false"}
Array = NDArray[np.float64]


def main() -> None:
    """Play, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", help="all that there are, and the references")
    parser.add_argument("--tasks", nargs="*", default=TASKS)
    parser.add_argument("--turns", type=int, default=StackedTask.seed_turns)
    parser.add_argument("--repeats", type=int, default=150)
    parser.add_argument("--draw", action="store_true", help="draw what is in the tables, play nothing")
    parser.add_argument("--print", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.draw:
        board = Board.of_actbench()
        names = arguments.strategies or [*sorted(STRATEGIES.keys() - ELSEWHERE), *REFERENCES, "published-surrogate"]
        for task in arguments.tasks:
            judge = Judge(board=board, task=task)
            for name in names:
                played = games(name, judge, arguments.repeats, arguments.turns)
                row = {**record.machine("numpy", "scikit-learn"), **summary(name, judge, played, arguments.turns)}
                print(row, flush=True)
                if not arguments.print:
                    record.replace(TABLE, [row], *KEY)
                    record.replace(GAMES, _games(row, played), *KEY)
                    record.replace(CURVES, _curve(row, played, judge), *KEY)
                    record.replace(TABLE, _together(row, len(judge.measured.seeds)), *KEY)
    if not arguments.print:
        from strategies_plot import draw

        draw(CURVES, TABLE, PLOT, arguments.turns)


def games(name: str, judge: Judge, repeats: int, turns: int) -> list[Played]:
    """Repeats of a game; `turns` as for `play`."""
    strategy = maker(name, judge)()
    size = _configured(name)[1].generation_after
    return [
        play(strategy, judge, seed=seed, generation=size, evaluations=EVALUATIONS, at_most=AT_MOST, turns=turns)
        for seed in range(repeats)
    ]


def maker(name: str, judge: Judge) -> Callable[[], Strategy]:
    """What makes the strategy that `name` says, as on the command line."""
    space, task = judge.board.space, load_task(judge.task)
    if name == "published-surrogate":
        from published_surrogate import PublishedSurrogate

        return lambda: PublishedSurrogate(space, task)
    kind, config = _configured(name)
    return lambda: make_strategy(kind, space, config.strategies, task)


def _configured(name: str) -> tuple[str, SearchConfig]:
    """The strategy that a name means, and the settings of its search."""
    base, *changes = name.split(":")
    kind, settings = REFERENCES.get(base, (base, WITHOUT_CATALOG if base == "auto" else {}))
    own = STRATEGIES[kind].settings.__dataclass_fields__ if kind in STRATEGIES else {}
    pairs = [change.partition("=")[::2] for change in changes]
    changed = {f"{kind}.{key}" if key in own else key: value for key, value in pairs}
    return kind, SearchConfig.of({**settings, **changed})


def summary(name: str, judge: Judge, games: Sequence[Played], turns: int) -> dict[str, Any]:
    """What games of a strategy came to."""
    found = np.array([game.found_at for game in games])
    regret = np.array([game.regret[:EVALUATIONS] for game in games])
    median, area, seeds = np.median(found), regret.mean(), len(judge.measured.seeds)
    low, high = _interval(found, np.median, seeds)
    area_low, area_high = _interval(regret.mean(axis=1), np.mean, seeds)
    evaluations = sum(len(game.functions) for game in games)
    return {
        "strategy": name,
        "task": judge.task,
        "turns": turns,
        "repeats": len(games),
        "seeds": f"0-{len(games) - 1}",
        "median_evaluations": _shown(median),
        "median_low": _shown(low),
        "median_high": _shown(high),
        "found_within_300": round(float(np.mean(found <= EVALUATIONS)), 3),
        "regret_area": _shown(area),
        "area_low": _shown(area_low),
        "area_high": _shown(area_high),
        "regret_at_300": _shown(regret[:, -1].mean()),
        "ask_tell_ms_per_evaluation": _shown(1e3 * sum(game.seconds for game in games) / evaluations),
        "proposals_per_evaluation": _shown(sum(game.proposals for game in games) / evaluations),
        "best_ten_out_of_reach": judge.out_of_reach(),
    }


def _games(row: Mapping[str, Any], games: Sequence[Played]) -> list[dict[str, Any]]:
    key = {name: row[name] for name in KEY}
    return [{**key, "seed": seed, "evaluations": game.found_at} for seed, game in enumerate(games)]


def _together(row: Mapping[str, Any], seeds: int) -> list[dict[str, Any]]:
    """The row of all tasks together; none before a strategy was played on each, so often on all and with all seeds."""
    wanted = (str(row["turns"]), row["strategy"])
    known = [game for game in record.read(GAMES) if (game["turns"], game["strategy"]) == wanted]
    found = [[float(game["evaluations"]) for game in known if game["task"] == task] for task in TASKS]
    repeats = row["repeats"]
    if {len(games) for games in found} != {repeats} or repeats % seeds:
        return []
    values = np.concatenate(found)
    low, high = _interval(values, np.median, seeds)
    medians = {"median_evaluations": np.median(values), "median_low": low, "median_high": high}
    filled = {column: row[column] for column in (*record.machine(), "strategy", "turns", "repeats", "seeds")}
    filled |= {"task": "all", "found_within_300": round(float(np.mean(values <= EVALUATIONS)), 3)}
    filled |= {column: _shown(value) for column, value in medians.items()}
    return [{column: filled.get(column, "") for column in row}]


def _curve(row: Mapping[str, Any], games: Sequence[Played], judge: Judge) -> list[dict[str, Any]]:
    regret = np.array([game.regret[:EVALUATIONS] for game in games])
    found = np.array([game.found_at for game in games])
    points = []
    for point in POINTS:
        low, high = _interval(regret[:, point - 1], np.mean, len(judge.measured.seeds))
        key = {name: row[name] for name in KEY}
        points.append(
            {
                **key,
                "evaluations": point,
                "regret": _shown(regret[:, point - 1].mean()),
                "low": _shown(low),
                "high": _shown(high),
                "found": round(float(np.mean(found <= point)), 3),
            }
        )
    return points


def _interval(values: Array, statistic: Callable[..., Any], seeds: int) -> tuple[float, float]:
    """Of repeats: seeds are drawn with all their repeats, as searches that one seed answered are alike."""
    by_seed = [values[seed::seeds] for seed in range(min(seeds, len(values)))]
    drawn = np.random.default_rng(0).integers(len(by_seed), size=(2000, len(by_seed)))
    with np.errstate(invalid="ignore"):
        found = [statistic(np.concatenate([by_seed[seed] for seed in row])) for row in drawn]
        ends = np.quantile(found, (0.025, 0.975), method="nearest")
    return float(ends[0]), float(ends[1])


def _shown(value: float) -> float:
    return float(f"{value:.4g}") if math.isfinite(value) else math.inf


if __name__ == "__main__":
    main()
