"""Novelty: which catalog function is nearest, up to input and output scaling and shift, parameters and their limits.

    query -> same formula? -> screen against a table of all entries -> fit the best -> simplest numbers -> verdict

Only pointwise functions of `x` with scalar parameters are compared by value; any other function, entry or query, by its
normal form alone.
"""

from actsearch.analysis.novelty.match import CLOSE, KNOWN, Match, Novelty
from actsearch.analysis.novelty.query import novelty

__all__ = ["CLOSE", "KNOWN", "Match", "Novelty", "novelty"]
