"""Ctrl-C and SIGTERM end a search, wherever in it they arrive."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Interruption:
    """Whether somebody asked the search to stop.

    A signal raises `KeyboardInterrupt` at once. One that arrives in a destructor (llvmlite has many) ends only that: so
    it is remembered too, for `check`, and Python is kept from printing the traceback.
    """

    is_asked: bool = False

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has arrived."""
        if self.is_asked:
            raise KeyboardInterrupt

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to the signals, in the main thread; other threads hear none.

        Ray installs handlers of its own when it starts, so this is for before and after.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.is_asked = True
            raise KeyboardInterrupt

        def unraisable(what: sys.UnraisableHookArgs, /) -> None:
            if not (self.is_asked and what.exc_type is KeyboardInterrupt):
                report(what)

        report = sys.unraisablehook
        before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
        sys.unraisablehook = unraisable
        try:
            yield
        finally:
            sys.unraisablehook = report
            for number, handler in before.items():
                signal.signal(number, handler)
