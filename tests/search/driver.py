"""`actsearch` in a process of its own that needs no time to start."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.forked import FORKED

_BLOCK = 512


class Forked:
    """A process like one of `subprocess.Popen`, as far as it is needed; what it prints goes to files in `folder`."""

    def __init__(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], largest_file: int | None
    ) -> None:
        self._process = FORKED.Process(target=_run, args=(arguments, folder, dict(environment), largest_file))
        self._process.start()
        self._printed = [folder / f"{self._process.pid}.{name}" for name in ("out", "err")]

    @property
    def returncode(self) -> int | None:
        """Exit code, minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def kill(self) -> None:
        """End it as the system does where memory is short."""
        self._process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid or 0, number)

    def communicate(self) -> tuple[str, str]:
        """Wait for its end; what it printed on standard output and on standard error."""
        self._process.join()
        out, err = (path.read_text(encoding="utf-8") if path.exists() else "" for path in self._printed)
        return out, err


def _run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], largest_file: int | None) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{os.getpid()}.{name}", os.O_WRONLY | os.O_CREAT), descriptor)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file * _BLOCK, largest_file * _BLOCK))
    sys.argv = ["actsearch", *arguments]
    from actsearch.cli import main

    main()
