"""What the Triton kernels cost an element, counted offline, beside the hand-written ones of Liger-Kernel.

    python benchmarks/kernel_counts.py [--candidates 200] [--seed 0] [--resume]

Needs no GPU. Liger's kernels are compiled by the same Triton in the same run, in the same shape: programs of 4096
elements by 8 warps for sm_90. Group rationals are counted as they run, a group from the number of the program, and
functions with statistics for rows of 1,024 to 65,536 elements and over the batch, all their passes together, without
the kernel that joins partial results.
Candidates are random functions of search spaces, in the shape in which they are launched, for three of NVIDIA's GPUs
and one of AMD's. Writes `benchmarks/kernel_counts.csv` anew, a row for each kernel, and prints what is asked of them.
With `--resume` candidates in it that the same versions have counted are kept: right where the kernels are the same.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import record
from liger_kernel.ops import geglu, poly_norm, relu_squared, swiglu

from actsearch import plugins
from actsearch.analysis import catalog
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.report.counts import Counts, count
from actsearch.compile.report.report import report
from actsearch.grammar.activation import Activation, parse
from actsearch.grammar.space import read_space
from actsearch.plugins import find

TABLE = Path(__file__).with_suffix(".csv")
OFFLINE = sibling(str(plugins.find("kernels", "triton")), "offline")
TARGETS = ("sm_80", "sm_90", "sm_100", "gfx942")
SPACES = ("swish", "actbench", "free", "gated", "rational", "periodic")
BLOCK, WARPS = 4096, 8
GELU_TANH = "sigmoid(1.5957691216057308 * (x + 0.044715 * x**3))"
PAIRS: Mapping[str, tuple[str, Mapping[str, tuple[Any, str]]]] = {
    # Ours, and Liger's forward and backward with the names of their tensors of elements.
    "swiglu": ("gate * silu(x)", {
        "forward": (swiglu._swiglu_forward_kernel, "a_ptr b_ptr c_ptr"),
        "backward": (swiglu._swiglu_backward_kernel, "dc_ptr a_ptr b_ptr"),
    }),
    "geglu": (f"gate * x * {GELU_TANH}", {
        "forward": (geglu._geglu_tanh_forward_kernel, "a b c"),
        "backward": (geglu._geglu_tanh_backward_kernel, "dc a b"),
    }),
    "relu2": ("relu(x)**2", {
        "forward": (relu_squared._relu_squared_forward_kernel, "X_ptr Y_ptr"),
        "backward": (relu_squared._relu_squared_backward_kernel, "dX_ptr dY_ptr X_ptr"),
    }),
    "polynorm": ("polynorm", {
        "forward": (poly_norm._poly_norm_forward_kernel, "Y_ptr X_ptr"),
        "backward": (poly_norm._poly_norm_backward_kernel, "dY_ptr dX_ptr X_ptr"),
    }),
}  # fmt: skip
NUMBERS = {"gate_multiplier": "fp32", "eps": "fp32"}
SHAPE = {"BLOCK_SIZE": BLOCK, "rows_per_program": 1}
PACKAGES = ("triton", "torch", "liger-kernel")
RATIONALS = ("pau_a", "pau_b", "pau_c")
STATISTICS = (
    "x * sigmoid(x) / std[last](x)",
    "gate * silu(x) / rms[last](gate)",
    "x / sum[last](exp(x - max[last](x)))",
)
OVER_BATCH = "x * sigmoid(x) / std[batch](x)"
COLUMNS = (1024, 4096, 16384, 32768, 65536)


def liger(kernel: Any, elements: str, dtype: str) -> Counts:
    """The counts of one of Liger's kernels, with rows of as many columns as a program has elements."""
    of_elements = frozenset(elements.split())
    types: dict[str, Any] = {}
    for parameter in kernel.params:
        name = parameter.name
        is_pointer = name in of_elements or name.endswith("_ptr")
        types[name] = SHAPE.get(name, NUMBERS.get(name, f"*{dtype}" if is_pointer else "i32"))
        if name == "n_cols":
            types[name] = BLOCK if parameter.is_constexpr else "i32"
        if name.startswith(("RSTD", "dW_ptr", "dB_ptr")) and is_pointer:
            types[name] = "*fp32"
    setting = OFFLINE.setting("sm_90", dtype, BLOCK, WARPS)
    signature = OFFLINE.Signature(types=types, of_elements=of_elements)
    own = OFFLINE.compiled(kernel.__name__, kernel, signature, setting, {"num_warps": WARPS})
    return count([own.machine_code])


def named(text: str) -> Activation:
    """A function of the catalog, or an expression."""
    return catalog.look_up(text).candidate.activation if text in catalog.names() else parse(text)


def against_liger() -> Iterator[dict[str, Any]]:
    """A row for each kernel of ours and of Liger's."""
    for name, (text, kernels) in PAIRS.items():
        for dtype in ("bf16", "fp32"):
            made = report(named(text), load_backend("triton"), target="sm_90", dtype=dtype, block=BLOCK, warps=WARPS)
            for direction, (kernel, elements) in kernels.items():
                about = {"table": "liger", "function": name, "target": "sm_90", "dtype": dtype, "direction": direction}
                yield {**about, "whose": "liger", **asdict(liger(kernel, elements, dtype))}
                side = getattr(made, direction)
                own = {**asdict(side.counts), "minimum_bytes_per_element": side.minimum_bytes_per_element}
                yield {**about, "whose": "actsearch", **own}


def rationals() -> Iterator[dict[str, Any]]:
    """Rationals of degrees 5 and 4, with coefficients for each of 8 groups of channels."""
    for name in RATIONALS:
        grouped = {
            spec.name: (spec.initial, "group:8") for spec in catalog.look_up(name).candidate.activation.parameters
        }
        yield from counted("rational", parse(catalog.look_up(name).candidate.activation.text, **grouped), "sm_90")


def statistics() -> Iterator[dict[str, Any]]:
    """Functions with statistics over rows that fit into a program and over rows that do not, and over the batch."""
    for columns in COLUMNS:
        for text in STATISTICS:
            yield from counted("rows", parse(text), "sm_90", columns=columns)
    yield from counted("rows", parse(OVER_BATCH), "sm_90")


def counted(
    table: str, activation: Activation, target: str, dtype: str = "bf16", *, columns: int | None = None
) -> Iterator[dict[str, Any]]:
    """A row for forward and backward of `activation` as they are launched; rows of `columns` where there are rows."""
    made = report(activation, load_backend("triton"), target=target, dtype=dtype, block=columns)
    for direction in ("forward", "backward"):
        side = getattr(made, direction)
        yield {
            "table": table, "function": activation.text, "target": target, "dtype": dtype, "direction": direction,
            "whose": "actsearch", **asdict(side.counts), "columns": columns or "", "kernels": side.kernels,
            "minimum_bytes_per_element": side.minimum_bytes_per_element,
        }  # fmt: skip


def candidates(number: int, seed: int) -> list[Activation]:
    """Distinct pointwise functions, in turn from each of the spaces."""
    rng, found = random.Random(seed), dict[str, Activation]()
    # Some spaces have few functions, which are soon all found.
    spaces = itertools.cycle([read_space(find("search_spaces", name)) for name in SPACES])
    while len(found) < number:
        space = next(spaces)
        activation = space.activation(space.sample(rng))
        if activation.inputs and not activation.statistics:
            found.setdefault(activation.text, activation)
    return list(found.values())


def summary(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is asked of the candidates."""
    for target in TARGETS:
        own = [row for row in rows if row["table"] == "candidate" and row["target"] == target]
        if own:
            wide = sum(row["wide_access_share"] for row in own) / len(own)
            most = max(row["bytes_per_element"] / row["minimum_bytes_per_element"] for row in own)
            spills, doubles = (sum(row[key] for row in own) for key in ("spills", "f64_instructions"))
            yield f"{target}: {wide:.1%} wide, bytes at most {most:.3f}x, {spills} spills, {doubles} on doubles"


def main() -> None:
    """Count, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    kept = known() if arguments.resume else {}
    rows = [*against_liger(), *rationals(), *statistics()]
    for row in rows:
        keys = ("bytes_per_element", "instructions_per_element", "mufu_per_element", "registers", "spills")
        about = [f"{row[key]!s:.30s}" for key in ("function", "columns", "dtype", "direction", "whose") if key in row]
        print(*about, *(f"{row[key]:g}" for key in keys), flush=True)
    # Those that are kept come first: a run that is interrupted leaves them and what it has counted.
    wanted = sorted(candidates(arguments.candidates, arguments.seed), key=lambda one: one.text not in kept)
    for activation in wanted:
        rows += kept.get(activation.text) or [
            row for target in TARGETS for row in counted("candidate", activation, target)
        ]
        if activation.text not in kept:
            write(rows)
            print(f"counted: {activation.text:.100}", flush=True)
    write(rows)
    print(*summary(rows), sep="\n")


def known() -> Mapping[str, list[dict[str, Any]]]:
    """The rows of each candidate that the table has for every target, if these versions have counted it."""
    about = record.machine(*PACKAGES)
    found: dict[str, list[dict[str, Any]]] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["table"] == "candidate" and row["versions"] == about["versions"]:
                own = {key: _number(value) for key, value in row.items() if key not in about}
                found.setdefault(row["function"], []).append(own)
    return {text: rows for text, rows in found.items() if len(rows) == 2 * len(TARGETS)}


def _number(text: str) -> float | str:
    try:
        return int(text)
    except ValueError:
        with contextlib.suppress(ValueError):
            return float(text)
    return text


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table anew."""
    about = record.machine(*PACKAGES)
    columns = dict.fromkeys(key for row in rows for key in row)
    record.write(TABLE, [{**about, **{key: _rounded(row.get(key, "")) for key in columns}} for row in rows])


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
