"""Populations as layers: under autograd, with parameters that are trained, copied, saved and shown by member."""

import copy
import json
import os
import pickle
import subprocess
import sys

import pytest
import torch
from torch.func import functional_call, grad, vmap

import actsearch as a
from actsearch.compile.conformance import cases, check
from actsearch.compile.population import PopulationFunction, compile_population
from actsearch.errors import ConfigError, UnsupportedError
from actsearch.grammar.activation import parse
from tests.compile.population.members import COPIES, MIXED, sample


def _stackable(case):
    activation, dims = case.activation, len(case.shape)
    return (
        case.dtype == torch.float32 and activation.is_pointwise and dims
        and all(spec.granularity != "element" for spec in activation.parameters)
        and (dims > 1 or not any(spec.granularity != "layer" for spec in activation.parameters))
    )  # fmt: skip


CASES = {case.name: case for case in cases() if _stackable(case)}


class OneMember:
    """The backend protocol over a population of one slice, so that what all backends are held to holds for it."""

    def compile(self, activation, *, gain=1.0, cache=None):
        population = self.population = compile_population([activation], gains=[gain], cache=cache)

        def run(inputs, parameters, channel_dim):
            channels_last = [x.movedim(channel_dim, -1) if x.dim() > 1 else x for x in inputs]
            own = {"values": torch.cat([values.flatten() for values in parameters])} if parameters else {}
            y = functional_call(population, own, tuple(x.unsqueeze(0) for x in channels_last)).squeeze(0)
            return y.movedim(-1, channel_dim) if y.dim() > 1 else y

        return run


@pytest.mark.parametrize("name", CASES)
def test_forward_and_all_gradients_agree_with_float64(name):
    backend = OneMember()
    findings = check(backend, CASES[name])
    assert "native" in vars(backend.population)
    assert max(finding.excess for finding in findings) <= 1, findings


def test_a_population_learns_like_its_members():
    texts = MIXED[:7]
    population = compile_population(texts, copies=COPIES)
    x, upstream, _ = sample((5, 6), texts)
    x.requires_grad_()
    y = population(x)
    y.backward(upstream)
    for member, activation in enumerate(texts):
        layer = activation.module(backend="torch", channel_dim=-1)
        own = x.detach()[2 * member : 2 * member + 1].requires_grad_()
        expected = layer(own)
        expected.backward(upstream[2 * member : 2 * member + 1])
        torch.testing.assert_close(y[2 * member], expected[0])
        torch.testing.assert_close(x.grad[2 * member], own.grad[0])
        gradients = population.layout(6).views(population.values.grad)
        own = [found for slot, found in zip(population.slots, gradients, strict=True) if slot.member == member]
        for found, parameter in zip(own, layer.parameters(), strict=True):
            torch.testing.assert_close(found[0].reshape(parameter.shape), parameter.grad, rtol=1e-5, atol=1e-5)


WHOLE = (
    *MIXED[:6],
    parse("x / (1 + mean[last](x**2))"),
    parse("w * x", w=(0.5, "element")),
    parse("x * sigmoid(gate)"),
)


@pytest.mark.parametrize(("dtype", "backend"), [(torch.float32, None), (torch.float64, None), (torch.float32, "torch")])
def test_whatever_cannot_be_stacked_takes_modules_of_its_own(dtype, backend):
    population = compile_population(WHOLE, copies=COPIES, backend=backend)
    generator = torch.Generator().manual_seed(2)
    x, gate, upstream = (torch.randn(18, 5, 6, generator=generator, dtype=dtype) for _ in range(3))
    y = population(x.requires_grad_(), gate.requires_grad_())
    assert y.dtype == dtype
    y.backward(upstream)
    assert len(list(population.others)) == 2
    assert not gate.grad[:16].any()
    slope = torch.sigmoid(gate) * (1 - torch.sigmoid(gate))
    torch.testing.assert_close(gate.grad[16:], (upstream * x * slope)[16:])
    assert all(parameter.grad is not None for parameter in population.parameters())
    for member, activation in enumerate(WHOLE):
        layer = activation.module(backend="torch", channel_dim=-1)
        for at in (2 * member, 2 * member + 1):
            own = [tensor.detach()[at] for tensor in (x, gate)][: 1 + ("gate" in activation.inputs)]
            torch.testing.assert_close(y[at], layer(*own))


def test_derivatives_of_higher_order():
    texts = (MIXED[0], MIXED[1])
    population = compile_population(texts)
    x = torch.linspace(-2, 2, 24).view(2, 2, 6).requires_grad_()
    (first,) = torch.autograd.grad(population(x).sum(), x, create_graph=True)
    found = torch.autograd.grad(first.square().sum(), [x, *population.parameters()])
    for member, activation in enumerate(texts):
        layer = activation.module(backend="torch", channel_dim=-1)
        own = x.detach()[member].requires_grad_()
        (slope,) = torch.autograd.grad(layer(own).sum(), own, create_graph=True)
        second = torch.autograd.grad(slope.square().sum(), [own, *layer.parameters()])
        torch.testing.assert_close(found[0][member], second[0], rtol=1e-4, atol=1e-5)
        views = zip(population.slots, population.layout(6).views(found[1]), strict=True)
        of_member = [view for slot, view in views if slot.member == member]
        for view, exact in zip(of_member, second[1:], strict=True):
            torch.testing.assert_close(view.flatten(), exact, rtol=1e-4, atol=1e-5)


def test_an_input_that_depends_on_a_parameter_does_not_count_twice():
    population = compile_population([MIXED[0]])
    x = torch.linspace(-2, 2, 6).view(1, 1, 6) * population.values
    (first,) = torch.autograd.grad(population(x).sum(), population.values, create_graph=True)
    plain = torch.autograd.grad(population(x).sum(), population.values)[0]
    torch.testing.assert_close(first.detach(), plain)


def test_memory_with_gaps_and_empty_tensors():
    population = compile_population(MIXED)
    x = torch.randn(5, 6, 9).permute(2, 0, 1)
    assert torch.equal(population(x), population(x.contiguous()))
    empty = torch.empty(9, 0, 6, requires_grad=True)
    population(empty).sum().backward()
    assert empty.grad.shape == (9, 0, 6)
    assert not population.values.grad.any()


def test_it_copies_and_loads_before_and_after_it_knows_its_channels():
    fresh, used = compile_population(MIXED), compile_population(MIXED)
    x = torch.randn(9, 5, 6)
    y = used(x)
    with torch.no_grad():
        used.member(1)["a"].add_(1)
    copied = copy.deepcopy(used)
    assert torch.equal(copied(x), used(x))
    assert not torch.equal(used(x), y)
    fresh.load_state_dict(used.state_dict())
    assert torch.equal(fresh(x), used(x))


def test_a_member_s_parameters_are_views_of_all_values():
    population = compile_population(WHOLE, copies=COPIES)
    with pytest.raises(ConfigError, match="call it once"):
        population.member(1)
    x, gate = torch.randn(2, 18, 5, 6)
    population(x, gate).sum().backward()
    assert [sorted(population.member(index)) for index in (0, 1, 2, 8)] == [["beta"], ["a", "b"], [], []]
    assert {name.partition(".")[0] for name in population.member(7)} == {"0", "1"}
    assert [tuple(view.shape) for view in population.member(1).values()] == [(2, 6), (2, 1)]
    with torch.no_grad():
        before = population(x, gate)
        population.member(1)["a"][1] += 1
        after = population(x, gate)
    torch.testing.assert_close(after[3], before[3] + x[3])
    assert (after != before).flatten(1).any(1).nonzero().flatten().tolist() == [3]
    for index in (-1, 9):
        with pytest.raises(ConfigError, match=f"no member {index}"):
            population.member(index)


@pytest.mark.parametrize("optimiser", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop])
def test_optimisers_that_treat_numbers_alike_train_each_member_as_alone(optimiser):
    texts = MIXED[:4]
    together = compile_population(texts)
    alone = [compile_population([text]) for text in texts]
    x, upstream, _ = sample((5, 6), texts, 1)
    for layer, rows in [(together, slice(None)), *((one, slice(at, at + 1)) for at, one in enumerate(alone))]:
        layer(x[rows])
        if layer.values is None:
            continue
        learner = optimiser([layer.values], lr=0.05)
        for _ in range(3):
            learner.zero_grad()
            layer(x[rows]).backward(upstream[rows])
            learner.step()
    for member, one in enumerate(alone):
        for name, values in together.member(member).items():
            assert torch.equal(values, one.member(0)[name]), (member, name)


def test_transforms_of_torch_take_the_values():
    population = compile_population(MIXED[:8])
    x = torch.randn(8, 5, 6)
    y = population(x)
    (expected,) = torch.autograd.grad(y.sum(), population.values)

    def total(values, own):
        return functional_call(population, {"values": values}, (own,)).sum()

    values = population.values.detach()
    torch.testing.assert_close(grad(total)(values, x), expected, rtol=1e-4, atol=1e-4)
    each = vmap(grad(total), in_dims=(None, 0))(values, torch.stack([x, 2 * x]))
    torch.testing.assert_close(each[0], expected, rtol=1e-4, atol=1e-4)


def test_gradients_may_be_clipped_and_changed_in_place():
    population = compile_population(MIXED)
    population(torch.randn(9, 5, 6)).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(population.parameters(), 1e-3)
    assert norm > 1e-3
    assert population.values.grad.norm() == pytest.approx(1e-3, rel=1e-2)
    population.values.grad.zero_()


def test_it_pickles_and_changes_its_type():
    population = compile_population(MIXED[:2])
    x = torch.randn(2, 5, 6)
    y = population(x)
    assert torch.equal(pickle.loads(pickle.dumps(population))(x), y)
    doubled = copy.deepcopy(population).to(torch.float64)
    torch.testing.assert_close(doubled(x.double()), y.double())
    assert set(population.state_dict()) == {"values"}


def test_what_is_wrong_is_said():
    with pytest.raises(ConfigError, match="at least one"):
        a.compile_population([])
    with pytest.raises(ConfigError, match="copies is 0"):
        a.compile_population(MIXED, copies=0)
    with pytest.raises(ConfigError, match="1 gains for 9"):
        a.compile_population(MIXED, gains=[1.0])
    with pytest.raises(ConfigError, match=r"9 slices.*\(3, 4\)"):
        a.compile_population(MIXED)(torch.zeros(3, 4))
    with pytest.raises(ConfigError, match="2 groups, into which 5"):
        a.compile_population(MIXED)(torch.zeros(9, 3, 5))
    population = a.compile_population(MIXED[:2])
    population(torch.zeros(2, 3, 5))
    with pytest.raises(ConfigError, match=r"has 7 numbers .* 4 channels, .* would be 6"):
        population(torch.zeros(2, 3, 4))
    with pytest.raises(ConfigError, match="gate"):
        a.compile_population([parse("x * gate")])(torch.zeros(1, 3))
    with pytest.raises(ConfigError, match="float32 on the CPU"):
        PopulationFunction([parse("x")]).forward(torch.zeros(1, 3).double(), torch.empty(0))
    with pytest.raises(ConfigError, match="1 parameters for 3 channels, but 0"):
        PopulationFunction([MIXED[0]]).forward(torch.zeros(1, 3), torch.empty(0))
    for text in ("x / (1 + mean[last](x**2))", "stochastic(0.3, x, 0)"):
        with pytest.raises(UnsupportedError, match="cannot be stacked"):
            PopulationFunction([MIXED[0], parse(text)])


GPU = """
import json, sys, torch
from actsearch.compile.backend import load_backend
from actsearch.compile.population import compile_population
from tests.compile.population.members import COPIES, MIXED, sample

few = (MIXED[5], MIXED[0], MIXED[6])

launched = []
backend = load_backend("triton")
launcher = sys.modules[type(backend).__module__].Launcher
call = launcher.__call__
launcher.__call__ = lambda self, *given: launched.append(1) or call(self, *given)
torch.set_num_threads(1)
x, upstream, _ = sample((5, 6), few)
found = []
for name in ("triton", "torch"):
    population = compile_population(few, copies=COPIES, backend=name)
    own = x.clone().requires_grad_()
    y = population(own)
    y.backward(upstream)
    found.append([y, own.grad, *(parameter.grad for parameter in population.parameters())])
close = [torch.allclose(one, two, rtol=1e-4, atol=1e-5) for one, two in zip(*found)]
print(json.dumps({"close": close, "launches": len(launched)}))
"""


def test_on_a_gpu_the_members_of_one_structure_are_one_launch(tmp_path):
    environment = {
        **os.environ, "TRITON_INTERPRET": "1", "ACTSEARCH_STORE": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", GPU], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert all(found["close"]), found
    # Three members of two structures; each is one launch forward and one backward.
    assert found["launches"] == 2 * 2
