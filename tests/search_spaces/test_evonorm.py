"""The layers that EvoNorm's search found, as graphs of its space, against torch."""

from __future__ import annotations

import pytest
import torch

from actsearch.grammar.space.graph import Graph, GraphSpace, Node
from tests.search_spaces.conftest import space_called

# Inputs are 0 to 3: x, zero, v0, v1; nodes are 4 to 13, the last of which is the output.
X, ZERO, V0, V1 = range(4)
FILL = ("negative", X)
B0 = (
    ("multiply", V1, X), ("std_instance", X), ("add", 4, 5), ("std_batch", X), ("max", 7, 6), FILL, FILL, FILL, FILL,
    ("divide", X, 8),
)  # fmt: skip
# x + 1 has no 1 among the inputs: it is exp(0).
B1 = (
    ("exp", ZERO), ("add", X, 4), ("rms_instance", X), ("multiply", 5, 6), ("std_batch", X), ("max", 8, 7), FILL, FILL,
    FILL, ("divide", X, 9),
)  # fmt: skip
B2 = (
    ("rms_instance", X), ("negative", X), ("add", 4, 5), ("std_batch", X), ("max", 7, 6), FILL, FILL, FILL, FILL,
    ("divide", X, 8),
)  # fmt: skip
S0 = (
    ("multiply", V1, X), ("sigmoid", 4), ("multiply", X, 5), ("std_group", X), FILL, FILL, FILL, FILL, FILL,
    ("divide", 6, 7),
)  # fmt: skip
S1 = (
    ("sigmoid", X), ("multiply", X, 4), ("std_group", X), FILL, FILL, FILL, FILL, FILL, FILL, ("divide", 5, 6),
)  # fmt: skip
S2 = (
    ("sigmoid", X), ("multiply", X, 4), ("rms_group", X), FILL, FILL, FILL, FILL, FILL, FILL, ("divide", 5, 6),
)  # fmt: skip
GROUPS = 8


def deviation(x, dims):
    return (x.var(dims, keepdim=True, unbiased=False) + 1e-5).sqrt()


def root(x, dims):
    return ((x * x).mean(dims, keepdim=True) + 1e-5).sqrt()


def grouped(measure, x):
    n, c, h, w = x.shape
    parts = x.reshape(n, GROUPS, c // GROUPS, h, w)
    return measure(parts, (2, 3, 4)).expand_as(parts).reshape(x.shape)


BATCH, INSTANCE = (0, 2, 3), (2, 3)
LAYERS = {
    "B0": (B0, lambda x, v: x / torch.maximum(deviation(x, BATCH), v * x + deviation(x, INSTANCE))),
    "B1": (B1, lambda x, _: x / torch.maximum(deviation(x, BATCH), (x + 1) * root(x, INSTANCE))),
    "B2": (B2, lambda x, _: x / torch.maximum(deviation(x, BATCH), root(x, INSTANCE) - x)),
    "S0": (S0, lambda x, v: x * torch.sigmoid(v * x) / grouped(deviation, x)),
    "S1": (S1, lambda x, _: torch.nn.functional.silu(x) / grouped(deviation, x)),
    "S2": (S2, lambda x, _: torch.nn.functional.silu(x) / grouped(root, x)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_the_paper_is_a_graph_of_its_space(name):
    space = space_called("evonorm")
    assert isinstance(space, GraphSpace)
    nodes, reference = LAYERS[name]
    graph = Graph(
        nodes=tuple(Node(primitive=primitive, predecessors=tuple(taken)) for primitive, *taken in nodes),
        parameters=space.parameters,
    )
    assert space.contains(graph)
    assert space.decode(graph.encode()) == graph
    activation = space.activation(graph)
    layer = activation.module(backend="torch", channels=16, dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    values = {
        parameter: torch.randn(16, generator=generator, dtype=torch.float64)
        for parameter, _ in layer.named_parameters()
    }
    layer.load_state_dict(values, strict=False)
    x = torch.randn(4, 16, 3, 5, generator=generator, dtype=torch.float64)

    def column(parameter):
        return values[parameter].reshape(1, -1, 1, 1) if parameter in values else None

    expected = column("gamma") * reference(x, column("v1")) + column("beta")
    torch.testing.assert_close(layer(x), expected)
    assert {spec.granularity for spec in activation.parameters} == {"channel"}
    assert ("v1" in values) == (name in ("B0", "S0"))


def test_the_space_is_that_of_the_paper():
    space = space_called("evonorm")
    assert isinstance(space, GraphSpace)
    assert (list(space.values), space.count) == (["x", "zero", "v0", "v1"], 10)
    assert {spec.name: spec.initial for spec in space.parameters} == {"v0": 0.0, "v1": 1.0, "gamma": 1.0, "beta": 0.0}
    pointwise = [name for name in space.primitives if "_" not in name or name.startswith("signed")]
    assert pointwise == [
        "add", "multiply", "divide", "max", "negative", "sigmoid", "tanh", "exp", "signed_log", "abs", "square",
        "signed_sqrt",
    ]  # fmt: skip
    assert len(space.primitives) == len(pointwise) + 3 * 4
