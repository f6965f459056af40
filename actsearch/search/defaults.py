"""Defaults of a search, apart so that the command line's help loads nothing heavy."""

from __future__ import annotations

TASK = "digits"
STRATEGY = "auto"
WORKERS = "laptop"
BUDGET = "10m"
