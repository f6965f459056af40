"""The plot of `strategies.py`: the share of searches that have found one of the ten best, and the regret."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import record

mpl.use("svg")
OTHERS = ["tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:pink", "tab:olive", "tab:cyan"]
mpl.rcParams.update({"svg.hashsalt": "strategies", "svg.fonttype": "none", "font.size": 9})
mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=OTHERS)

from matplotlib import pyplot as plt  # noqa: E402  after the choice of what draws

EMPHASISED = {"auto": "black", "surrogate": "tab:red", "random": "tab:gray"}
LATER = 24


def draw(curves: Path, table: Path, plot: Path, turns: int) -> None:
    """Draw the curves of searches with so many turns and settings as they are, a row of panels for each measure."""
    rows = [row for row in record.read(curves) if int(row["turns"]) == turns and ":" not in row["strategy"]]
    played = [row for row in record.read(table) if int(row["turns"]) == turns]
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    if not tasks:
        return
    figure, panels = plt.subplots(2, len(tasks), figsize=(4.2 * len(tasks), 6.4), sharex=True, squeeze=False)
    for column, task in enumerate(tasks):
        found, regret = panels[0][column], panels[1][column]
        for name in sorted({row["strategy"] for row in rows if row["task"] == task}):
            own = [row for row in rows if (row["task"], row["strategy"]) == (task, name)]
            x = [int(row["evaluations"]) for row in own]
            style = {"color": EMPHASISED[name], "linewidth": 2.0} if name in EMPHASISED else {"linewidth": 1.0}
            found.plot(x, [float(row["found"]) for row in own], label=name, **style)
            (line,) = regret.plot(x, [float(row["regret"]) for row in own], label=name, **style)
            if name in EMPHASISED:
                ends = [[float(row[key]) for row in own] for key in ("low", "high")]
                regret.fill_between(x, *ends, color=line.get_color(), alpha=0.12, linewidth=0)
        repeats = sorted({int(row["repeats"]) for row in played if row["task"] == task})
        found.set_title(f"{task} ({' or '.join(map(str, repeats))} repeats)")
        found.set_ylim(0, 1.02)
        regret.set_xlabel("evaluations")
        # The first few evaluations are off any scale.
        later = [float(row["regret"]) for row in rows if row["task"] == task and int(row["evaluations"]) >= LATER]
        regret.set_ylim(0, 1.3 * max(later))
    panels[0][0].set_ylabel("share with one of the ten best")
    panels[1][0].set_ylabel("regret (held-out score)")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=6, frameon=False)
    figure.tight_layout(rect=(0, 0.02 + 0.035 * -(-len(names) // 6), 1, 1))
    figure.savefig(plot, metadata={"Date": None})
