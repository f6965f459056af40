"""What keeps a worker's process from harming others: a limit on its memory, an end to processes that it starts."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

from actsearch.evaluate.worker import Result
from actsearch.outcome import Failed

_MEBIBYTE = 1 << 20
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2).
_NO_MEMORY = re.compile(r"MemoryError|can't allocate memory|Cannot allocate memory|bad_alloc")


def confine(memory_mebibytes: int | None) -> None:
    """Limit this process from here on; does nothing on systems that are not Linux.

    The limit is on private writable memory (RLIMIT_DATA, getrlimit(2)): address space, which Ray and torch reserve by
    the gigabyte without using it, does not count. Where it is reached an allocation fails, and so does the candidate.
    Forked processes end with the thread that forked them, so that nothing outlives a worker that is replaced.
    """
    if sys.platform != "linux":
        return
    import resource  # Not there on every system.

    if memory_mebibytes is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = _data_bytes() + memory_mebibytes * _MEBIBYTE
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    prctl = ctypes.CDLL(None).prctl  # Looked up here: a forked process may not load anything.
    os.register_at_fork(after_in_child=lambda: prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL))


def is_out_of_memory(result: Result) -> bool:
    """Whether the job has failed for want of memory."""
    outcome = result.outcome
    return isinstance(outcome, Failed) and bool(_NO_MEMORY.search(outcome.traceback.rstrip().rpartition("\n")[2]))


def with_hint(result: Result, memory_mebibytes: int | None) -> Result:
    """`result`; a failure for want of memory ends with the limit and where it is set."""
    outcome = result.outcome
    if memory_mebibytes is None or not isinstance(outcome, Failed) or not is_out_of_memory(result):
        return result
    hint = f"MemoryError: a worker may take {memory_mebibytes} MiB (memory_mebibytes in its profile)"
    return replace(result, outcome=replace(outcome, traceback=f"{outcome.traceback.rstrip()}\n{hint}\n"))


def _data_bytes() -> int:
    """Private writable memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kibibytes,) = re.findall(r"^VmData:\s+(\d+) kB$", status, flags=re.MULTILINE)
    return int(kibibytes) * 1024
