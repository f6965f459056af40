"""Rewrites into forms that lose no digits and no infinities on the way, said once for all backends."""

from actsearch.compile.stability.stable import stabilise

__all__ = ["stabilise"]
