"""Gradient search: functions are weighed in mixtures that a network trains."""

from actsearch.search.strategies.gradient.gradient import Gradient, GradientSettings

__all__ = ["Gradient", "GradientSettings"]
