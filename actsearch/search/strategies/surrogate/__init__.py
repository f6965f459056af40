"""The surrogate: a model of scores over what can be said of a function without training it."""

from actsearch.search.strategies.surrogate.album import album_of
from actsearch.search.strategies.surrogate.model import spread_out
from actsearch.search.strategies.surrogate.search import Surrogate, SurrogateSettings

__all__ = ["Surrogate", "SurrogateSettings", "album_of", "spread_out"]
