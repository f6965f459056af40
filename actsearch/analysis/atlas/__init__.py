"""The atlas of the catalog: which functions are the same, contain each other, or are each other's limits."""

from actsearch.analysis.atlas.page import digest, render
from actsearch.analysis.atlas.relations import Relation, relations

__all__ = ["Relation", "digest", "relations", "render"]
