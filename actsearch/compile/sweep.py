"""What is computed of tensors, and what is the derivative of that.

A sweep reads tensors of one shape and parameters, writes tensors of that shape, and sums over the elements that share
a parameter. Its vector-Jacobian product has the same form, so a backward, the backward of that and so on are compiled
like the forward. A sweep without statistics is one pass over the elements; `schedule` makes passes of one with them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from actsearch.compile.derive import gradients
from actsearch.compile.program import Program, lower
from actsearch.compile.statistics.cells import Operation
from actsearch.grammar.activation import Granularity
from actsearch.grammar.expression import Expression, Input, Parameter
from actsearch.grammar.statistic import statistics
from actsearch.grammar.text import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is read, and what is computed of it.

    `sums` has for each output the parameter over whose elements it is summed, or one of `totals`, which has a name and
    a granularity as parameters do; the largest is taken for those of `maxima`. Each of `deviations` has what another
    sum has, which it names, and sums the squared deviations from the mean of that. `constants` are run-time numbers.
    Nobody asks for a derivative by those elements and parameters that are `fixed`; elements and outputs among them are
    in the dtype that is computed in. `order` counts the derivatives taken: 0 for the forward.
    """

    elements: tuple[str, ...]
    parameters: tuple[tuple[str, Granularity], ...]
    constants: tuple[str, ...]
    outputs: tuple[tuple[str, Expression], ...]
    sums: tuple[tuple[str, str, Expression], ...] = ()
    totals: tuple[tuple[str, Granularity], ...] = ()
    maxima: frozenset[str] = frozenset()
    deviations: tuple[tuple[str, str], ...] = ()
    fixed: frozenset[str] = frozenset()
    is_part: bool = False
    """Whether it is one of the passes of another one."""
    order: int = 0
    origin: Sweep | None = None
    """What this one is the derivative of, of the order `order`; None for a forward."""

    @property
    def structure(self) -> str:
        """A text that is the same for sweeps that compute the same, whatever the values of their constants."""
        if self.origin is not None:
            return f"derivative {self.order} of {self.origin.structure}"
        outputs = [(name, write(value)) for name, value in self.outputs]
        sums = [(name, of, write(value), self.operation(name)) for name, of, value in self.sums]
        return repr((self.elements, self.parameters, self.totals, self.constants, outputs, sums, sorted(self.fixed)))

    @property
    def has_statistics(self) -> bool:
        """Whether some result has statistics in it."""
        return any(statistics(value) for value in self.results.values())

    @property
    def granularities(self) -> dict[str, Granularity]:
        """That of each parameter and total."""
        return dict((*self.parameters, *self.totals))

    def operation(self, name: str) -> Operation:
        """What is done with the terms of a sum."""
        return "max" if name in self.maxima else "deviations" if name in dict(self.deviations) else "sum"

    @property
    def results(self) -> dict[str, Expression]:
        """Every output's expression by name, the sums' ones as they are before they are summed."""
        return {**dict(self.outputs), **{name: value for name, _, value in self.sums}}

    def program(self, *, kept: frozenset[str] = frozenset(), exact: bool = False) -> Program:
        """All outputs in primitives and the operators `kept`; see `lower`."""
        return lower(self.results, kept=kept, exact=exact)


@functools.lru_cache(maxsize=256)
def vjp(sweep: Sweep) -> Sweep:
    """The vector-Jacobian product: from what `sweep` reads and the gradients by what it writes, those by what it reads.

    It reads the elements of `sweep` and then a gradient for each of its outputs; its parameters and then a gradient
    for each of its sums. It writes a gradient for each element and sums one for each parameter, but for fixed ones.
    """
    granularities = dict(sweep.parameters)
    order = sweep.order + 1
    upstream = [_upstream(name, order) for name, _ in sweep.outputs]
    # No parameter begins with an underscore, so these are nobody's names.
    upstream_sums = [(f"_{_upstream(name, order)}", granularities[of]) for name, of, _ in sweep.sums]
    seeds: list[tuple[Expression, Expression]] = [
        (value, Input(name)) for name, (_, value) in zip(upstream, sweep.outputs, strict=True)
    ]
    seeds += [(value, Parameter(name)) for (name, _), (_, _, value) in zip(upstream_sums, sweep.sums, strict=True)]
    elements = [name for name in sweep.elements if name not in sweep.fixed]
    names = [name for name, _ in sweep.parameters if name not in sweep.fixed]
    found = gradients(seeds, [*map(Input, elements), *map(Parameter, names)])
    count = len(elements)
    return Sweep(
        elements=(*sweep.elements, *upstream),
        parameters=(*sweep.parameters, *upstream_sums),
        constants=sweep.constants,
        outputs=tuple((gradient_name(name), value) for name, value in zip(elements, found[:count], strict=True)),
        sums=tuple((f"d_{name}", name, value) for name, value in zip(names, found[count:], strict=True)),
        fixed=sweep.fixed,
        order=order,
        origin=sweep.origin or sweep,
    )


def gradient_name(element: str) -> str:
    """What the gradient by an element is called: `dx`, `dgate`, `dupstream`."""
    return f"d{element}"


def _upstream(output: str, order: int) -> str:
    return "upstream" if order == 1 else f"upstream{order}_{output}"
