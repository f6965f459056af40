"""Every error a user can cause: one base, one class per stage, each a single sentence.

A failed candidate is not an error but a value (`actsearch.outcome`); a bug of ours is a plain traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ActsearchError(Exception):
    """Base of all errors caused by input; the command line prints it and exits with code 2."""


class ParseError(ActsearchError, ValueError):
    """An expression or parameter that is not in the language."""


class UnknownNameError(ActsearchError, LookupError):
    """A name of a space, task, strategy, backend, profile, candidate ... that nothing has."""


class SpaceError(ActsearchError, ValueError):
    """A search-space file that is malformed; says file, line and what was expected."""


class ConfigError(ActsearchError, ValueError):
    """A setting, budget or profile that cannot be used."""


class StoreError(ActsearchError, OSError):
    """A store that cannot be read or written."""


class SearchStateError(ActsearchError, RuntimeError):
    """A search asked to do what its state forbids, such as resuming one that runs."""


class UnsupportedError(ActsearchError, NotImplementedError):
    """A part of the language that the chosen backend or format cannot do (yet)."""


class TaskError(ActsearchError, ValueError):
    """A task file that cannot be used."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for an unknown `name` of a `kind`, naming at most three known ones: the nearest if any is near."""
    names = {known_name.lower(): known_name for known_name in sorted(known)}
    nearest = [names[near] for near in difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)]
    shown = name if len(name) <= 80 else name[:77] + "..."
    return UnknownNameError(f"unknown {kind} {shown!r}: {_hint(nearest, list(names.values()))}")


def _hint(nearest: list[str], names: list[str]) -> str:
    if nearest:
        return f"did you mean {', '.join(nearest)}?"
    if not names:
        return "there are none."
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"known: {', '.join(names[:3])}{more}."
