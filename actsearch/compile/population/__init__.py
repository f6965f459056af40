"""Populations: many activations compiled together, each on slices of its own of one stacked tensor."""

from actsearch.compile.population.function import PopulationFunction
from actsearch.compile.population.module import Population, compile_population
from actsearch.compile.population.slots import Slot

__all__ = ["Population", "PopulationFunction", "Slot", "compile_population"]
