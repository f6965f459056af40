"""The transformer of `stdlib-gpt` without any normalisation: the activation alone keeps the signal in bounds.

Normalisation hides from a network what its activation does to scales. He, Hofmann (2023), Simplifying Transformer
Blocks, arXiv:2311.01906, train transformers without it. All else, data and metric included, is as in `stdlib-gpt`.
"""

from __future__ import annotations

from typing import ClassVar

from actsearch import plugins

_GPT = plugins.load("workers", "stdlib-gpt")


class StdlibGptPlain(_GPT.StdlibGpt):  # type: ignore[misc, name-defined] # found by path, as every plug-in is
    """Predict the next character with a small transformer that has no normalisation."""

    is_normalised: ClassVar[bool] = False
