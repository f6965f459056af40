"""What `doctor --self-test` runs: the conformance suite, on every backend that computes here."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from actsearch.compile.backend import REFERENCE, Backend, load_backend, names, require
from actsearch.compile.conformance import Case, Finding, cases, check
from actsearch.errors import UnsupportedError

Progress = Callable[[Sequence[Case], str], Iterable[Case]]
"""From the cases and the name of a backend to the cases again, one by one, shown or not."""
_STEPPED_IN = "the kernel for "
"""How the warning begins that eager torch computes in a kernel's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A case that a backend gets wrong, and how; `excess` is None where it ended in an error."""

    case: str
    reason: str
    excess: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """How a backend did on a device; `worst` is None if no case gave results."""

    backend: str
    device: str
    cases: int
    worst: Finding | None
    failures: tuple[Failure, ...]

    @property
    def mark(self) -> str:
        """A word for `finding`."""
        return "wrong" if self.failures else "ok"

    @property
    def finding(self) -> str:
        """A line for users."""
        line = f"{self.cases - len(self.failures)} of {self.cases} cases passed on {self.device}"
        if self.worst is None:
            return line
        output = f"{self.worst.output} of {self.worst.case}"
        if math.isinf(self.worst.excess):
            return f"{line}; worst: {output}, whose shape, NaN or infinities differ from float64"
        return f"{line}; worst: {output}, {self.worst.excess:.2g} of the error allowed"

    def to_json(self) -> dict[str, Any]:
        """The fields by name, and how many cases passed."""
        return {**asdict(self), "passed": self.cases - len(self.failures)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A backend that does not compute here, and why."""

    backend: str
    finding: str
    mark: ClassVar[str] = "skipped"
    failures: ClassVar[tuple[Failure, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"backend": self.backend, "skipped": self.finding}


def results(name: str | None, progress: Progress) -> Iterator[Tested | Skipped]:
    """The conformance suite on the backend called `name`; without a name on all but the reference, one by one.

    Raises at once `UnknownNameError` for an unknown name, `UnsupportedError` for a backend that does not compute here.
    """
    plan = [_placed(name)] if name is not None else [_placed_or_not(each) for each in names() if each != REFERENCE]
    return (one if isinstance(one, Skipped) else _tested(*one, progress) for one in plan)


def _placed_or_not(name: str) -> tuple[str, Backend, torch.device] | Skipped:
    try:
        return _placed(name)
    except UnsupportedError as error:
        return Skipped(backend=name, finding=str(error))


def _placed(name: str) -> tuple[str, Backend, torch.device]:
    backend = load_backend(name)
    devices = [torch.device(kind) for kind in ("cuda", "cpu") if kind == "cpu" or torch.cuda.is_available()]
    device = next((device for device in devices if backend.unavailable(device) is None), devices[0])
    require(backend, device)
    return name, backend, device


def _tested(name: str, backend: Backend, device: torch.device, progress: Progress) -> Tested:
    """The conformance suite on a backend that computes on `device`."""
    tried = list(cases())
    failures: list[Failure] = []
    worst: Finding | None = None
    # A folder of its own, so that everything is compiled anew and the user's cache stays as it was.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # numpy warns of lanes beyond the end of a tensor, where Triton interprets a kernel with it.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=_STEPPED_IN)
        for case in progress(tried, name):
            try:
                found = max(check(backend, case, device, cache=Path(folder)), key=lambda finding: finding.excess)
            except Exception as error:  # noqa: BLE001 - whatever a compiler or driver raises, the others are tried
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                failures.append(Failure(case=case.name, reason=reason))
                continue
            worst = found if worst is None or found.excess > worst.excess else worst
            if not found.excess <= 1:
                failures.append(Failure(case=case.name, reason=_reason(found), excess=found.excess))
    return Tested(backend=name, device=device.type, cases=len(tried), worst=worst, failures=tuple(failures))


def _reason(finding: Finding) -> str:
    if math.isinf(finding.excess):
        return f"{finding.output}: its shape, NaN or infinities differ from float64"
    return f"{finding.output}: {finding.excess:.3g} times the error allowed"
