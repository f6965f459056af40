"""A sweep with statistics as passes of compiled kernels, with the values of statistics passed on between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from actsearch.compile.statistics import cells, ranks
from actsearch.compile.statistics.expanding import Expanding, Run
from actsearch.compile.statistics.reductions import quantile
from actsearch.compile.statistics.schedule import Pass, Reduced, Schedule, schedule
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Apply
from actsearch.grammar.statistic import level_of

Values = Mapping[str, Tensor]
"""Of parameters and statistics, by name."""


class Together(Protocol):
    """All passes of a schedule at once, each piece of a tensor going through all of them while it is at hand."""

    def __call__(
        self, elements: Sequence[Tensor], values: Values, channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]] | None:
        """The results, and the values of the statistics that are `kept`, by name.

        None for tensors that are better taken pass by pass.
        Elements are contiguous and not empty; no statistic is over the batch, and none is a quantile.
        """


@dataclass(slots=True)
class Scheduled:
    """A sweep with statistics, on tensors; `compiler` makes a runner of a sweep without them, if it can.

    `together`, if the backend has that, makes one of a schedule; `merging` says whether passes merge deviations.
    """

    sweep: Sweep
    compiler: Callable[[Sweep], Run | None]
    together: Callable[[Schedule], Together] | None = None
    merging: bool = False
    _compiled: dict[frozenset[Apply], _Compiled] = field(default_factory=dict)

    @property
    def is_compiled(self) -> bool:
        """Whether there are kernels for it."""
        return self._of(frozenset()).is_whole

    def run(
        self,
        elements: Sequence[Tensor],
        parameters: Sequence[Tensor],
        channel_dim: int,
        known: Mapping[Apply, Tensor],
    ) -> tuple[tuple[Tensor, ...], dict[Apply, Tensor]]:
        """Outputs, of the shape, strides and dtype of the first element, and sums, like the parameters.

        Also the values of the statistics that were not `known`, 1-D as `cells` says, each perhaps several times one
        after the other; perhaps without those that no derivative reads, see `Schedule.kept`.
        """
        x = elements[0]
        compiled = self._of(frozenset(known))
        if (x.shape, channel_dim) not in compiled.checked:
            for reduced in compiled.schedule.reduced:
                cells.channel_of(reduced.statistic, x.shape, channel_dim)
            compiled.checked.add((x.shape, channel_dim))
        fixed = self.sweep.fixed
        dense = {
            name: (element if name in fixed else element.to(x.dtype)).contiguous()
            for name, element in zip(self.sweep.elements, elements, strict=True)
        }
        values = dict(zip((name for name, _ in self.sweep.parameters), parameters, strict=True))
        values |= {reduced.name: known[reduced.node] for reduced in compiled.schedule.known}
        results, found = compiled.run(dense, values, channel_dim)
        nodes = {reduced.name: reduced.node for reduced in compiled.schedule.reduced}
        count = len(self.sweep.outputs)
        results = (*(laid_out(x, result) for result in results[:count]), *results[count:])
        return results, {nodes[name]: value for name, value in found.items()}

    def _of(self, known: frozenset[Apply]) -> _Compiled:
        if known not in self._compiled:
            # Of rows at hand, deviations from a known mean are as quick and closer.
            whole = schedule(self.sweep, known)
            together = self.together(whole) if self.together and whole.is_local else None
            passes = schedule(self.sweep, known, merging=True) if self.merging else whole
            self._compiled[known] = _Compiled(passes, self.compiler, together)
        return self._compiled[known]


class _Compiled:
    """The passes of a schedule as runners."""

    def __init__(
        self,
        plan: Schedule,
        compiler: Callable[[Sweep], Run | None],
        together: Together | None,
    ) -> None:
        self.schedule = plan
        self.checked: set[tuple[torch.Size, int]] = set()
        runners = [compiler(sweep) for sweep in plan.sweeps]
        self.is_whole = None not in runners
        self._runners = {
            id(sweep): Expanding(sweep, compiler, {frozenset(): (sweep, runner)})
            for sweep, runner in zip(plan.sweeps, runners, strict=True)
            if runner is not None
        }
        self._together = together

    def run(
        self, elements: Values, values: dict[str, Tensor], channel_dim: int
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """The results, and the values of the statistics by name."""
        x = next(iter(elements.values()))
        if self._together is not None and x.numel():
            done = self._together(list(elements.values()), values, channel_dim)
            if done is not None:
                return done
        found: dict[str, Tensor] = {}
        elements = dict(elements)
        for reduced in self.schedule.known:
            count = cells.count_of(reduced.granularity, x.shape, channel_dim)
            values[reduced.name] = cells.once(values[reduced.name], count)
        for one in self.schedule.passes:
            own = self._pass(one, elements, {**values, **found}, channel_dim)
            elements |= {r.written: own.pop(r.written) for r in one.reduced if r.written is not None}
            found |= own
        return self._run(self.schedule.last, elements, {**values, **found}, channel_dim), found

    def _pass(self, one: Pass, elements: Values, values: Values, channel_dim: int) -> dict[str, Tensor]:
        """The values of the statistics of a pass, and the elements that it writes."""
        results = self._run(one.sweep, elements, values, channel_dim)
        named = dict(zip(one.sweep.results, results, strict=True))
        x = elements[one.sweep.elements[0]]
        local = {r.name: _value(r, named[r.name], x.shape, channel_dim) for r in one.reduced if not _is_over_ranks(r)}
        over_ranks = [reduced for reduced in one.reduced if _is_over_ranks(reduced)]
        written = {r.written: named[r.written] for r in one.reduced if r.written is not None}
        return local | written | (_merged(over_ranks, named, x.shape, channel_dim) if over_ranks else {})

    def _run(self, sweep: Sweep, elements: Values, values: Values, channel_dim: int) -> tuple[Tensor, ...]:
        read = [elements[name] for name in sweep.elements]
        return self._runners[id(sweep)](read, [values[name] for name, _ in sweep.parameters], channel_dim)


def _is_over_ranks(reduced: Reduced) -> bool:
    return reduced.statistic.axis == "batch" and ranks.are_many()


def _value(reduced: Reduced, found: Tensor, shape: Sequence[int], channel_dim: int) -> Tensor:
    if reduced.operation == "quantile" and not found.numel():
        return found.new_zeros(cells.count_of(reduced.granularity, shape, channel_dim))
    if reduced.operation == "quantile":
        return quantile(found, level_of(reduced.node)).reshape(-1)
    if not reduced.is_mean:
        return found
    return found / cells.size_of(reduced.granularity, shape, channel_dim)


def _merged(
    reduced: Sequence[Reduced], found: Mapping[str, Tensor], shape: Sequence[int], channel_dim: int
) -> dict[str, Tensor]:
    """Values over the batches of all ranks that train together."""
    values = {one.name: ranks.merged(found[one.name], "max") for one in reduced if one.operation == "max"}
    size = cells.size_of("channel", shape, channel_dim)
    values |= _added([one for one in reduced if one.operation == "sum" and not one.is_merged], found, size)
    means = {one.node: one.name for one in reduced}
    apart = {}
    for one in reduced:
        if one.is_merged and one.mean is not None:
            name = means[one.mean]
            apart[one.name] = found[one.name] + size * (found[name] / max(size, 1) - values[name]).square()
    return values | _added([one for one in reduced if one.is_merged], apart, size)


def _added(reduced: Sequence[Reduced], found: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    """Sums and means over the batches of all ranks, this one's of `size` elements a channel."""
    if not reduced:
        return {}
    sums = torch.stack([found[one.name] for one in reduced])
    everything = ranks.merged(torch.cat([sums.flatten(), sums.new_full((1,), float(size))]), "sum")
    totals = everything[:-1].view_as(sums)
    return {
        one.name: total / everything[-1] if one.is_mean else total for one, total in zip(reduced, totals, strict=True)
    }


def laid_out(x: Tensor, result: Tensor) -> Tensor:
    """`result` with the strides that a new tensor like `x` has."""
    if result.stride() == x.stride():
        return result
    expected = torch.empty_like(x)
    return result if result.stride() == expected.stride() else expected.copy_(result)
