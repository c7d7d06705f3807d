"""A graph as the text of a Mermaid flowchart. Labels are data: none can become syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadfold.pictures.nodes import Node, Nodes

__all__ = ["mermaid_of"]

_SHAPES = {
    "lead": '["{}"]',
    "joins": '(["{}"])',
    "held": '(["{}"])',
    "group": '[["{}"]]',
}
_LINES = {"joins": "===", "held": "---", "stopped": "-.-"}
_PLAIN = frozenset(" +-_.,:/()…·")


def mermaid_of(nodes: Nodes) -> str:
    """Return *nodes* as a flowchart from left to right."""
    names = nodes.named()
    lines = ["flowchart LR"]
    lines += [f"  {name}{_shape(node)}" for node, name in names.items()]
    for edge in nodes.edges:
        label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
        lines.append(f"  {names[edge.start]} {_LINES[edge.style]}{label} {names[edge.end]}")
    return "\n".join(lines)


def _shape(node: Node) -> str:
    return _SHAPES[node.shape].format(_escaped(node.label))


def _escaped(label: str) -> str:
    """Return *label* with everything but letters, digits and a few signs as ``#code;``."""
    return "".join(sign if sign.isalnum() or sign in _PLAIN else f"#{ord(sign)};" for sign in label)
