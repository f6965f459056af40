"""A table of many functions trained on small tasks, which strategies and protocols are measured on in seconds."""

from actsearch.evaluate.table.data import Function, Measured, Table

__all__ = ["Function", "Measured", "Table"]
