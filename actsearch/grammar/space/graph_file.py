"""The graph of a space's file: texts become templates, and every name is held against what it can mean."""

from __future__ import annotations

from actsearch.documents import Document
from actsearch.errors import ParseError, SpaceError, unknown_name
from actsearch.grammar.expression import Expression, Parameter, parameter_names, walk
from actsearch.grammar.parameter import array_lengths
from actsearch.grammar.space.alternatives import alternatives, declared
from actsearch.grammar.space.graph import NODE, A, B, GraphSpace
from actsearch.grammar.space.model import GraphModel, SpaceModel
from actsearch.grammar.text import read

_RULES_ONLY = ("start", "assign", "operators", "depth", "most", "weights", "starts")


def graph_space(document: Document[SpaceModel], model: GraphModel) -> GraphSpace:
    """The space that a file with a graph describes; raises `SpaceError`."""
    for key in _RULES_ONLY:
        if getattr(document.content, key):
            raise SpaceError(f"{document.where(key)}: {key} belongs to rules: a space with a graph has none.")
    values = {name: _read(text, document, "inputs", name) for name, text in model.inputs.items()}
    primitives = {name: _read(text, document, "primitives", name) for name, text in model.primitives.items()}
    for name, template in primitives.items():
        holes = {node for node in walk(template) if isinstance(node, Parameter)}
        if not {A} <= holes <= {A, B}:
            reason = "a primitive is an expression of a, or of a and b, and of nothing else that has a name"
            raise SpaceError(f"{document.where('graph', 'primitives', name)}: graph.primitives.{name}: {reason}.")
    for name, value in values.items():
        for hole in {A.name, B.name, NODE.name} & set(parameter_names(value)):
            reason = f"{hole} stands for a value of the graph and cannot be the name of a parameter"
            raise SpaceError(f"{document.where('graph', 'inputs', name)}: graph.inputs.{name}: {reason}.")
    output = _read(model.output, document, "output")
    if NODE not in walk(output):
        reason = "expected an expression of node, the last one of the graph"
        raise SpaceError(f"{document.where('graph', 'output')}: graph.output: {reason}.")
    own: dict[str, int | None] = {}
    for expression in (*values.values(), output):
        own |= {name: length for name, length in array_lengths(expression).items() if name != NODE.name}
    for name in document.content.parameters:
        if name not in own:
            error = unknown_name("parameter (neither the inputs nor the output have it)", name, own)
            raise SpaceError(f"{document.where('parameters', name)}: {error}")
    specs = alternatives(own, document, "graph", "output")
    if len(specs) > 1:
        raise SpaceError(f"{document.where('parameters')}: parameters: a graph's parameters are had in one way only.")
    return GraphSpace(
        name=document.path.stem,
        title=document.content.title,
        paper=document.content.paper,
        values=values,
        primitives=primitives,
        count=model.nodes,
        output=output,
        parameters=specs[0],
        protocols=tuple(document.content.protocols),
    )


def _read(text: str, document: Document[SpaceModel], *place: str) -> Expression:
    try:
        return read(text, declared(document.content))
    except ParseError as error:
        raise SpaceError(f"{document.where('graph', *place)}: graph.{'.'.join(place)}: {error}") from None
