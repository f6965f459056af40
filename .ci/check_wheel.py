"""Holds a built wheel against the checkout, and an installed one against what the README promises.

`check_wheel.py contents WHEEL` compares the wheel's files with those that git tracks. `check_wheel.py run BIN` runs
a short search with the programs in BIN, the `bin` folder of a clean environment, far from the checkout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ("kernels", "search_spaces", "workers")

# Run by the clean environment's Python, in which importing actsearch is made to fail.
USE_EXPORT = """
import importlib.util, inspect, sys
sys.modules["actsearch"] = None
import torch
spec = importlib.util.spec_from_file_location("best", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["best"] = module
spec.loader.exec_module(module)
public = [
    value for name, value in vars(module).items()
    if inspect.isclass(value) and issubclass(value, torch.nn.Module)
    and value.__module__ == "best" and not name.startswith("_")
]
assert len(public) == 1, f"one public nn.Module expected, found {public}"
layer = public[0]()
x = torch.randn(8, 16, requires_grad=True)
y = torch.nn.Sequential(torch.nn.Identity(), layer)(x)
y.sum().backward()
assert y.shape == x.shape and torch.isfinite(y).all() and torch.isfinite(x.grad).all()
print(public[0].__name__)
"""


def tracked() -> list[str]:
    """Paths of the files that belong into the wheel, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "actsearch", *PLUGINS], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [path for path in listed.stdout.split("\0") if path]


def check_contents(wheel: Path) -> None:
    """Fails unless every tracked file is in `wheel`, at its place inside the package and unchanged."""
    paths = tracked()
    if not paths:
        sys.exit("git tracks no file of the package: nothing to compare the wheel with")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for path in paths:
            inside = path if path.startswith("actsearch/") else f"actsearch/{path}"
            if inside not in names:
                sys.exit(f"{path} is not in the wheel")
            if archive.read(inside) != (ROOT / path).read_bytes():
                sys.exit(f"{path} is in the wheel with other contents")
    plugins = sum(not path.startswith("actsearch/") for path in paths)
    print(f"wheel: all {len(paths)} tracked files are in {wheel.name}, {plugins} of them plug-in files")


def check_run(bin_folder: Path) -> None:
    """Fails unless the installed programs search, list, diagnose and export as promised."""
    with tempfile.TemporaryDirectory() as folder:
        where = call([bin_folder / "python", "-Ic", "import actsearch; print(actsearch.__file__)"], folder)
        place = Path(where.strip())
        if not place.is_relative_to(bin_folder.parent):
            sys.exit(f"actsearch was imported from {place}, not from the clean environment")

        command = "search swish --task digits --budget 12c --seed 1 --workers laptop --json"
        report = json.loads(call([bin_folder / "actsearch", *command.split()], folder))
        check_report(report)
        candidates, counts = report["candidates"], report["counts"]
        print(f"wheel: {counts['generated']} candidates, {len(candidates)} scored, {report['seconds']:.0f} s")

        if "swish" not in call([bin_folder / "actsearch", "spaces"], folder):
            sys.exit("`actsearch spaces` does not name the space swish")
        call([bin_folder / "actsearch", "doctor"], folder)

        best = Path(folder) / "best.py"
        call([bin_folder / "actsearch", "export", candidates[0]["id"], "--to", best], folder)
        name = call([bin_folder / "python", "-Ic", USE_EXPORT, best], folder).strip()
        print(f"wheel: exported {candidates[0]['expression']} as the module {name}; it trains without actsearch")


def check_report(report: dict) -> None:
    """Fails unless `report` is the JSON of a search that came to its end."""
    counts = report["counts"]
    if report["status"] != "finished":
        sys.exit(f"the search ended as {report['status']}: {report.get('stopped_because')}")
    if not report["candidates"]:
        sys.exit(f"the search scored no candidate: {counts}")
    if counts["generated"] != counts["evaluated"] + counts["failed"] + sum(counts["rejected"].values()):
        sys.exit(f"the counts do not add up: {counts}")


def call(command: list[object], folder: str) -> str:
    """Standard output of `command` run in `folder`; ends the script if it fails."""
    # Nothing of the surrounding environment may help the wheel along, nor send its results elsewhere.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "ACTSEARCH_", "MLFLOW_", "RAY_")) and name != "VIRTUAL_ENV"
    }
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        shown = " ".join(word if "\n" not in word else "..." for word in words)
        sys.exit(f"`{shown}` ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"contents", "run"}:
        sys.exit(__doc__)
    target = Path(sys.argv[2]).resolve()
    (check_contents if sys.argv[1] == "contents" else check_run)(target)
