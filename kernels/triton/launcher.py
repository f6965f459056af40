"""The launcher of one sweep's kernel: the holes of the lower half of `sweep.py.in`."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from actsearch.compile.backend import sibling

LAYOUT = sibling(__file__, "layout")
LINES = sibling(__file__, "lines")
_INDENT = " " * 4
_ABOUT = (
    "y, of the shape, dtype and device of x.",
    "The gradients by each input and by each parameter; two runs give the same bits.",
    "The gradients by all that the sweep before it reads; two runs give the same bits.",
)


def holes(kernel: Any) -> Mapping[str, str]:
    """What goes into the holes of the launcher of a `Kernel`."""
    name = kernel.name
    names, sweep, layout = kernel.names, kernel.sweep, kernel.layout
    has_channels = any(granularity == "channel" for _, granularity in sweep.parameters)
    given = [*sweep.elements, *names.parameters.values(), *names.constants.values(), "channel_dim=1"]
    tensors = [*kernel.elements, *names.outputs, *(["partials"] if sweep.sums else [])]
    launched = [*tensors, *(names.parameters[name] for name in kernel.parameters), *kernel.constants]
    # The outputs are like x, so x is made dense even if the kernel does not read it.
    read = dict.fromkeys([sweep.elements[0], *kernel.elements])
    return {
        "launch_arguments": LINES.signature(given, len(f"def _launch_{name}():")),
        "about": _ABOUT[min(sweep.order, 2)],
        "dense": LINES.indented(f"{element} = {element}.contiguous()" for element in read),
        "allocate": LINES.indented(f"{output} = torch.empty_like(x)" for output in names.outputs),
        "slots": "slots" if sweep.sums else "_",
        "channel_dim": "channel_dim" if has_channels or layout is not LAYOUT.ELEMENTS else "None",
        "allocate_partials": LINES.indented(_allocate_partials(kernel)),
        "launch": LINES.call(
            f"_{name}[(programs,)]", [*launched, "*sizes", "**tile", "PTX=_PTX", "**_OPTIONS"], _INDENT * 3
        ),
        "returned": LINES.indented(_returned(kernel)),
    }


def _allocate_partials(kernel: Any) -> list[str]:
    if not kernel.sweep.sums:
        return []
    shape = string.Template(kernel.layout.partials_shape).substitute(count=len(kernel.sweep.sums))
    return [f"partials = torch.empty(({shape}), dtype=torch.float32, device=x.device)"]


def _returned(kernel: Any) -> list[str]:
    names, sweep, layout = kernel.names, kernel.sweep, kernel.layout
    if sweep.order == 0:
        return [f"return {names.outputs[0]}"]
    granularities = dict(sweep.parameters)
    lines = ["sums = partials.sum(0)"] if sweep.sums and layout.sums_first else []
    terms = list(names.outputs)
    for index, (_, of, _) in enumerate(sweep.sums):
        total = string.Template(layout.totals[granularities[of]]).substitute(index=index)
        own = names.parameters[of]
        terms.append(f"{total}.to({own}.dtype).reshape({own}.shape)")
    found = f"({terms[0]},)" if len(terms) == 1 else LINES.values(terms, _INDENT, len("return "))
    return [*lines, f"return {found}"]
