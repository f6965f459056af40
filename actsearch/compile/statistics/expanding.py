"""A compiled sweep for layouts in which some values lie along neither rows nor columns: those become elements.

A group of channels that come last, for example, is no contiguous piece of a sample. A parameter like that is read as a
tensor of the shape of x, and what is summed for it is written as one and summed by torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from actsearch.compile.nest import nest
from actsearch.compile.statistics import cells
from actsearch.compile.sweep import Sweep
from actsearch.grammar.expression import Expression, Input, Parameter, substitute

Run = Callable[[Sequence[Tensor], Sequence[Tensor], int], tuple[Tensor, ...]]
"""A runner's call; see `actsearch.compile.autograd.Runner`."""


@dataclass(slots=True)
class Expanding:
    """A sweep without statistics; `compiler` makes a runner of one whose values can all be placed.

    `runners` has those made already, by the granularities that are elements. Sums for totals are in the dtype that is
    computed in.
    """

    sweep: Sweep
    compiler: Callable[[Sweep], Run | None]
    runners: dict[frozenset[str], tuple[Sweep, Run]] = field(default_factory=dict)

    def __call__(
        self, elements: Sequence[Tensor], parameters: Sequence[Tensor], channel_dim: int
    ) -> tuple[Tensor, ...]:
        """The outputs, then the sums, for contiguous elements."""
        x = elements[0]
        if not x.numel():
            return self._of_nothing(x, parameters, channel_dim)
        unplaced = self._unplaced(x.shape, channel_dim)
        sweep, runner = self._runner(unplaced)
        if sweep is self.sweep:
            return runner(elements, parameters, channel_dim)
        # What is added up, and statistics, need the digits that x has not got.
        wide = [element.float() if element.dtype.itemsize < 4 else element for element in elements]
        kept = []
        for (_, granularity), values in zip(self.sweep.parameters, parameters, strict=True):
            if granularity in unplaced:
                spread = cells.spread(values.to(wide[0].dtype), granularity, x.shape, channel_dim)
                wide.append(spread.expand(x.shape).contiguous())
            else:
                kept.append(values)
        return self._assembled(sweep, runner(wide, kept, channel_dim), parameters, x.dtype, channel_dim)

    def _unplaced(self, shape: Sequence[int], channel_dim: int) -> frozenset[str]:
        """The granularities that become elements."""
        granularities, unplaced = set(self.sweep.granularities.values()), frozenset[str]()
        # Without those that have no place the others may be walked otherwise, where some of them have none, either.
        while more := nest(shape, channel_dim, granularities - unplaced).cannot_place:
            unplaced |= more
        return unplaced

    def _runner(self, unplaced: frozenset[str]) -> tuple[Sweep, Run]:
        if unplaced not in self.runners:
            sweep = expanded(self.sweep, unplaced) if unplaced else self.sweep
            runner = self.compiler(sweep)
            if runner is None:
                raise TypeError("a compiler takes a sweep or leaves it, whatever is an element and what a parameter")
            self.runners[unplaced] = sweep, runner
        return self.runners[unplaced]

    def _assembled(
        self,
        sweep: Sweep,
        found: Sequence[Tensor],
        parameters: Sequence[Tensor],
        dtype: torch.dtype,
        channel_dim: int,
    ) -> tuple[Tensor, ...]:
        """The results of `self.sweep` from those of the expanded one."""
        named = dict(
            zip((*(name for name, _ in sweep.outputs), *(name for name, _, _ in sweep.sums)), found, strict=True)
        )
        fixed = self.sweep.fixed
        outputs = [named[name] if name in fixed else named[name].to(dtype) for name, _ in self.sweep.outputs]
        own = dict(zip((name for name, _ in self.sweep.parameters), parameters, strict=True))
        sums = []
        written = {output for output, _ in sweep.outputs}
        for name, of, _ in self.sweep.sums:
            terms = dict(self.sweep.deviations).get(name, name)
            total = named[terms if terms in written else name]
            if terms in written:
                total = cells.gather(total, self.sweep.granularities[of], channel_dim, self.sweep.operation(name))
            sums.append(total.to(own[of].dtype).reshape(own[of].shape) if of in own else total)
        return (*outputs, *sums)

    def _of_nothing(self, x: Tensor, parameters: Sequence[Tensor], channel_dim: int) -> tuple[Tensor, ...]:
        """The results for a tensor without elements: sums of nothing."""
        own = dict(zip((name for name, _ in self.sweep.parameters), parameters, strict=True))
        inside = torch.float32 if x.dtype.itemsize < 4 else x.dtype
        sums = []
        for name, of, _ in self.sweep.sums:
            start = -torch.inf if name in self.sweep.maxima else 0.0
            if of in own:
                sums.append(torch.zeros_like(own[of]))
            else:
                count = cells.count_of(self.sweep.granularities[of], x.shape, channel_dim)
                sums.append(x.new_full((count,), start, dtype=inside))
        fixed = self.sweep.fixed
        outputs = [torch.empty_like(x, dtype=inside if name in fixed else x.dtype) for name, _ in self.sweep.outputs]
        return (*outputs, *sums)


def expanded(sweep: Sweep, unplaced: frozenset[str]) -> Sweep:
    """`sweep` with the parameters of some granularities as elements, and the sums for them as outputs."""
    names = [name for name, granularity in sweep.parameters if granularity in unplaced]
    inputs: dict[Expression, Expression] = {Parameter(name): Input(name) for name in names}
    granularities = sweep.granularities
    summed = [(name, value) for name, of, value in sweep.sums if granularities[of] in unplaced]
    # Squared deviations are of what another sum has, which is written for that one.
    outputs = [*sweep.outputs, *((name, value) for name, value in summed if name not in dict(sweep.deviations))]
    sums = [(name, of, value) for name, of, value in sweep.sums if granularities[of] not in unplaced]
    return replace(
        sweep,
        elements=(*sweep.elements, *names),
        parameters=tuple(given for given in sweep.parameters if given[1] not in unplaced),
        totals=tuple(given for given in sweep.totals if given[1] not in unplaced),
        outputs=tuple((name, substitute(value, inputs)) for name, value in outputs),
        sums=tuple((name, of, substitute(value, inputs)) for name, of, value in sums),
        deviations=tuple(pair for pair in sweep.deviations if any(pair[0] == name for name, _, _ in sums)),
    )
