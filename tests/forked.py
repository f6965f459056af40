"""Processes that are forked from one that has imported everything and done nothing, which saves each four seconds."""

from __future__ import annotations

import multiprocessing

FORKED = multiprocessing.get_context("forkserver")
# pytest, because every child imports the main module of its parent; torch._dynamo, because torch's optimisers do.
FORKED.set_forkserver_preload([
    "pytest", "actsearch.cli", "actsearch.search.launch", "actsearch.export.winner", "torch._dynamo",
])  # fmt: skip
