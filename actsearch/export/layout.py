"""How an exported file is laid out: skeletons filled, docstrings wrapped."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch.grammar.expression import Expression
from actsearch.grammar.parameter import ParameterSpec
from actsearch.grammar.text import write

LONGEST_LINE = 116
_INDENT = " " * 4


def fill(skeleton: str, holes: Mapping[str, str]) -> str:
    """The file `skeleton` of this folder with its holes filled; a line that is an empty hole is left out."""
    empty = {f"${hole}" for hole, filling in holes.items() if not filling}
    text = Path(__file__).with_name(skeleton).read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() not in empty]
    return string.Template("\n".join(lines)).substitute(holes) + "\n"


def docstring_line(text: str) -> str:
    """`text` as a wrapped line of a docstring, which it cannot end."""
    wrapped = textwrap.wrap(_harmless(text), LONGEST_LINE, initial_indent=_INDENT, subsequent_indent=_INDENT * 2)
    return "\n".join(wrapped)


def docstring_lines(texts: Iterable[str]) -> str:
    """Each of `texts` as `docstring_line`."""
    return "\n".join(map(docstring_line, texts))


def first_line(text: str, indent: str = "") -> str:
    """`text` as the first lines of a docstring."""
    return "\n".join(textwrap.wrap(_harmless(text), LONGEST_LINE - len(indent), subsequent_indent=indent + _INDENT))


def head(name: str, arguments: Sequence[str]) -> str:
    """The line that begins the method `name`, or a line an argument where that is too long."""
    line = f"{_INDENT}def {name}({', '.join(['self', *arguments])}):"
    if len(line) <= LONGEST_LINE + len(_INDENT):
        return line
    lines = (f"{_INDENT * 2}{argument}," for argument in ("self", *arguments))
    return "\n".join([f"{_INDENT}def {name}(", *lines, f"{_INDENT}):"])


def facts(
    *,
    expression: str,
    parameters: Iterable[ParameterSpec],
    gain: float | Sequence[float],
    identity: str,
    lineage: Mapping[str, Any],
    version: str,
) -> str:
    """What the header of a file says of a winner."""
    said = ", ".join(_initial(spec) for spec in parameters)
    found: dict[str, Any] = {
        "expression": expression,
        **({"parameters": said} if said else {}),
        "gain": repr(gain) if isinstance(gain, float) else ", ".join(map(repr, gain)),
        "hash": identity,
        **lineage,
        "made by": f"actsearch {version}",
    }
    return docstring_lines(f"{key}: {value}" for key, value in found.items())


def derivatives(found: Mapping[str, Expression]) -> str:
    """Comments that say the derivatives of y by what `found` names."""
    first, others = f"{_INDENT}# ", f"{_INDENT}#     "
    lines = (f"dy/d{name} = gain * ({write(value)})" for name, value in found.items())
    wrapped = (textwrap.wrap(line, LONGEST_LINE, initial_indent=first, subsequent_indent=others) for line in lines)
    return "\n".join(part for parts in wrapped for part in parts)


def _initial(spec: ParameterSpec) -> str:
    initial = list(spec.initial) if isinstance(spec.initial, tuple) else spec.initial
    return f"{spec.name} = {initial!r} per {spec.granularity}{', shared by sites' if spec.shared else ''}"


def _harmless(text: str) -> str:
    return text.replace("\\", "/").replace('"""', "'''")
