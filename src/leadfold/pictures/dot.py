"""A graph in DOT, Graphviz's language. Labels are data: none can become syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadfold.pictures.nodes import Edge, Node, Nodes

__all__ = ["dot_of"]

_SHAPES = {
    "lead": "shape=box",
    "joins": 'shape=box, style="rounded,bold"',
    "held": "shape=box, style=rounded",
    "group": "shape=box, peripheries=2",
}
_LINES = {"joins": "style=bold", "held": "style=solid", "stopped": "style=dashed"}
# A backslash starts an escape such as \N, the node's name; an ampersand starts an entity.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot_of(nodes: Nodes) -> str:
    """Return *nodes* as an undirected graph that is laid out from left to right."""
    names = nodes.named()
    lines = ["graph {", "  rankdir=LR"]
    lines += [f"  {name} [{_node(node)}]" for node, name in names.items()]
    lines += [f"  {names[edge.start]} -- {names[edge.end]} [{_edge(edge)}]" for edge in nodes.edges]
    return "\n".join([*lines, "}"])


def _node(node: Node) -> str:
    return f"label={_quoted(node.label)}, {_SHAPES[node.shape]}"


def _edge(edge: Edge) -> str:
    label = f", label={_quoted(edge.label)}" if edge.label else ""
    return _LINES[edge.style] + label


def _quoted(label: str) -> str:
    return f'"{label.translate(_ESCAPES)}"'
