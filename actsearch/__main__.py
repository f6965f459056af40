"""`python -m actsearch` is the `actsearch` command."""

from __future__ import annotations

from actsearch.cli import main

if __name__ == "__main__":
    main()
