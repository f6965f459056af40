"""A space of graphs: a fixed number of nodes, each a primitive of earlier ones; the last one is the output.

Source: Liu, Brock, Simonyan, Le (2020), Evolving Normalization-Activation Layers, arXiv:2004.02967.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actsearch.errors import ParseError, SpaceError
from actsearch.grammar.activation import Activation, Candidate
from actsearch.grammar.expression import Expression, Parameter, fold, input_names, substitute
from actsearch.grammar.space.moves import moved
from actsearch.grammar.space.production import Specs
from actsearch.grammar.space.protocol import Move, Size
from actsearch.grammar.statistic import check_nesting

LARGEST_EXPRESSION = 160
"""Nodes of an expression, shared parts counted each time: what the text of an activation has room for."""
DEEPEST_EXPRESSION = 36
_SAMPLES, _ATTEMPTS = 1000, 16
A, B = Parameter("a"), Parameter("b")
NODE = Parameter("node")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A primitive, and which earlier values it takes: the inputs first, then the nodes."""

    primitive: str
    predecessors: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The nodes in order, and the parameters of inputs and output."""

    nodes: tuple[Node, ...]
    parameters: Specs = ()

    def encode(self) -> str:
        """JSON text, which `GraphSpace.decode` reads back."""
        nodes = [[node.primitive, *node.predecessors] for node in self.nodes]
        return json.dumps([nodes, [spec.initial for spec in self.parameters]], separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSpace:
    """Graphs whose expressions are activations: at most two statistics deep, and short enough to be written."""

    name: str
    title: str
    paper: str
    values: Mapping[str, Expression]
    """What the first nodes may take, by name."""
    primitives: Mapping[str, Expression]
    """Templates over `a`, or `a` and `b`."""
    count: int
    """Number of nodes."""
    output: Expression
    """Template over `node`, the last one."""
    parameters: Specs
    selectors: tuple[str, ...] = ("*",)
    protocols: tuple[str, ...] = ()

    @property
    def inputs(self) -> frozenset[str]:
        """Inputs that some candidate reads."""
        return frozenset(name for value in self.values.values() for name in input_names(value))

    @property
    def moves(self) -> Mapping[str, Move]:
        """Mutations."""
        moves: dict[str, Move] = {"node": self._node, "rewire": self._rewire, "primitive": self._primitive}
        return {**moves, "parameter": self._parameter} if self.parameters else moves

    def arity(self, primitive: str) -> int:
        """How many values a primitive takes."""
        return 2 if B in _leaves(self.primitives[primitive]) else 1

    def sample(self, random_generator: random.Random) -> Graph:
        """A random graph: every node draws its primitive and then what it takes, until the whole is an activation.

        Most graphs lead past the inputs from the last node, and are constants: those are drawn again.
        """
        for _ in range(_SAMPLES):
            nodes = tuple(self._draw(place, random_generator) for place in range(self.count))
            graph = Graph(nodes=nodes, parameters=self.parameters)
            if self.contains(graph) and (not self.inputs or input_names(self._express(graph))):
                return graph
        raise SpaceError(f"the space {self.name!r}: none of {_SAMPLES} random graphs is an activation.")

    def crossover(self, first: Graph, second: Graph, random_generator: random.Random) -> tuple[Graph, Graph] | None:
        """Swap the first nodes of two graphs up to a random place; None if no place drawn gives two activations."""
        for _ in range(_ATTEMPTS if self.count > 1 else 0):
            cut = random_generator.randrange(1, self.count)
            children = (
                replace(first, nodes=first.nodes[:cut] + second.nodes[cut:]),
                replace(second, nodes=second.nodes[:cut] + first.nodes[cut:]),
            )
            if children != (first, second) and all(map(self.contains, children)):
                return children
        return None

    def candidate(self, genome: Graph) -> Candidate:
        """What `genome` stands for."""
        return Candidate.everywhere(self.activation(genome))

    def activation(self, genome: Graph) -> Activation:
        """The function of the last node, in the output's template."""
        return Activation.of(self._express(genome), {spec.name: spec for spec in genome.parameters})

    def decode(self, text: str) -> Graph:
        """The graph that `Graph.encode` wrote."""
        try:
            nodes, values = json.loads(text)
            graph = Graph(
                nodes=tuple(Node(primitive=str(name), predecessors=tuple(taken)) for name, *taken in nodes),
                parameters=tuple(
                    replace(spec, initial=tuple(value) if isinstance(value, list) else value)
                    for spec, value in zip(self.parameters, values, strict=True)
                ),
            )
            known = self._is_well_formed(graph)
        except (ValueError, TypeError, RecursionError):
            raise SpaceError(
                f"{text[:60]!r} is no genome: expected [[[primitive, place, ...], ...], [values]]."
            ) from None
        if not known:
            raise SpaceError(f"the space has no such graph as {text[:60]!r}: was its file changed?")
        return graph

    def contains(self, genome: Graph) -> bool:
        """Whether `genome` is a graph of this space and an activation."""
        if not self._is_well_formed(genome):
            return False
        expression = self._express(genome)
        size, depth = _extent(expression)
        if size > LARGEST_EXPRESSION or depth > DEEPEST_EXPRESSION:
            return False
        try:
            check_nesting(expression)
        except ParseError:
            return False
        return True

    def size(self) -> Size:
        """Number of graphs, a bound: some nest statistics too deep, or grow too large."""
        places = range(len(self.values), len(self.values) + self.count)
        arities = [self.arity(name) for name in self.primitives]
        return Size(count=math.prod(sum(place**arity for arity in arities) for place in places), exact=False)

    def enumerate(self) -> Iterator[Graph]:
        """Every graph once, in a fixed order."""
        choices = [list(self._nodes_at(place)) for place in range(self.count)]
        graphs = (Graph(nodes=nodes, parameters=self.parameters) for nodes in itertools.product(*choices))
        return filter(self.contains, graphs)

    def _nodes_at(self, place: int) -> Iterator[Node]:
        for name in self.primitives:
            for taken in itertools.product(range(len(self.values) + place), repeat=self.arity(name)):
                yield Node(primitive=name, predecessors=taken)

    def _express(self, genome: Graph) -> Expression:
        known = list(self.values.values())
        for node in genome.nodes:
            taken: dict[Expression, Expression] = {}
            for hole, index in zip((A, B), node.predecessors, strict=False):
                taken[hole] = known[index]
            known.append(substitute(self.primitives[node.primitive], taken))
        return substitute(self.output, {NODE: known[-1]})

    def _is_well_formed(self, genome: Graph) -> bool:
        names = [(spec.name, spec.granularity, spec.shared, spec.length) for spec in genome.parameters]
        own = [(spec.name, spec.granularity, spec.shared, spec.length) for spec in self.parameters]
        return (
            names == own
            and len(genome.nodes) == self.count
            and all(
                node.primitive in self.primitives
                and len(node.predecessors) == self.arity(node.primitive)
                and all(type(i) is int and 0 <= i < len(self.values) + place for i in node.predecessors)
                for place, node in enumerate(genome.nodes)
            )
        )

    def _draw(self, place: int, rng: random.Random, among: Sequence[str] = ()) -> Node:
        primitive = rng.choice(among or list(self.primitives))
        taken = tuple(rng.randrange(len(self.values) + place) for _ in range(self.arity(primitive)))
        return Node(primitive=primitive, predecessors=taken)

    def _changed(self, genome: Graph, place: int, node: Node) -> Graph | None:
        if node == genome.nodes[place]:
            return None
        graph = replace(genome, nodes=(*genome.nodes[:place], node, *genome.nodes[place + 1 :]))
        return graph if self.contains(graph) else None

    def _node(self, genome: Graph, rng: random.Random) -> Graph | None:
        """Draw the primitive of one node that the output depends on, and what it takes, anew: the paper's mutation."""
        for _ in range(_ATTEMPTS):
            place = rng.choice(self._live(genome))
            graph = self._changed(genome, place, self._draw(place, rng))
            if graph is not None:
                return graph
        return None

    def _rewire(self, genome: Graph, rng: random.Random) -> Graph | None:
        """Let one node take another value."""
        for _ in range(_ATTEMPTS):
            place = rng.choice(self._live(genome))
            node = genome.nodes[place]
            taken = list(node.predecessors)
            taken[rng.randrange(len(taken))] = rng.randrange(len(self.values) + place)
            graph = self._changed(genome, place, replace(node, predecessors=tuple(taken)))
            if graph is not None:
                return graph
        return None

    def _primitive(self, genome: Graph, rng: random.Random) -> Graph | None:
        """Apply another primitive to what one node takes."""
        for _ in range(_ATTEMPTS):
            place = rng.choice(self._live(genome))
            node = genome.nodes[place]
            alike = [name for name in self.primitives if self.arity(name) == len(node.predecessors)]
            graph = self._changed(genome, place, replace(node, primitive=rng.choice(alike)))
            if graph is not None:
                return graph
        return None

    def _parameter(self, genome: Graph, rng: random.Random) -> Graph | None:
        """Change the initial value of one parameter."""
        index = rng.randrange(len(genome.parameters))
        spec = moved(genome.parameters[index], rng)
        return replace(genome, parameters=(*genome.parameters[:index], spec, *genome.parameters[index + 1 :]))

    def _live(self, genome: Graph) -> list[int]:
        """Places of the nodes that the output depends on."""
        live = {self.count - 1}
        for place in reversed(range(self.count)):
            if place in live:
                live |= {index - len(self.values) for index in genome.nodes[place].predecessors}
        return sorted(place for place in live if place >= 0)


def _extent(expression: Expression) -> tuple[int, int]:
    """Number of nodes, shared ones counted each time, and levels."""
    return fold(  # type: ignore[no-any-return]
        expression, lambda _: (1, 1), lambda _, inner: (1 + sum(n for n, _ in inner), 1 + max(d for _, d in inner))
    )


def _leaves(expression: Expression) -> set[Expression]:
    return fold(expression, lambda node: {node}, lambda _, inner: set().union(*inner))  # type: ignore[no-any-return]
