"""Enclosures: intervals in which the values and derivatives of an expression lie for certain."""
