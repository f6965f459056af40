"""From an activation to the sweeps that a backend compiles: the driver that reads as its passes."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from actsearch.compile.parameters import swept
from actsearch.compile.printing import identifiers
from actsearch.compile.program import Lifted, lift
from actsearch.compile.stability import stabilise
from actsearch.compile.sweep import Sweep
from actsearch.compile.symbolic import share, to_sympy
from actsearch.errors import UnsupportedError
from actsearch.grammar.activation import Activation
from actsearch.grammar.expression import Apply, Constant, Expression, Input, Parameter, distinct, fold, substitute
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.statistic import between_statistics, statistic_of, statistics, with_primitives
from actsearch.grammar.text import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An activation in stable form, for training or evaluation.

    `batch` has the statistics over the batch that it takes by the text under which their running estimates are kept.
    `noise` names inputs that are drawn from [0, 1), anew for each call in training.
    """

    expression: Expression
    batch: tuple[tuple[str, Apply], ...]
    noise: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The forward sweep of an activation, and the values of its constants.

    `batch` and `noise` are as in `Prepared`, but that in evaluation a parameter stands for each running estimate.
    """

    sweep: Sweep
    constants: tuple[tuple[str, float], ...]
    batch: tuple[tuple[str, Expression], ...] = ()
    noise: tuple[str, ...] = ()


def prepare(activation: Activation, *, gain: float = 1.0, training: bool = True) -> Prepared:
    """`gain` times the activation in stable form.

    In training what is drawn is said by elements of noise, in evaluation it is the expectation.
    """
    expression = with_primitives(scaled(activation, gain))
    texts = [write(node) for node in _over_batch(expression)]
    expression, noise = _drawn(expression) if training else (expression, ())
    # A choice may stand in a statistic, which is in its place still.
    batch = _over_batch(expression)
    stable, became = between_statistics(expression, stabilise)
    found = ((text, became[node]) for text, node in zip(texts, batch, strict=True))
    return Prepared(expression=stable, batch=tuple(found), noise=noise)


@functools.lru_cache(maxsize=256)
def stage(activation: Activation, *, gain: float = 1.0, training: bool = True) -> Staged:
    """The forward sweep of `gain` times the activation: in stable form, its non-integer constants being arguments."""
    prepared = prepare(activation, gain=gain, training=training)
    running: dict[Expression, Expression] = {}
    if not training:
        running = {node: Parameter(f"_running{index}") for index, (_, node) in enumerate(prepared.batch)}
    lifted = lift(substitute(prepared.expression, {**_entries(activation), **running}))
    batch: dict[Expression, Expression] = running
    if training and prepared.batch:
        # Both substitution and lifting leave every statistic in its place.
        batch = dict(zip(statistics(prepared.expression), statistics(lifted.expression), strict=True))
    return replace(
        _staged(activation, lifted, prepared.noise, [node.name for node in running.values()]),  # type: ignore[attr-defined]
        batch=tuple((text, batch[node]) for text, node in prepared.batch),
    )


def stage_embedded(activation: Activation, *, gain: float = 1.0) -> Staged:
    """The forward sweep of `gain` times the activation for an exported file: only the gain is an argument."""
    refuse_beyond_one_input(activation)
    lifted = gain_as_argument(activation, gain)
    expression = substitute(lifted.expression, _entries(activation))
    return _staged(activation, replace(lifted, expression=stabilise(expression)))


def gain_as_argument(activation: Activation, gain: float) -> Lifted:
    """The activation times an argument called `gain`."""
    name = identifiers(["gain"], [spec.name for spec in activation.parameters])["gain"]
    return Lifted(expression=Apply("multiply", (Parameter(name), activation.expression)), constants=((name, gain),))


def inputs_of(activation: Activation) -> tuple[str, ...]:
    """The names of the tensors that a compiled activation takes: x, whose shape the result has, then gate if read."""
    return ("x", "gate") if "gate" in activation.inputs else ("x",)


def told_to(activation: Activation) -> tuple[str, ...]:
    """What a call has to know beside tensors and numbers: of `channel_dim` and `training` what its function reads."""
    axes = {found.axis for node in activation.statistics if (found := statistic_of(node.operator))}
    along = ("channel_dim",) if axes & {"batch", "instance", "group"} else ()
    return (*along, *(("training",) if "batch" in axes or activation.is_stochastic else ()))


def scaled(activation: Activation, gain: float) -> Expression:
    """The expression of `gain` times the activation, otherwise as it stands."""
    return activation.expression if gain == 1 else Apply("multiply", (Constant(float(gain)), activation.expression))


def refuse_beyond_one_input(activation: Activation) -> None:
    """Raise `UnsupportedError` for what generated files cannot say: a second input, arrays, statistics, groups."""
    part = "an activation of two inputs (x and gate)" if "gate" in activation.inputs else None
    part = part or activation.unsupported_by_pointwise(("layer", "channel"))
    if part:
        raise UnsupportedError(f"{part} is not supported here by this version: {activation.text[:60]!r}.")


def _over_batch(expression: Expression) -> list[Apply]:
    """The statistics over the batch, those inside others before them."""
    found = [(node, statistic_of(node.operator)) for node in statistics(expression)]
    return [node for node, statistic in found if statistic is not None and statistic.axis == "batch"]


def _drawn(expression: Expression) -> tuple[Expression, tuple[str, ...]]:
    """`expression` with what is drawn said by noise, the same for equal subtrees; the names of the noise."""
    names: dict[Expression, str] = {}

    def apply(operator: str, arguments: list[Expression]) -> Expression:
        node = Apply(operator, tuple(arguments))
        drawn = OPERATORS[operator].drawn if operator in OPERATORS else None
        return drawn(Input(names.setdefault(node, f"noise{len(names)}")), *arguments) if drawn else node

    return fold(expression, lambda leaf: leaf, apply), tuple(names.values())


def _staged(activation: Activation, lifted: Lifted, noise: tuple[str, ...] = (), running: Iterable[str] = ()) -> Staged:
    names = _entry_names(activation)
    read = {node.name for node in distinct([lifted.expression]) if isinstance(node, Parameter)}
    estimates = tuple(name for name in running if name in read)
    sweep = Sweep(
        elements=(*inputs_of(activation), *noise),
        parameters=(
            *((name, swept(spec.granularity)) for spec in activation.parameters for name in names[spec.name]),
            *((name, "channel") for name in estimates),
        ),
        constants=tuple(name for name, _ in lifted.constants),
        outputs=(("y", lifted.expression),),
        fixed=frozenset((*noise, *estimates)),
    )
    return Staged(sweep=sweep, constants=lifted.constants, noise=noise)


def _entries(activation: Activation) -> dict[Expression, Expression]:
    """For each entry of an array the parameter that a sweep has for it."""
    names = _entry_names(activation)
    return {
        Parameter(spec.name, index): Parameter(name)
        for spec in activation.parameters
        for index, name in enumerate(names[spec.name])
        if spec.length is not None
    }


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
