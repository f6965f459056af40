"""Quotients both of whose sides overflow, scaled so that neither does.

A quotient of polynomials in u is homogeneous in u and 1: with r = 1/max(1, |u|) and s = u*r, each side is its value at
s and r times a power of r, and within bounds. The same holds of several u at once, with the largest, and of
exponentials, with r = exp(-m) and exp(u)*r = exp(u - m). Every r gives the same value, so it stands in `detach` and
the derivative is exact, kinks included.
"""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.compile.stability.factors import Product, argument, is_applied
from actsearch.grammar.expression import Apply, Constant, Expression, Input, call, walk

LARGEST_DEGREE = 8
"""1e4 to this degree, times coefficients up to 1e6, is a float32."""
_MOST_ATOMS = 3
_LINEAR = frozenset({"negative", "abs", "relu"})
_SUMS = frozenset({"add", "subtract", "maximum", "minimum"})
_BOUNDED = frozenset(
    {
        "atan", "cos", "equal", "erf", "erfc", "greater", "hardsigmoid", "hardtanh", "i0e", "i1e", "normal_cdf",
        "relu6", "sigmoid", "sign", "sin", "sinc", "softsign", "tanh",
    }
)  # fmt: skip
_NOT_NEGATIVE = frozenset({"abs", "relu", "softplus", "square", "exp", "cosh"})


@dataclass(frozen=True, slots=True)
class _Scaled:
    """An expression as `value / r**degree`."""

    degree: int
    value: Expression


class _InhomogeneousError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Scale:
    """How expressions are scaled: by what, and what becomes of the atoms."""

    reciprocal: Expression
    itself: Expression
    atoms: dict[Expression, Expression]
    others_are_constant: bool

    def power(self, exponent: int) -> Expression:
        """1/r to this power."""
        base = self.itself if exponent > 0 else self.reciprocal
        return base if abs(exponent) == 1 else base ** abs(exponent)

    def of(self, node: Expression) -> _Scaled:
        """`node`, scaled. Raises `_InhomogeneousError`."""
        if node in self.atoms:
            return _Scaled(1, self.atoms[node])
        if self.is_constant(node):
            return _Scaled(0, node)
        if not isinstance(node, Apply):
            raise _InhomogeneousError
        if node.operator in _SUMS:
            parts = [self.of(part) for part in node.arguments]
            degree = max(part.degree for part in parts)
            return _Scaled(degree, Apply(node.operator, tuple(self._raised(part, degree) for part in parts)))
        if node.operator in _LINEAR:
            part = self.of(node.arguments[0])
            return _Scaled(part.degree, Apply(node.operator, (part.value,)))
        product = Product.of(node)
        if product.is_sound and product.key != frozenset({(node, 1)}):
            return self.product(product)
        raise _InhomogeneousError

    def product(self, product: Product) -> _Scaled:
        """A product, scaled factor by factor."""
        degree, result = 0, Product(product.coefficient)
        for base, exponent in product.factors.items():
            part = self.of(base)
            degree += part.degree * exponent
            # What is scaled stays whole: u**9 and r**9 by themselves overflow.
            (result.times if part.degree else result.include)(part.value, exponent)
        return _Scaled(degree, result.expression())

    def is_constant(self, node: Expression) -> bool:
        """Whether nothing in `node` is scaled."""
        if isinstance(node, Apply) and not self.others_are_constant and node.operator in _BOUNDED:
            return True
        kinds = tuple(self.atoms) if self.others_are_constant else ()
        return not any(part in kinds or (not kinds and isinstance(part, Input)) for part in walk(node))

    def _raised(self, part: _Scaled, degree: int) -> Expression:
        # A term of lower degree than its sum has the difference in powers of r.
        if part.degree == degree:
            return part.value
        power = self.power(part.degree - degree)
        return power if part.value == Constant(1.0) else part.value * power


def stable_quotient(node: Expression) -> Expression:
    """`node`, scaled if it is a quotient both of whose sides may overflow; else itself."""
    whole = Product.of(node)
    outside = {base: n for base, n in whole.factors.items() if any(is_applied(part, "detach") for part in walk(base))}
    product = Product(whole.coefficient, {base: n for base, n in whole.factors.items() if base not in outside})
    below = [base for base, exponent in product.factors.items() if exponent < 0 and _is_sum(base)]
    if not below or not whole.is_sound:
        return node
    try:
        if any(_exponentials(base) for base in below):
            result = _scaled_exponentials(product)
        else:
            result = _scaled_polynomials(product, below)
    except _InhomogeneousError:
        return node
    for base, exponent in outside.items():
        result.times(base, exponent)
    return result.expression()


def _scaled_exponentials(product: Product) -> Product:
    atoms = sorted({part for base in product.factors for part in walk(base) if is_applied(part, "exp")}, key=repr)
    if len(atoms) > _MOST_ATOMS:
        raise _InhomogeneousError
    largest: Expression = Constant(0.0)
    for atom in atoms:
        largest = call.maximum(argument(atom), largest)
    m = call.detach(largest)
    scale = _Scale(
        reciprocal=call.exp(-m),
        itself=call.exp(m),
        atoms={atom: call.exp(argument(atom) - m) for atom in atoms},
        others_are_constant=True,
    )
    return _finished(scale, product)


def _scaled_polynomials(product: Product, below: list[Expression]) -> Product:
    atoms = set[Expression]().union(*map(_polynomial_atoms, below))
    if not 0 < len(atoms) <= _MOST_ATOMS:
        raise _InhomogeneousError
    largest: Expression = Constant(1.0)
    for atom in sorted(atoms, key=repr):
        largest = call.maximum(call.abs(atom), largest)
    r = call.detach(1 / largest)
    scale = _Scale(
        reciprocal=r,
        itself=call.detach(largest),
        atoms={atom: atom * r for atom in atoms},
        others_are_constant=False,
    )
    inside = {base: n for base, n in product.factors.items() if _polynomial_atoms(base) <= atoms}
    degrees = [scale.of(base).degree * n for base, n in inside.items()]
    if max(sum(d for d in degrees if d > 0), -sum(d for d in degrees if d < 0)) <= LARGEST_DEGREE:
        raise _InhomogeneousError
    result = _finished(scale, Product(product.coefficient, inside))
    for base, exponent in product.factors.items():
        if base not in inside:
            result.times(base, exponent)
    return result


def _finished(scale: _Scale, product: Product) -> Product:
    scaled = scale.product(product)
    result = Product.of(scaled.value)
    if scaled.degree:
        result.include(scale.power(scaled.degree))
    return result


def _is_sum(base: Expression) -> bool:
    return isinstance(base, Apply) and base.operator in _SUMS


def _polynomial_atoms(node: Expression) -> set[Expression]:
    """The smallest parts of `node` that it is a homogeneous function of, with constants."""
    if not isinstance(node, Apply):
        return {node} if isinstance(node, Input) else set()
    if node.operator in _BOUNDED:
        return set()
    parts: list[Expression]
    if node.operator in _SUMS | _LINEAR:
        parts = list(node.arguments)
    else:
        parts = list(Product.of(node).factors)
        if parts == [node]:
            return {node} if any(isinstance(part, Input) for part in walk(node)) else set()
    return set().union(*(_polynomial_atoms(part) for part in parts))


def _exponentials(node: Expression) -> bool:
    """Whether there is an exponential in a sum whose argument has no upper bound that can be seen."""
    if not isinstance(node, Apply):
        return False
    if node.operator == "exp":
        return not _is_bounded_above(argument(node))
    parts = list(node.arguments) if node.operator in _SUMS | _LINEAR else list(Product.of(node).factors)
    return parts != [node] and any(map(_exponentials, parts))


def _is_bounded_above(u: Expression) -> bool:
    product = Product.of(u)
    if len(product.factors) != 1:
        return not product.factors
    (base, exponent), = product.factors.items()  # fmt: skip
    if isinstance(base, Apply) and base.operator in _BOUNDED and exponent > 0:
        return True
    not_negative = exponent % 2 == 0 or (isinstance(base, Apply) and base.operator in _NOT_NEGATIVE)
    return product.coefficient < 0 and not_negative and exponent > 0
