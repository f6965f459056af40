"""What every backend must get right, for its tests and for a user's machine: values and derivatives against float64."""

from actsearch.compile.conformance.case import Case, sample
from actsearch.compile.conformance.cases import cases
from actsearch.compile.conformance.check import TOLERANCES, Finding, check, outputs

__all__ = ["TOLERANCES", "Case", "Finding", "cases", "check", "outputs", "sample"]
