"""The compiler: derivatives, shared subexpressions, and the backends that make an activation run."""
