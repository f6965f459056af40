"""Lines of generated Python, laid out as a formatter would."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

# An exported module has the kernels indented by 4 more.
_LONGEST = 116
_STEP = "    "


def call(head: str, arguments: Sequence[str], indent: str = "") -> str:
    """`head(arguments)` on one line, or its arguments on a line of their own, or each of them."""
    line = ", ".join(arguments)
    if len(indent) + len(head) + len(line) + 2 <= _LONGEST:
        return f"{head}({line})"
    inner = indent + _STEP
    if len(inner) + len(line) <= _LONGEST:
        return f"{head}(\n{inner}{line}\n{indent})"
    return f"{head}{_each(arguments, indent)}"


def signature(arguments: Sequence[str], head: int) -> str:
    """Arguments of a definition that has `head` characters without them."""
    line = ", ".join(arguments)
    if head + len(line) <= _LONGEST:
        return line
    if len(_STEP) + len(line) <= _LONGEST:
        return f"\n{_STEP}{line}\n"
    return _each(arguments, "")[1:-1]


def values(items: Sequence[str], indent: str, beside: int) -> str:
    """Values on one line that holds `beside` characters beside them, or each on a line of its own."""
    line = ", ".join(items)
    return line if len(indent) + beside + len(line) <= _LONGEST else _each(items, indent)


def comment(text: str) -> list[str]:
    """Lines of a comment in a function."""
    return textwrap.wrap(text, _LONGEST - 4, initial_indent="# ", subsequent_indent="#     ", break_on_hyphens=False)


def indented(lines: Iterable[str]) -> str:
    """Lines as they stand in a function."""
    return "\n".join(f"{_STEP}{line}" for line in lines)


def _each(items: Sequence[str], indent: str) -> str:
    inner = indent + _STEP
    return "(\n" + "".join(f"{inner}{item},\n" for item in items) + f"{indent})"
