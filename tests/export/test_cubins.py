"""Machine code beside an exported module."""

import hashlib
import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest
import triton

from actsearch import plugins
from actsearch.compile.backend import sibling
from actsearch.errors import ConfigError, UnknownNameError, UnsupportedError
from actsearch.export import cubins
from actsearch.export.module import export_module
from actsearch.grammar.activation import parse

SWISH = parse("x * sigmoid(beta * x)", beta=(1.0, "layer"))
TARGETS = ("sm_90", "gfx942")
# EF_AMDGPU_MACH_AMDGCN_GFX942, the lowest byte of the flags of an ELF header (LLVM, "User Guide for AMDGPU Backend").
GFX942 = 0x4C


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACTSEARCH_STORE", str(tmp_path_factory.mktemp("store")))
        return cubins.compiled(SWISH, gain=1.7, targets=TARGETS)


@pytest.fixture
def written(kernels, tmp_path):
    module, source = tmp_path / "swish.py", export_module(SWISH, gain=1.7)
    module.write_text(source, encoding="utf-8")
    folder = cubins.write(module, source, kernels)
    return module, folder, json.loads((folder / cubins.MANIFEST).read_text(encoding="utf-8"))


def test_there_is_a_file_for_each_gpu_dtype_direction_and_kind_of_sizes(written):
    module, folder, manifest = written
    files = {
        f"{direction}-{dtype}-{sizes}-{target}.{'hsaco' if target == 'gfx942' else 'cubin'}"
        for direction in ("forward", "backward")
        for dtype in ("fp32", "bf16", "fp16")
        for sizes in ("aligned", "any")
        for target in TARGETS
    }
    assert {path.name for path in folder.iterdir()} == {*files, cubins.MANIFEST}
    assert sorted(kernel["file"] for kernel in manifest["kernels"]) == sorted(files)
    assert manifest["module"]["file"] == module.name


def test_hashes_are_those_of_the_files(written):
    module, folder, manifest = written
    for kernel in manifest["kernels"]:
        assert hashlib.sha256((folder / kernel["file"]).read_bytes()).hexdigest() == kernel["sha256"]
    assert hashlib.sha256(module.read_bytes()).hexdigest() == manifest["module"]["sha256"]


def test_each_file_is_an_elf_of_its_gpu_and_has_the_kernel_under_its_name(written):
    _, folder, manifest = written
    for kernel in manifest["kernels"]:
        path = folder / kernel["file"]
        content = path.read_bytes()
        assert content[:4] == b"\x7fELF"
        if kernel["target"] == "gfx942":
            assert content[48] == GFX942
            assert f"\0{kernel['symbol']}\0".encode() in content
        elif (kernel["dtype"], kernel["sizes"]) == ("bf16", "any"):  # Starting the tool takes longer than all else.
            shown = cuobjdump(path, "-sass")
            # From 9.0 on with an `a` for the instructions of this architecture alone.
            assert re.search(rf"code for {kernel['target']}a?\n", shown)
            assert f"Function : {kernel['symbol']}\n" in shown


def cuobjdump(path: Path, option: str) -> str:
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    return subprocess.run([tool, option, path], check=True, capture_output=True, text=True).stdout


def test_wide_accesses_where_sizes_are_aligned(written):
    _, folder, _ = written
    assert "LDG.E.128" in cuobjdump(folder / "forward-bf16-aligned-sm_90.cubin", "-sass")
    assert "LDG.E.128" not in cuobjdump(folder / "forward-bf16-any-sm_90.cubin", "-sass")


def test_the_manifest_says_how_a_kernel_is_launched(written):
    kernels = {(k["direction"], k["dtype"], k["sizes"], k["target"]): k for k in written[2]["kernels"]}
    forward = kernels["forward", "bf16", "aligned", "sm_90"]
    types = {argument["name"]: argument["type"] for argument in forward["arguments"]}
    assert types == {
        "x_pointer": "*bf16", "y_pointer": "*bf16", "beta_pointer": "*fp32", "gain": "fp32", "count": "i32",
        "scratch": "*i8", "profile": "*i8",
    }  # fmt: skip
    assert (forward["symbol"], forward["block"], forward["warps"], forward["threads"]) == ("_forward", 1024, 4, 128)
    assert forward["compile_time"] == {"LONG": False, "WHOLE": True, "BLOCK": 1024, "PTX": True}
    aligned = {argument["name"] for argument in forward["arguments"] if argument["is_multiple_of_16"]}
    assert aligned == {"x_pointer", "y_pointer", "beta_pointer", "count"}
    general = kernels["forward", "bf16", "any", "sm_90"]
    assert general["compile_time"]["WHOLE"] is False
    assert "count" not in {a["name"] for a in general["arguments"] if a["is_multiple_of_16"]}
    # The partial sums of a backward are added up through shared memory.
    assert kernels["backward", "bf16", "aligned", "sm_90"]["shared_bytes"] > 0
    assert kernels["forward", "fp16", "any", "gfx942"]["threads"] == 128


def test_the_machine_code_takes_as_many_bytes_of_arguments_as_the_manifest_names(written):
    _, folder, manifest = written
    for kernel in manifest["kernels"]:
        if kernel["target"] != "sm_90" or kernel["dtype"] != "bf16":
            continue
        size = 0
        for argument in kernel["arguments"]:
            width = 8 if argument["type"].startswith("*") else 4
            size = -(-size // width) * width + width
        shown = cuobjdump(folder / kernel["file"], "-elf")
        assert f"EIATTR_CBANK_PARAM_SIZE\n\tFormat:\tEIFMT_HVAL\n\tValue:\t0x{size:x}\n" in shown


def test_channels_have_kernels_of_their_own_where_they_are_last(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path))
    activation = parse("x * sigmoid(beta * x)", beta=(1.0, "channel"))
    binaries = sibling(str(plugins.find("kernels", "triton")), "ahead_of_time").binaries
    # Those of the first dtype's forward, because all 24 take seconds.
    kernels = list(itertools.islice(binaries(activation, gain=1.0, targets=["sm_80"]), 4))
    names = {
        f"forward-fp32-{sizes}-channels_{at}-sm_80.cubin" for sizes in ("aligned", "any") for at in ("inner", "last")
    }
    assert {cubins.file_name(kernel) for kernel in kernels} == names
    tiles = {kernel.channels: [kernel.compile_time[name] for name in ("LAST", "ROWS", "COLUMNS")] for kernel in kernels}
    assert tiles == {"inner": [False, 1, 1024], "last": [True, 16, 64]}
    assert {kernel.block for kernel in kernels} == {1024}


def test_what_has_no_kernels_is_refused_and_so_are_unknown_gpus():
    for text in ("x * silu(gate)", "x / rms[last](x)"):
        with pytest.raises(UnsupportedError, match="has no kernels to compile"):
            cubins.compiled(parse(text), gain=1.0, targets=TARGETS)
    with pytest.raises(UnknownNameError, match="sm_90"):
        cubins.compiled(SWISH, gain=1.0, targets=("sm_80", "sm_91"))


def test_an_earlier_folder_is_left_alone(tmp_path):
    cubins.check_place(tmp_path / "swish.py")
    (tmp_path / "swish.cubins").mkdir()
    with pytest.raises(ConfigError, match="is there already"):
        cubins.check_place(tmp_path / "swish.py")
