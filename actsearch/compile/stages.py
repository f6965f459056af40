"""From an activation to the sweeps that a backend compiles: the driver that reads as its passes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from actsearch.compile.parameters import swept
from actsearch.compile.printing import identifiers
from actsearch.compile.program import Lifted, lift
from actsearch.compile.stability import stabilise
from actsearch.compile.sweep import Sweep
from actsearch.compile.symbolic import share, to_sympy
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Apply, Constant, Expression, Parameter, substitute
from actsearch.grammar.text import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The forward sweep of an activation, and the values of its constants."""

    sweep: Sweep
    constants: tuple[tuple[str, float], ...]


def stage(activation: Activation, *, gain: float = 1.0) -> Staged:
    """The forward sweep of `gain` times the activation: in stable form, its non-integer constants being arguments.

    Raises `UnsupportedError` for an activation with statistics.
    """
    return _staged(activation, lift(stabilise(scaled(activation, gain))))


def stage_embedded(activation: Activation, *, gain: float = 1.0) -> Staged:
    """The forward sweep of `gain` times the activation for an exported file: only the gain is an argument."""
    refuse_beyond_one_input(activation)
    lifted = gain_as_argument(activation, gain)
    return _staged(activation, replace(lifted, expression=stabilise(lifted.expression)))


def gain_as_argument(activation: Activation, gain: float) -> Lifted:
    """The activation times an argument called `gain`."""
    name = identifiers(["gain"], [spec.name for spec in activation.parameters])["gain"]
    return Lifted(expression=Apply("multiply", (Parameter(name), activation.expression)), constants=((name, gain),))


def inputs_of(activation: Activation) -> tuple[str, ...]:
    """The names of the tensors that a compiled activation takes: x, whose shape the result has, then gate if read."""
    return ("x", "gate") if "gate" in activation.inputs else ("x",)


def scaled(activation: Activation, gain: float) -> Expression:
    """The expression of `gain` times the activation, otherwise as it stands."""
    return activation.expression if gain == 1 else Apply("multiply", (Constant(float(gain)), activation.expression))


def refuse_beyond_one_input(activation: Activation) -> None:
    """Raise `UnsupportedError` for what generated files cannot say: a second input, arrays, statistics, groups."""
    part = "an activation of two inputs (x and gate)" if "gate" in activation.inputs else None
    part = part or activation.unsupported_by_pointwise(("layer", "channel"))
    if part:
        raise UnsupportedError(f"{part} is not supported here by this version: {activation.text[:60]!r}.")


def _staged(activation: Activation, lifted: Lifted) -> Staged:
    for statistic in activation.statistics:
        raise UnsupportedError(
            f"statistics such as {write(statistic)[:60]} are computed by the backend torch only in this version."
        )
    names = _entry_names(activation)
    leaves: dict[Expression, Expression] = {
        Parameter(spec.name, index): Parameter(name)
        for spec in activation.parameters
        for index, name in enumerate(names[spec.name])
        if spec.length is not None
    }
    sweep = Sweep(
        elements=inputs_of(activation),
        parameters=tuple(
            (name, swept(spec.granularity)) for spec in activation.parameters for name in names[spec.name]
        ),
        constants=tuple(name for name, _ in lifted.constants),
        outputs=(("y", substitute(lifted.expression, leaves) if leaves else lifted.expression),),
    )
    return Staged(sweep=sweep, constants=lifted.constants)


def _entry_names(activation: Activation) -> dict[str, tuple[str, ...]]:
    """For each parameter its name, or a name for each entry of an array."""
    given = [spec.name for spec in activation.parameters]
    names = {}
    for spec in activation.parameters:
        own = [f"{spec.name}_{index}" for index in range(spec.length or 0)]
        # No parameter begins with an underscore, so that is nobody's name.
        names[spec.name] = tuple(name if name not in given else f"_{name}" for name in own) or (spec.name,)
    return names


def shared(sweep: Sweep) -> Sweep:
    """The sweep with what its results have in common being the same subtrees, as sympy finds them."""
    found = dict(zip(sweep.results, share(map(to_sympy, sweep.results.values()), sweep.elements), strict=True))
    return replace(
        sweep,
        outputs=tuple((name, found[name]) for name, _ in sweep.outputs),
        sums=tuple((name, of, found[name]) for name, of, _ in sweep.sums),
    )
