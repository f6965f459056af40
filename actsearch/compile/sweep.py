"""One pass over the elements of tensors, and the pass that is its derivative.

A sweep reads tensors of one shape and parameters, writes tensors of that shape, and sums over the elements that share
a parameter. Its vector-Jacobian product has the same form, so a backward, the backward of that and so on are compiled
like the forward.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from actsearch.compile.derive import gradients
from actsearch.compile.program import Program, lower
from actsearch.grammar.activation import Granularity
from actsearch.grammar.expression import Expression, Input, Parameter
from actsearch.grammar.text import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is read, and what is computed of it.

    `sums` has for each output the parameter over whose elements it is summed. `constants` are run-time numbers.
    `order` counts the derivatives taken: 0 for the forward.
    """

    elements: tuple[str, ...]
    parameters: tuple[tuple[str, Granularity], ...]
    constants: tuple[str, ...]
    outputs: tuple[tuple[str, Expression], ...]
    sums: tuple[tuple[str, str, Expression], ...] = ()
    order: int = 0
    origin: Sweep | None = None
    """What this one is the derivative of, of the order `order`; None for a forward."""

    @property
    def structure(self) -> str:
        """A text that is the same for sweeps that compute the same, whatever the values of their constants."""
        if self.origin is not None:
            return f"derivative {self.order} of {self.origin.structure}"
        outputs = [(name, write(value)) for name, value in self.outputs]
        return repr((self.elements, self.parameters, self.constants, outputs))

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
    for each of its sums. It writes a gradient for each element and sums one for each parameter.
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
    names = [name for name, _ in sweep.parameters]
    found = gradients(seeds, [*map(Input, sweep.elements), *map(Parameter, names)])
    count = len(sweep.elements)
    return Sweep(
        elements=(*sweep.elements, *upstream),
        parameters=(*sweep.parameters, *upstream_sums),
        constants=sweep.constants,
        outputs=tuple((gradient_name(name), value) for name, value in zip(sweep.elements, found[:count], strict=True)),
        sums=tuple((f"d_{name}", name, value) for name, value in zip(names, found[count:], strict=True)),
        order=order,
        origin=sweep.origin or sweep,
    )


def gradient_name(element: str) -> str:
    """What the gradient by an element is called: `dx`, `dgate`, `dupstream`."""
    return f"d{element}"


def _upstream(output: str, order: int) -> str:
    return "upstream" if order == 1 else f"upstream{order}_{output}"
