"""The catalog: functions with a name, from the YAML files in `data/`."""

from actsearch.analysis.catalog.entry import FAMILIES, Alias, Entry, Family
from actsearch.analysis.catalog.library import catalog, find, functions, look_up, names

__all__ = ["FAMILIES", "Alias", "Entry", "Family", "catalog", "find", "functions", "look_up", "names"]
