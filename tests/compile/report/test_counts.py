"""What is counted, held against another tool's listing, another parser, and PTX."""

import re
import subprocess
from pathlib import Path

import pytest
import triton

from actsearch import plugins
from actsearch.compile.artifact import install
from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.report.accesses import accesses
from actsearch.compile.report.counts import count
from actsearch.compile.stages import stage
from actsearch.grammar.activation import parse

OFFLINE = sibling(str(plugins.find("kernels", "triton")), "offline")
NVDISASM = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "nvdisasm"
ACTIVATIONS = [
    parse("x * sigmoid(beta * x)"),
    parse("gate * gelu(x)"),
    parse("c[0] + c[1] * tanh(a * x)", c=(0.1, 1.0), a=(1.0, "channel")),
    parse("x / std[last](x) + exp(-abs(x))"),
]
BYTES = {"b8": 1, "b16": 2, "b32": 4, "b64": 8, "f32": 4}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path))


def listed(cubin, folder):
    """Opcodes by nvdisasm, whose lines have neither addresses nor encodings: a word after a tab and a predicate."""
    file = folder / "kernel.cubin"
    file.write_bytes(cubin)
    text = subprocess.run([NVDISASM, "-c", file], check=True, capture_output=True, text=True).stdout
    code = [line for line in text.splitlines() if line.rstrip().endswith(";")]
    return [re.sub(r"^\s*(/\*\w+\*/)?\s*(@!?\w+)?\s*", "", line).split()[0].rstrip(";") for line in code]


def moved(ptx, block, threads):
    """Bytes an element by the vector accesses in PTX, and of 4 bytes by those whose address all threads share."""
    found = re.findall(r"(ld|st)\.global(?:\.v(\d))?\.(\w+)", ptx)
    sizes = [int(vector or 1) * BYTES[kind] for _, vector, kind in found]
    wide = sum(size for size in sizes if size > 4) * threads
    stores = sum(4 for (kind, *_), size in zip(found, sizes, strict=True) if kind == "st" and size <= 4)
    return (wide + stores) / block


@pytest.mark.parametrize(
    ("activation", "target"),
    [*((activation, "sm_90") for activation in ACTIVATIONS), (ACTIVATIONS[0], "sm_80"), (ACTIVATIONS[0], "sm_100")],
    ids=str,
)
def test_the_counts_are_those_of_another_disassembler_and_of_ptx(activation, target, tmp_path):
    made = OFFLINE.compile_offline(activation, OFFLINE.setting(target, "bf16"))
    for binary in made.values():
        found, opcodes = count([binary.machine_code]), listed(binary.cubin, tmp_path)
        share = 128 / 1024
        busy = [name for name in opcodes if name.partition(".")[0] not in ("NOP", "BRA", "EXIT")]
        assert found.instructions_per_element == len(busy) * share
        assert found.mufu_per_element == sum(name.startswith("MUFU.") for name in opcodes) * share
        assert found.divisions_per_element == opcodes.count("MUFU.RCP") * share
        assert found.spills == sum(name.startswith(("STL", "LDL")) for name in opcodes)
        assert found.atomics == sum(name.startswith(("ATOM", "RED")) for name in opcodes)
        assert found.bytes_per_element == pytest.approx(moved(binary.ptx, 1024, 128), abs=1e-9)


def test_registers_that_do_not_fit_are_spills_as_the_compiler_says():
    setting = OFFLINE.setting("sm_90", "fp32", 4096, 4)
    sweep = stage(ACTIVATIONS[1]).sweep
    kernel = install(OFFLINE.SOURCE.artifact([sweep]))._forward
    few = {"num_warps": 4, "maxnreg": 24, "enable_fp_fusion": True}
    binary = OFFLINE.compiled("forward", kernel, OFFLINE.signature_of(sweep, setting), setting, few)
    assert count([binary.machine_code]).spills > 0
    stack = re.search(r"STACK:(\d+)", binary.machine_code.text)
    assert int(stack[1]) > 0
    largest = max(int(number) for number in re.findall(r"\bR(\d+)\b", binary.machine_code.text))
    assert largest < binary.machine_code.registers


def test_accesses_that_all_threads_share_are_told_from_those_of_elements():
    made = OFFLINE.compile_offline(parse("x * sigmoid(beta * x)"), OFFLINE.setting("sm_90", "bf16"))
    found = accesses(made["backward"].machine_code)
    by_name = {access.argument.name: access for access in found}
    assert set(by_name) == {"x_pointer", "upstream_pointer", "dx_pointer", "partials_pointer", "beta_pointer"}
    assert {name for name, access in by_name.items() if access.by_lane} == {
        "x_pointer",
        "upstream_pointer",
        "dx_pointer",
    }
    assert {name for name, access in by_name.items() if access.is_store} == {"dx_pointer", "partials_pointer"}


@pytest.mark.parametrize("activation", ACTIVATIONS[::3], ids=str)
def test_amd_s_bytes_are_those_of_its_listing(activation):
    for codes in (
        load_backend("triton").machine_code(activation, target="gfx942", dtype="bf16", block=None, warps=None).values()
    ):
        for code in codes:
            found = count([code])
            wide = len(re.findall(r"(?:global|buffer)_(?:load|store)_dwordx4", code.text))
            partials = len(re.findall(r"global_store_dword v", code.text))
            assert found.bytes_per_element == pytest.approx((wide * 16 * 128 + partials * 4) / 1024)
            assert found.wide_access_share == 1
            assert found.spills == 0
            assert found.f64_instructions == 0


def test_narrow_accesses_are_seen():
    codes = load_backend("triton").machine_code(parse("silu(x)"), target="sm_90", dtype="bf16", block=256, warps=4)
    assert count(codes["forward"]).wide_access_share == 0
    assert count(codes["forward"]).bytes_per_element == 4
