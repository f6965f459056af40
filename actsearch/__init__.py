"""actsearch: find a better activation function for a model and a budget, and take it away as one module."""

from __future__ import annotations

__version__ = "0.1.0"
