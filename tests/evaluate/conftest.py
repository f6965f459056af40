"""Subjects, orders, task files and one Ray cluster a module."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actsearch.evaluate.protocols.quality import Quality
from actsearch.evaluate.task import Subject, subject_of
from actsearch.evaluate.worker import Job, Order
from actsearch.grammar.activation import parse


@pytest.fixture(scope="session")
def subject() -> Callable[..., Subject]:
    """Maker of subjects from text and parameters."""
    return lambda text, **parameters: subject_of(parse(text, **parameters))


@pytest.fixture(scope="session")
def jobs() -> Callable[..., list[Job]]:
    """Maker of jobs, each with its expression as key."""
    return lambda *texts: [Job(key=text, subject=subject_of(parse(text))) for text in texts]


@pytest.fixture(scope="session")
def order() -> Order:
    """Two seeds, the default quality."""
    return Order(seeds=(0, 1), quality=Quality())


@pytest.fixture(scope="session")
def write_task(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Writer of task files, each in a folder of its own; gives the path."""

    def write(source: str) -> str:
        path = tmp_path_factory.mktemp("task") / "mine.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Ray cluster, to which this process is connected."""
    import ray

    context = ray.init(
        address="local", num_cpus=3, object_store_memory=100 * 2**20, include_dashboard=False, log_to_driver=False
    )
    yield context.address_info["gcs_address"]
    ray.shutdown()


@pytest.fixture
def profile_file(tmp_path: Path) -> Callable[..., str]:
    """Writer of profiles; gives the path."""

    def write(**fields: object) -> str:
        path = tmp_path / "mine.yaml"
        lines = [f"{key}: {value}" for key, value in {"title": "a test's own", **fields}.items()]
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    return write
