"""What a generated file calls the tensors, parameters and numbers of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actsearch.compile.printing import identifiers
from actsearch.compile.sweep import Sweep

# What the skeletons and the printed mathematics use for themselves.
_RESERVED = frozenset(
    "tl torch triton float program programs offsets mask count row rows column columns sample channel channels "  # noqa: SIM905
    "channel_dim inner outer slot slots partials sums sizes tile partials_pointer LONG WHOLE BLOCK ROWS COLUMNS LAST "
    "block kinds PTX".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Identifiers by the name in the sweep; elements and outputs keep theirs."""

    elements: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, str]
    constants: Mapping[str, str]
    sums: Mapping[str, str]
    pointers: Mapping[str, str]
    """Of elements, outputs, parameters and sums."""

    @property
    def values(self) -> Mapping[str, str]:
        """Of parameters and constants."""
        return {**self.parameters, **self.constants}


def names_of(sweep: Sweep) -> Names:
    """Identifiers that clash neither with each other nor with what the skeletons use."""
    outputs = tuple(name for name, _ in sweep.outputs)
    tensors = (*sweep.elements, *outputs)
    given = [name for name, _ in sweep.parameters]
    pointers = {name: f"{name}_pointer" for name in tensors}
    taken = {*_RESERVED, *tensors, *pointers.values()}
    values = identifiers([*given, *sweep.constants], taken)
    taken |= set(values.values())
    for name in given:
        pointer = f"{values[name]}_pointer"
        pointers[name] = identifiers([pointer], taken)[pointer]
        taken.add(pointers[name])
    sums = identifiers([name for name, _, _ in sweep.sums], taken)
    pointers |= {name: f"{sums[name]}_pointer" for name, _, _ in sweep.sums if name not in pointers}
    return Names(
        elements=sweep.elements,
        outputs=outputs,
        parameters={name: values[name] for name in given},
        constants={name: values[name] for name in sweep.constants},
        sums=sums,
        pointers=pointers,
    )
