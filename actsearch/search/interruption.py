"""Ctrl-C and SIGTERM end a search, wherever in it they arrive."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Interruption:
    """Whether somebody asked the search to stop.

    A signal raises `KeyboardInterrupt` at once. Python only prints what a destructor raises, and a signal may arrive in
    one: so it is remembered too, for `check`.
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

        before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
