"""The wheel: what is in it, and what it says of itself."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("actsearch", "kernels", "search_spaces", "workers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation: hatchling is in the development environment, and nothing is fetched.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def source_files() -> list[str]:
    """What git tracks below the wheel's folders; where there is no git, what lies there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", *FOLDERS], cwd=ROOT, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        listed = None
    # A tracked file that somebody has just removed from the checkout cannot be in the wheel.
    tracked = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()] if listed else []
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    return tracked or [path.relative_to(ROOT).as_posix() for path in found if path.is_file() and path.suffix != ".pyc"]


def test_every_tracked_file_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    files = source_files()
    assert files
    inside = {name if name.startswith("actsearch/") else f"actsearch/{name}" for name in files}
    assert not inside - set(wheel.namelist())


def test_the_wheel_brings_one_package(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"actsearch"}
    assert not [name for name in names if name.endswith(".pyc")]
    for kind in ("kernels", "search_spaces", "workers"):
        assert f"actsearch/{kind}/README.md" in names
    assert "actsearch/py.typed" in names


def test_the_version_is_the_packages_own(metadata: Message) -> None:
    text = (ROOT / "actsearch" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{metadata["Version"]}"' in text


def test_the_metadata_is_what_the_project_says(metadata: Message, wheel: zipfile.ZipFile) -> None:
    assert metadata["Name"] == "actsearch"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    required = {Requirement(line).name for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert {"torch", "ray", "optuna", "sympy", "deap", "triton", "mlflow"} <= required
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "actsearch = actsearch.cli:main" in wheel.read(name).decode()


def test_every_requirement_is_constrained() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints = {r.name.lower().replace("_", "-"): r for r in map(Requirement, filter(is_requirement, lines))}
    asked = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, asked):
        name = requirement.name.lower().replace("_", "-")
        assert name in constraints, f"{name} is not in constraints.txt"
        for pinned in constraints[name].specifier:
            assert requirement.specifier.contains(pinned.version), f"{pinned} is outside {requirement}"
    assert not [str(r) for r in constraints.values() if "+" in str(r)], "a local version label fits one machine only"


def is_requirement(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")
