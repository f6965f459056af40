"""What a layer keeps for its backward: derived from its expression, within a stated gradient error."""

from actsearch.compile.saving.choice import AUTO, BUDGETS, INPUT, OUTPUT, check, error_of, plan_of
from actsearch.compile.saving.keeping import Keeping
from actsearch.compile.saving.report import describe, saved_bits

__all__ = ["AUTO", "BUDGETS", "INPUT", "OUTPUT", "Keeping", "check", "describe", "error_of", "plan_of", "saved_bits"]
