"""The text of telling kernels: what changes it shows as a difference to read. `--update` writes it anew."""

from pathlib import Path

import pytest
import torch

from actsearch import __version__, plugins
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.stages import stage
from actsearch.compile.statistics.schedule import parts
from actsearch.compile.sweep import vjp
from actsearch.grammar.activation import parse

GOLDEN = Path(__file__).with_name("golden")
ACTIVATIONS = {
    "constant": parse("1.3 * x * sigmoid(beta * x)"),
    "channel": parse("max(x, a * x) + b", a=(0.25, "channel")),
    "gated": parse("gate * silu(x)"),
    "array": parse("c[0] + c[1]*x", c=((0.1, 1.0), "layer")),
    "gelu": parse("gelu(x)"),
    "spline": parse("pwpoly(x, c)", c=(0.1, 1.0)),
    "element": parse("x * sigmoid(beta * x)", beta=(1.0, "element")),
}
SECOND = parse("x * tanh(a * x)")
STATISTICS = {
    "evonorm": parse("x * sigmoid(v * x) / std[group:4](x)", v=(1.0, "channel")),
    "largest": parse("exp(x - max[last](x))"),
}


def triton(*sweeps):
    return sibling(str(plugins.find("kernels", "triton")), "source").artifact(sweeps)


def torch_source(activation):
    return load_backend("torch").emit(activation, "source")


def llvm(*sweeps, by_column=None):
    """In float32, 8 at a time, whatever this machine could do."""
    path = str(plugins.find("kernels", "llvm"))
    if by_column is None:
        by_column = tuple(granularity != "layer" for _, granularity in sweeps[0].parameters)
    element = sibling(path, "types").ELEMENTS[torch.float32]
    return sibling(path, "source").generate(sweeps, element, by_column=by_column, lanes=8)


def triton_parts(activation):
    """Each pass as `triton` emits it, without the functions that an earlier one has shown."""
    shown, blocks = set(), load_backend("triton").emit(activation, "source").split("\n\n\n")
    kept = [block for block in blocks if not (block in shown or shown.add(block))]
    return "\n\n\n".join(kept)


def llvm_parts(activation):
    """Each pass as `llvm` does it, with parameters along columns and the values of statistics along rows."""
    texts = []
    for name, part in parts(stage(activation).sweep).items():
        along = (granularity.startswith("[") for granularity in part.granularities.values())
        texts.append(f"; {name}\n{llvm(part, by_column=tuple(not rows for rows in along))}")
    return "\n\n".join(texts)


def pair(activation):
    forward = stage(activation).sweep
    return forward, vjp(forward)


def second(activation):
    return vjp(pair(activation)[1])


TEXTS = {
    **{f"triton/{name}.py": lambda a=a: triton(*pair(a)) for name, a in ACTIVATIONS.items()},
    **{f"llvm/{name}.ll": lambda a=a: llvm(*pair(a)) for name, a in ACTIVATIONS.items()},
    **{f"torch/{name}.py": lambda a=a: torch_source(a) for name, a in (ACTIVATIONS | STATISTICS).items()},
    **{f"triton/{name}.py": lambda a=a: triton_parts(a) for name, a in STATISTICS.items()},
    **{f"llvm/{name}.ll": lambda a=a: llvm_parts(a) for name, a in STATISTICS.items()},
    "triton/second.py": lambda: triton(second(SECOND)),
    "llvm/second.ll": lambda: llvm(second(SECOND)),
}


@pytest.mark.parametrize("file", TEXTS)
def test_the_kernel_is_the_one_that_was_read(file, pytestconfig):
    path = GOLDEN / file
    text = TEXTS[file]().replace(f"actsearch {__version__}", "actsearch VERSION")
    if pytestconfig.getoption("--update", default=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, "pytest tests/kernels/test_golden.py --update writes it anew"


def test_no_golden_kernel_is_left_over():
    found = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.*") if path.suffix in {".py", ".ll"}}
    assert found == set(TEXTS)
