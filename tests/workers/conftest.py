"""Tasks cut short."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Writer of a file whose task is one that comes along with other class attributes; gives the path."""

    def write(name: str, **attributes: object) -> str:
        lines = [
            "from dataclasses import replace",
            "from actsearch import plugins",
            "from actsearch.evaluate.task import Task",
            f"module = plugins.load('workers', {name!r})",
            "(whole,) = [v for v in vars(module).values() if getattr(v, '__module__', '') == module.__name__",
            "            and isinstance(v, type) and issubclass(v, Task)]",
            "class Short(whole):",
            '    """Cut short."""',
            *(f"    {attribute} = {value}" for attribute, value in attributes.items()),
        ]
        path = tmp_path_factory.mktemp("short") / f"{name}.py"
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return str(path)

    return write
