"""actsearch: find a better activation function for a model and a budget, and take it away as one module.

    import actsearch as a

    f = a.parse("x * sigmoid(beta * x)", beta=1.0)
    layer = f.module()
    result = a.search("swish", task="digits", budget="2m")

Everything loads at first use: importing the package alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from actsearch.analysis.catalog import functions as catalog
    from actsearch.analysis.novelty import novelty
    from actsearch.compile.population import compile_population
    from actsearch.grammar.activation import Activation, ParameterSpec, parse

_HOMES = {
    "Activation": "actsearch.grammar.activation",
    "ParameterSpec": "actsearch.grammar.activation",
    "parse": "actsearch.grammar.activation",
    "compile_population": "actsearch.compile.population",
    "novelty": "actsearch.analysis.novelty",
}
_CALLABLE_PACKAGES = ("search", "evaluate")
"""Subpackages that are also verbs: `actsearch.search(...)`, `actsearch.evaluate(...)`."""

__all__ = [
    "Activation", "ParameterSpec", "__version__", "catalog", "compile_population", "evaluate", "novelty", "parse",
    "search",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "catalog":
        return import_module("actsearch.analysis.catalog").functions
    if name in _CALLABLE_PACKAGES:
        return import_module(f"actsearch.{name}")
    raise AttributeError(f"module 'actsearch' has no attribute {name!r}")
