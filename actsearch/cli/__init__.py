"""The command line: one command group a file. Bad input is one sentence and exit code 2."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

import typer

from actsearch.cli import (
    candidates,
    catalog,
    code,
    function_table,
    inventory,
    novelty,
    results,
    searches,
    services,
    spaces,
)
from actsearch.errors import ActsearchError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, or that has no more room for this user."""

app = typer.Typer(
    name="actsearch",
    help="Find a better activation function for a model and a budget, and take it away as one module.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    searches,
    results,
    candidates,
    code,
    catalog,
    novelty,
    spaces,
    inventory,
    function_table,
    services,
):
    group.add_to(app)


def main() -> None:
    """Entry point of the `actsearch` command."""
    try:
        try:
            app()
        finally:
            # What is left in the buffer: at exit nobody could say any more that there is no room for it.
            if sys.stdout is not None:  # As a program whose standard output is closed has it.
                sys.stdout.flush()
    except ActsearchError as error:
        # One line, whatever a library's own message that is quoted in it looks like.
        print("actsearch: " + str(error).replace("\n", " "), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("actsearch: interrupted.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`head`, a pager) has had enough.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        what = f"{error.filename!r}" if error.filename else "the output"
        with suppress(OSError):
            print(f"actsearch: {what} cannot be written: {error.strerror}.", file=sys.stderr)
        # Python writes what is in the buffer once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
