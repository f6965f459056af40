"""The surrogate: a model of scores over what can be said of a function without training it."""

from actsearch.search.strategies.surrogate.search import Surrogate, SurrogateSettings

__all__ = ["Surrogate", "SurrogateSettings"]
