"""The facts of a function under normally distributed inputs, and in deep networks of such layers."""

from __future__ import annotations

import math

from actsearch.analysis.depth import LAYERS, Depth, Edge, depth, edge_of_chaos, small_signal_edge
from actsearch.analysis.dual import dual
from actsearch.analysis.gaussian import normal_mean, normal_rule, normal_square
from actsearch.analysis.normalising import fixed_point, zero_mean_parameter
from actsearch.analysis.pointwise import Pointwise
from actsearch.analysis.properties.fact import Fact, shown


def signal_facts(function: Pointwise, *, jumps: bool) -> dict[str, Fact]:
    """All of them by name; none if E[f^2] or E[f'^2] is not finite. `jumps`: the function is not continuous.

    They come from a quadrature, so none of them is proven.
    """
    z, w = normal_rule()
    values, slopes = function.response(z)
    square, slope_square = normal_square(values, w), normal_square(slopes, w)
    if not (math.isfinite(square) and math.isfinite(slope_square)):
        return {}
    mean = normal_mean(values, w)
    variance = float(w @ (values - mean) ** 2)
    moments = {
        "mean": mean, "std": math.sqrt(variance), "mean_square": square, "slope_mean_square": slope_square,
    }  # fmt: skip
    facts = {
        "moments": _fact(
            moments, f"mean {shown(mean)}, std {shown(math.sqrt(variance))}, E f^2 {shown(square)}, "
            f"E f'^2 {shown(slope_square)}",
        ),
    }  # fmt: skip
    if square > 0 and variance > 1e-24 * square:
        gains = {"second_moment": 1 / math.sqrt(square), "variance": 1 / math.sqrt(variance)}
        facts["gains"] = _fact(
            gains, f"{shown(gains['second_moment'])} for the second moment, {shown(gains['variance'])} for the variance"
        )
        facts["edge_of_chaos"] = _edges(function)
        facts["depth"] = _depths(function, gains)
        facts["self_normalising"] = _normalising(function)
    found = dual(function, jumps=jumps)
    if found is not None:
        value = {
            "A": found.at_zero, "A_slope": found.slope_at_zero, "B_slope": found.slope_at_one, "class": found.kind,
            "exponent": found.exponent,
        }  # fmt: skip
        exponent = "" if found.exponent is None else f" of exponent {shown(found.exponent)}"
        text = f"{found.kind}{exponent} (A = {shown(found.at_zero)}, A' = {shown(found.slope_at_zero)}, "
        facts["dual"] = _fact(value, text + f"B' = {shown(found.slope_at_one)})")
    return facts


def _fact(value: object, text: str) -> Fact:
    return Fact(value=value, text=text, proven=False, on="N(0, 1)")


def _edges(function: Pointwise) -> Fact:
    edges = [edge for edge in (edge_of_chaos(function), small_signal_edge(function)) if edge is not None]
    value = [
        {"sigma_w": edge.sigma_w, "sigma_b": edge.sigma_b, "q": edge.q, "slope": edge.slope, "stable": edge.slope < 1}
        for edge in edges
    ]
    return _fact(value, "; ".join(map(_edge_text, edges)) or "none found with q from 0.01 to 8")


def _edge_text(edge: Edge) -> str:
    pair = f"sigma_w {shown(edge.sigma_w)}, sigma_b {shown(edge.sigma_b)} at q = {shown(edge.q)}"
    kind = "neutral" if abs(edge.slope - 1) < 1e-6 else "attracts" if edge.slope < 1 else "repels"
    return f"{pair} ({kind})"


def _depths(function: Pointwise, gains: dict[str, float]) -> Fact:
    value: dict[str, object] = {}
    texts: list[str] = []
    for name, gain in gains.items():
        found = depth(function, weights=gain * gain)
        value[name] = {
            "layers": LAYERS, "length": found.length, "gradient": found.gradient, "correlation": found.correlation,
            "verdict": found.verdict,
        }  # fmt: skip
        texts.append(f"{_depth_text(found)} with the {name.replace('_', ' ')} gain")
    return _fact(value, "; ".join(texts))


def _depth_text(found: Depth) -> str:
    return f"{found.verdict} (E h^2 {found.length:.3g}, gradient^2 {found.gradient:.3g})"


def _normalising(function: Pointwise) -> Fact:
    point = fixed_point(function)
    assert point is not None  # noqa: S101 - the variance is finite and positive
    constants: dict[str, dict[str, float]] = {}
    for spec in function.activation.parameters:
        found = None if spec.length is not None else zero_mean_parameter(function, spec.name)
        if found is not None:
            constants[spec.name] = {"value": found[0], "scale": found[1]}
    value = {
        "own": point.is_own, "scale": point.scale, "shift": point.shift, "stable": point.stable,
        "jacobian": [[0.0, point.mean_by_variance], [0.0, point.variance_by_variance]],
        "spectral_norm": point.spectral_norm, "by_parameter": constants,
    }  # fmt: skip
    shift = f" {'-' if point.shift < 0 else '+'} {shown(abs(point.shift))}" if point.shift else ""
    affine = "f itself" if point.is_own else f"{shown(point.scale)} f{shift}"
    kind = "attracts" if point.stable else "does not attract"
    text = f"{affine} has the fixed point (0, 1), which {kind} (eigenvalue {shown(point.variance_by_variance)})"
    for name, pair in constants.items():
        text += f"; without a shift at {name} = {shown(pair['value'])}, scale {shown(pair['scale'])}"
    return _fact(value, text)
