"""The LLVM backend against float64; its cache, its threads, its derivatives."""

import ctypes
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import torch

from actsearch.compile.backend import load_backend, sibling
from actsearch.compile.batch import prepare
from actsearch.compile.conformance import cases, check, outputs, sample
from actsearch.errors import UnknownNameError, UnsupportedError
from actsearch.grammar.activation import parse
from actsearch.grammar.operators import OPERATORS
from tests.forked import FORKED

CASES = {case.name: case for case in cases()}
SWISH = parse("1.3 * x * sigmoid(beta * x)")


def objects(folder):
    return sorted(folder.glob("kernel_*.o"))


@pytest.mark.parametrize("name", CASES)
def test_values_and_all_gradients_agree_with_float64(name):
    findings = check(load_backend("llvm"), CASES[name])
    assert {finding.output for finding in findings} >= ({"y"} if CASES[name].edges else {"y", "dx"})
    assert all(finding.excess <= 1 for finding in findings), findings


def test_the_number_of_threads_changes_no_bit():
    case = CASES["mixed (2, 3, 33, 33)"]
    big = parse("log(x) * sigmoid(beta * x) * a", beta=(1.2, "channel"))
    x, upstream = torch.rand(64, 40, 33) + 0.5, torch.randn(64, 40, 33)
    parameters = [torch.rand(1) + 1, torch.rand(40) + 1]
    before = torch.get_num_threads()
    runs = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(outputs(load_backend("llvm").compile(big), [x], upstream, parameters, 1))
            runs.append(outputs(load_backend("llvm").compile(case.activation), *sample(case), case.channel_dim))
    finally:
        torch.set_num_threads(before)
    for first, *others in zip(*(runs[::2]), strict=True):
        assert all(torch.equal(first, other) for other in others)
    for first, *others in zip(*(runs[1::2]), strict=True):
        assert all(torch.equal(first, other) for other in others)


def test_python_threads_stand_in_where_torch_brings_no_openmp():
    driver = sibling(str(load_backend("llvm").compile.__code__.co_filename), "driver")
    x = torch.randn(100_000)
    expected = load_backend("llvm").compile(SWISH)([x], [torch.ones(1)], 1)
    patch = pytest.MonkeyPatch()
    driver.driver.cache_clear()
    patch.setattr(driver, "_find_openmp", lambda: False)
    try:
        assert driver.driver("float").parallel is None
        found = load_backend("llvm").compile(SWISH)([x], [torch.ones(1)], 1)
    finally:
        patch.undo()
        driver.driver.cache_clear()
    assert torch.equal(found, expected)


def test_the_result_lies_in_memory_like_its_input():
    layer = SWISH.module(backend="llvm")
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert layer(x).is_contiguous(memory_format=torch.channels_last)
    per_channel = SWISH.with_granularity("channel").module(backend="llvm")
    assert per_channel(x).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(per_channel(x), layer(x))
    per_element = SWISH.with_granularity("element").module(backend="llvm")
    assert per_element(x).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(per_element(x), layer(x))


def test_constants_and_parameters_recompile_nothing(tmp_path):
    backend = load_backend("llvm")
    for text, beta in (("1.3 * x * sigmoid(beta * x)", 1.0), ("2.7 * x * sigmoid(beta * x)", 2.0)):
        parse(text, beta=beta).module(backend="llvm", cache=tmp_path)(torch.randn(3))
    assert len(objects(tmp_path)) == 1
    backend.compile(parse("2 * x * sigmoid(x)"), cache=tmp_path)([torch.randn(3)], [], 1)
    assert len(objects(tmp_path)) == 2


@pytest.mark.parametrize("damage", ["truncated", "foreign", "another's", "empty", "writable"])
def test_a_damaged_or_foreign_object_file_is_compiled_anew(tmp_path, damage):
    x = torch.linspace(-3, 3, 11)
    expected = SWISH.module(backend="llvm", cache=tmp_path)(x)
    (path,) = objects(tmp_path)
    whole = path.read_bytes()
    if damage == "another's":
        parse("x**2 + sin(x)").module(backend="llvm", cache=tmp_path)(x)
        (other,) = set(objects(tmp_path)) - {path}
        path.write_bytes(other.read_bytes())
    elif damage == "writable":
        path.chmod(0o666)
    else:
        path.write_bytes({"truncated": whole[: len(whole) // 2], "foreign": b"\x7fELF" * 500, "empty": b""}[damage])
    # As in another process, which has nothing of it in memory.
    loader = sibling(str(load_backend("llvm").compile.__code__.co_filename), "loader").loader()
    loader._known.clear()
    torch.testing.assert_close(SWISH.module(backend="llvm", cache=tmp_path)(x), expected, rtol=0, atol=0)
    assert path.read_bytes() == whole
    assert not path.stat().st_mode & 0o022


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    y = SWISH.module(backend="llvm", cache=blocked / "kernels")(torch.ones(3))
    torch.testing.assert_close(y, 1.3 * torch.sigmoid(torch.ones(3)))


def write_some(folder):
    for text in ("x * sigmoid(x)", "sin(x) + x**2", "exp(-x**2)", "tanh(x) * x"):
        y = parse(text).module(backend="llvm", cache=folder)(torch.linspace(-2, 2, 1001))
        assert bool(y.isfinite().all())


def test_many_processes_share_one_cache(tmp_path):
    folder = tmp_path / "kernels"
    # Forked from one that has nothing but modules in memory.
    running = [FORKED.Process(target=write_some, args=(folder,)) for _ in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join(timeout=120)
    assert [process.exitcode for process in running] == [0] * 3
    assert len(objects(folder)) == 4
    assert sorted(folder.iterdir()) == objects(folder)


_THREADS = """
import threading, torch
from actsearch.grammar.activation import parse

texts = ("x * sigmoid(v * x)", "x * sigmoid(v * x) / std[group:4](x)", "v * x / std[batch](x)", "sin(v * x)")
layers = [parse(text, v=(1.0, "channel")).module(channels=8) for text in texts]
failures = []

def work(seed):
    try:
        generator = torch.Generator().manual_seed(seed)
        for step in range(40):
            for layer in layers:
                x = torch.randn(2 + step % 3, 8, 5 + seed, generator=generator, requires_grad=True)
                found = torch.autograd.grad(layer(x).square().sum(), [x, layer.v])
                assert all(bool(gradient.isfinite().all()) for gradient in found)
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures or "done")
"""


def test_threads_compile_and_run_the_same_layers_at_once(tmp_path):
    environment = {**os.environ, "ACTSEARCH_STORE": str(tmp_path)}
    command = [sys.executable, "-c", _THREADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "done", (done.returncode, done.stderr[-2000:])


def test_a_forked_process_computes_too():
    x = torch.randn(50_000)
    layer = SWISH.module(backend="llvm")
    expected = layer(x)
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        os.write(sender, b"same" if torch.equal(layer(x), expected) else b"else")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiver, 4) == b"same"


def test_assembly_is_printed():
    backend = load_backend("llvm")
    text = backend.emit(SWISH, "llvm", dtype="bf16")
    assert "define void @sweep_0" in text
    assert "define void @sweep_1" in text
    passes = backend.emit(parse("x / std[last](x)"), "llvm")
    assert "; forward, pass 2: var[last](x)" in passes
    assert "; backward, results" in passes
    assert "sweep_1" in backend.emit(SWISH, "asm")
    with pytest.raises(UnsupportedError, match="emits llvm, asm"):
        backend.emit(SWISH, "ptx")
    with pytest.raises(UnsupportedError, match="this processor only"):
        backend.emit(SWISH, "llvm", target="sm_90")
    with pytest.raises(UnknownNameError, match="bf16"):
        backend.emit(SWISH, "llvm", dtype="bf8")


def counted_stages(monkeypatch):
    """The number of stages of each program that the driver runs from now on."""
    driver = sibling(str(load_backend("llvm").compile.__code__.co_filename), "driver").Driver
    stages, run = [], driver.run

    def counting(self, place, chunks, threads):
        stages.append((ctypes.c_int64 * 2).from_address(place)[1])
        run(self, place, chunks, threads)

    monkeypatch.setattr(driver, "run", counting)
    return stages


def test_a_statistic_over_cached_cells_is_one_call_and_the_derivative_knows_it(monkeypatch):
    stages = counted_stages(monkeypatch)
    layer = parse("x * sigmoid(v * x) / std[group:4](x)", v=(1.0, "channel")).module(backend="llvm")
    x = torch.randn(3, 8, 20, 20, requires_grad=True)
    torch.autograd.grad(layer(x).sum(), [x, layer.v])
    # Forward: mean, variance, result. Backward: what the variance hands on, results.
    assert stages == [3, 2]


def test_cells_too_large_for_a_cache_and_the_batch_go_pass_by_pass(monkeypatch):
    stages = counted_stages(monkeypatch)
    for text, shape in (("x / rms[layer](x)", (2, 3, 400, 400)), ("x / rms[batch](x)", (4, 3, 5))):
        x = torch.randn(shape)
        y = parse(text).module(backend="llvm")(x)
        expected = parse(text).module(backend="torch", dtype=torch.float64)(x.double())
        torch.testing.assert_close(y, expected.float())
    assert stages == [1] * 4


def test_the_number_of_threads_changes_no_bit_of_statistics():
    activation = parse("x * sigmoid(v * x) / std[group:4](x) + mean[batch](x)", v=(1.0, "channel"))
    x, upstream = torch.randn(16, 8, 30, 30), torch.randn(16, 8, 30, 30)
    before, runs = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(outputs(load_backend("llvm").compile(activation), [x], upstream, [torch.ones(8)], 1))
    finally:
        torch.set_num_threads(before)
    for first, *others in zip(*runs, strict=True):
        assert all(torch.equal(first, other) for other in others)


def test_every_operator_has_a_case():
    assert set(OPERATORS) <= set(CASES)


def test_a_batch_is_compiled_ahead_and_then_found(tmp_path):
    texts = ("x * sigmoid(beta * x)", "sin(x) + x**2", "x * sigmoid(gate)")
    x = torch.randn(4, 6, requires_grad=True)
    layers = [parse(text).module(cache=tmp_path) for text in texts]
    prepare(layers, x)
    assert len(objects(tmp_path)) == 3
    before = {path: path.stat().st_mtime_ns for path in objects(tmp_path)}
    for layer, text in zip(layers, texts, strict=True):
        y = layer(x, x) if "gate" in text else layer(x)
        torch.autograd.grad(y.sum(), x)
    assert {path: path.stat().st_mtime_ns for path in objects(tmp_path)} == before


def module_of(name):
    return sibling(str(load_backend("llvm").compile.__code__.co_filename), name)


@pytest.mark.parametrize("name", CASES)
def test_quick_and_thorough_compilation_compute_the_same_bits(name, tmp_path, monkeypatch):
    case, found = CASES[name], []
    for much in (1 << 40, 0):
        monkeypatch.setattr(module_of("launch"), "_MUCH", much)
        function = load_backend("llvm").compile(case.activation, cache=tmp_path / str(much))
        found.append(outputs(function, *sample(case), case.channel_dim))
    for quick, thorough in zip(*found, strict=True):
        assert quick is None or torch.equal(quick.nan_to_num(7), thorough.nan_to_num(7))


def test_a_kernel_that_works_much_is_compiled_thoroughly(tmp_path, monkeypatch):
    monkeypatch.setattr(module_of("launch"), "_MUCH", 1000)
    layer = SWISH.module(backend="llvm", cache=tmp_path)
    x = torch.randn(400, requires_grad=True)
    for _ in range(2):
        torch.autograd.grad(layer(x).sum(), x)
    assert len(objects(tmp_path)) == 1
    for _ in range(3):
        torch.autograd.grad(layer(x).sum(), x)
    assert len(objects(tmp_path)) == 2
    # Another process takes the better one from the start.
    read, opened = module_of("objects").read, []
    monkeypatch.setattr(module_of("objects"), "read", lambda *of: opened.append(read(*of)) or opened[-1])
    module_of("loader").loader()._known.clear()
    other = SWISH.module(backend="llvm", cache=tmp_path)
    torch.autograd.grad(other(x).sum(), x)
    assert len(opened) == 1
    assert opened[0] is not None


def test_passes_with_statistics_that_work_much_are_compiled_thoroughly_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module_of("launch"), "_MUCH", 1000)
    layer = parse("x * sigmoid(x - mean[last](x))").module(backend="llvm", cache=tmp_path)
    x, counts, results = torch.randn(10, 40), [], []
    for _ in range(4):
        results.append(layer(x))
        counts.append(len(objects(tmp_path)))
    assert counts == [counts[0], counts[0], 2 * counts[0], 2 * counts[0]]
    assert all(torch.equal(result, results[0]) for result in results)


def test_kernels_that_wait_together_are_one_module_and_are_found_one_by_one(tmp_path, monkeypatch):
    machine, texts = module_of("machine").machine(), []
    compile_object = type(machine).object

    def counting(self, text, *, thorough):
        texts.append(text)
        return compile_object(self, text, thorough=thorough)

    monkeypatch.setattr(type(machine), "object", counting)
    loader = module_of("loader")
    waiting, started = [], []

    class Later(ThreadPoolExecutor):
        def submit(self, job, *arguments):
            started.append(job)
            return Future()

    # Where no gradient is wanted, a kernel that is not prepared has the forward alone.
    x = torch.linspace(-3, 3, 11, requires_grad=True)
    activations = [parse(text) for text in ("x * sigmoid(x)", "sin(x) + x**2", "exp(-x**2)")]
    layers = [activation.module(backend="llvm", cache=tmp_path) for activation in (*activations, activations[0])]
    with Later(1) as worker:
        waiting = [layer.prepare(x, worker) for layer in layers]
    for job in started:
        job()
    assert all(found.done() for found in waiting)
    for found in waiting:
        found.result()
    assert len(texts) == 1
    assert len(objects(tmp_path)) == 3
    assert len({path.stat().st_ino for path in objects(tmp_path)}) == 1
    expected = [layer(x) for layer in layers]
    for activation, y in zip(activations, expected, strict=False):
        loader.loader()._known.clear()
        torch.testing.assert_close(activation.module(backend="llvm", cache=tmp_path)(x), y, rtol=0, atol=0)
    assert len(texts) == 1


def test_who_waits_for_kernels_sees_why_there_are_none(tmp_path):
    loader = module_of("loader")
    code = loader.Code(names=("f",), key="no assembly", text=lambda: "no assembly", cache=tmp_path)
    with ThreadPoolExecutor(1) as worker:
        found = loader.loader().ahead(code, worker)
        with pytest.raises(RuntimeError, match="parsing error"):
            found.result(timeout=60)
