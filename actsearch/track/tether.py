"""MLflow's server on a tether: it ends with the process that started it, however that one ends.

`python -m actsearch.track.tether ARGUMENTS` is `python -m mlflow ARGUMENTS` with a thread beside it that reads standard
input. That is a pipe whose other end the parent holds and writes nothing to; the operating system closes it with the
parent, after `kill -9` too.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def hold() -> None:
    """End the group of this process, of which it must be the leader, once standard input ends; returns at once."""
    threading.Thread(target=_watch, name="actsearch-tether", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        """Nothing that is said here matters."""
    # At once: nobody is left to wait for an orderly end, and the database stands an abrupt one.
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    hold()
    runpy.run_module("mlflow", run_name="__main__", alter_sys=True)
