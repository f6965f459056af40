"""The operator table: each operator said once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from actsearch.grammar.operators.arithmetic import ARITHMETIC
from actsearch.grammar.operators.bessel import BESSEL
from actsearch.grammar.operators.clipped import CLIPPED
from actsearch.grammar.operators.elementary import ELEMENTARY
from actsearch.grammar.operators.gradient import GRADIENT
from actsearch.grammar.operators.mittag_leffler import MITTAG_LEFFLER
from actsearch.grammar.operators.operator import Operator
from actsearch.grammar.operators.powers import POWERS
from actsearch.grammar.operators.splines import SPLINES
from actsearch.grammar.operators.units import UNITS

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        operator.name: operator
        for operator in (
            *ARITHMETIC,
            *POWERS,
            *ELEMENTARY,
            *BESSEL,
            *MITTAG_LEFFLER,
            *UNITS,
            *CLIPPED,
            *SPLINES,
            *GRADIENT,
        )
    }
)

__all__ = ["OPERATORS", "Operator"]
