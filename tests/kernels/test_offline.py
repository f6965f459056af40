"""Kernels compiled for GPUs that are not here."""

import re

import pytest

from actsearch import plugins
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.report.counts import count
from actsearch.errors import UnknownNameError, UnsupportedError
from actsearch.grammar.activation import parse

SWISH = parse("1.3 * x * sigmoid(beta * x)", beta=(1.0, "channel"))
KERNELS = [
    SWISH,
    parse("gelu(x)"),
    parse("a * sin(3.7 * x) + tanh(x) * log1p(abs(x))"),
    parse("x * sigmoid(b * gate)"),
    parse("x * sigmoid(beta * x) * a + 0.3", beta=(1.0, "element"), a=(1.0, "channel")),
]
# Instructions on doubles, and atomics and reductions on memory.
FORBIDDEN = re.compile(r"\b(D(ADD|MUL|FMA|SETP|MNMX)|F2F\.F(64|32\.F64)\S*|MUFU\.\w+64H|ATOM\w*|RED\.\S+)\b")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path))


@pytest.mark.parametrize("target", ["sm_80", "sm_90"])
@pytest.mark.parametrize("activation", KERNELS, ids=str)
def test_the_machine_code_has_no_doubles_and_no_atomics(activation, target):
    ptx = load_backend("triton").emit(activation, "ptx", target=target, dtype="bf16")
    assert ptx.count(f".target {target}") == 2
    assert ".f64" not in ptx
    assert not re.search(r"\b(atom|red)\.", ptx)
    sass = load_backend("triton").emit(activation, "sass", target=target, dtype="bf16")
    assert "// forward" in sass
    assert "// backward" in sass
    assert not FORBIDDEN.findall(sass)
    # The tensors themselves are read and written 128 bits at a time; parameters and partial sums are scalars.
    assert "LDG.E.128" in sass
    assert "STG.E.128" in sass


@pytest.mark.parametrize("activation", [SWISH, *KERNELS[3:], parse("2.5"), parse("beta")], ids=str)
def test_second_derivatives_have_no_doubles_and_no_atomics_either(activation):
    offline = sibling(str(plugins.find("kernels", "triton")), "offline")
    made = offline.compile_offline(activation, offline.setting("sm_90", "bf16"), order=2)
    assert set(made) == {"forward", "backward", "backward2"}
    for binary in made.values():
        assert ".f64" not in binary.ptx
        assert not re.search(r"\b(atom|red)\.", binary.ptx)
        assert "v4.b32" in binary.ptx


def test_constants_are_arguments_of_the_same_kernel():
    backend = load_backend("triton")
    one, other = (backend.emit(parse(f"{c} * x * sigmoid(x)"), "source") for c in (1.3, 2.7))
    assert one == other
    assert one != backend.emit(parse("2 * x * sigmoid(x)"), "source")


def test_the_source_is_a_file_to_read():
    source = load_backend("triton").emit(SWISH, "source")
    compile(source, "kernel.py", "exec")
    for part in ("y = c0 * x * sigmoid(beta * x)", "beta: (channels,)", "# d_beta = ", "actsearch ", "float16"):
        assert part in source


def test_unknown_targets_dtypes_and_kinds_are_refused_with_what_there_is():
    backend = load_backend("triton")
    with pytest.raises(UnknownNameError, match="sm_90"):
        backend.emit(SWISH, "ptx", target="sm_91")
    with pytest.raises(UnknownNameError, match="bf16"):
        backend.emit(SWISH, "ptx", dtype="bf8")
    with pytest.raises(UnsupportedError, match="source, ptx, sass"):
        backend.emit(SWISH, "llvm")


def test_passes_of_statistics_have_no_doubles_and_no_atomics_either():
    activation = parse("x * sigmoid(v * x) / std[group:4](x) + max[batch](x)", v=(1.0, "channel"))
    ptx = load_backend("triton").emit(activation, "ptx", dtype="bf16")
    assert "// forward, pass 1: max[batch](x), mean[group:4](x), var[group:4](x)" in ptx
    assert "// backward, results" in ptx
    assert ".f64" not in ptx
    assert not re.search(r"\b(atom|red)\.", ptx)
    assert "v4.b32" in ptx


def test_long_rows_stay_in_registers_or_are_split_and_nothing_is_spilled():
    offline = sibling(str(plugins.find("kernels", "triton")), "offline")
    activation = parse("x * sigmoid(x) / std[last](x)")
    kernels, read = {}, {}
    for columns in (16384, 32768, 65536):
        made = offline.compile_offline(activation, offline.setting("sm_90", "bf16", columns))
        kernels[columns] = [name.partition(":")[0] for name in made]
        counts = count([binary.machine_code for binary in made.values()])
        assert counts.spills == 0
        assert counts.wide_access_share == 1
        read[columns] = counts.bytes_per_element
    backward = ["backward, pass 1", "backward, results"]
    assert kernels[16384] == ["forward", "backward"]
    assert kernels[32768] == ["forward", *backward]
    assert kernels[65536] == ["forward, pass 1", "forward, results", *backward]
    # In one kernel x, y; x, upstream, dx. A pass reads its tensors once more; partial sums are next to nothing.
    tensors = {columns: round(value / 2, 1) for columns, value in read.items()}
    assert tensors == {16384: 5.0, 32768: 7.0, 65536: 8.0}


def test_a_function_of_very_many_tensors_has_more_threads_and_spills_nothing():
    offline = sibling(str(plugins.find("kernels", "triton")), "offline")
    terms = " + ".join(f"x**{power} * uniform(0.9 * a[{power}], 1.1 * a[{power}])" for power in range(1, 13))
    crowded = parse(f"x / (1 + abs({terms}))", a=((0.1,) * 13, "layer"))
    asked = offline.setting("sm_100", "bf16")
    made = offline.compile_offline(crowded, asked)
    assert [binary.setting.warps for binary in made.values()] == [8, 8]
    assert count([binary.machine_code for binary in made.values()]).spills == 0
    plain = offline.compile_offline(parse("x * tanh(x)"), asked)
    assert {binary.setting.warps for binary in plain.values()} == {4}
