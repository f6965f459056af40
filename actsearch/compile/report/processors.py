"""GPUs, and how long a kernel would take on them if what bounds it were used without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actsearch.compile.report.counts import Counts

Bound = Literal["memory", "issue", "special functions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A GPU by its data sheet, per second."""

    name: str
    bandwidth: float
    """Bytes of device memory."""
    issued: float
    """Instructions of one lane, all multiprocessors together."""
    special: float
    """Of these, those of the special function units."""


def _processor(name: str, *, bandwidth: float, units: int, clock: float) -> Processor:
    """Of `units` multiprocessors, each issuing for 128 lanes a clock, to 16 of which it has special functions."""
    return Processor(name=name, bandwidth=bandwidth, issued=128 * units * clock, special=16 * units * clock)


PROCESSORS = (
    # Data sheets: NVIDIA A100 80GB SXM, H100 SXM, B200 (HGX); AMD MI300X. Lanes and special functions a clock: CUDA C++
    # Programming Guide, Throughput of Native Arithmetic Instructions; AMD CDNA 3 white paper.
    _processor("A100", bandwidth=2.039e12, units=108, clock=1.41e9),
    _processor("H100", bandwidth=3.35e12, units=132, clock=1.755e9),
    _processor("B200", bandwidth=8.0e12, units=148, clock=1.85e9),
    _processor("MI300X", bandwidth=5.3e12, units=304, clock=2.1e9),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """A time that no GPU undercuts."""

    microseconds_per_million: float
    """Of a million elements."""
    bound: Bound
    """What takes that time."""


def modelled(counts: Counts, processor: Processor) -> Modelled:
    """The longest of the times that memory, instructions and special functions take, each at its full rate.

    A lower bound of a large tensor's time: latencies, launches, caches and dependencies are not in it.
    """
    seconds: dict[Bound, float] = {
        "memory": counts.bytes_per_element / processor.bandwidth,
        "issue": counts.instructions_per_element / processor.issued,
        "special functions": counts.mufu_per_element / processor.special,
    }
    bound = max(seconds, key=lambda name: seconds[name])
    return Modelled(microseconds_per_million=1e12 * seconds[bound], bound=bound)
