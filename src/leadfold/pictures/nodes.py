"""Nodes in columns and the edges between them: what SVG, Mermaid and DOT are all written from."""

from __future__ import annotations

import re
from typing import Literal

import attrs

__all__ = ["Edge", "Node", "Nodes", "printable"]

# What XML 1.0 forbids, and what would break a line or turn the direction of the text around it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return *text* on one line, with a mark in the place of what cannot be drawn.

    >>> printable(f"a{chr(10)}b")
    'a�b'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


@attrs.frozen(eq=False)
class Node:
    """Something drawn, by what it is: a lead, an identifier, another group."""

    shape: Literal["lead", "joins", "held", "group"]
    label: str = attrs.field(converter=printable)


@attrs.frozen
class Edge:
    """A line between two nodes of neighbouring columns."""

    start: Node
    end: Node
    style: Literal["lead", "joins", "held", "group", "stopped"]
    label: str = ""


@attrs.frozen
class Nodes:
    """A picture to be: its *title*, nodes in columns from left to right, and edges."""

    title: str = attrs.field(converter=printable)
    columns: tuple[tuple[Node, ...], ...]
    edges: tuple[Edge, ...]

    def named(self) -> dict[Node, str]:
        """Return a name for each node that no label can forge."""
        nodes = (node for column in self.columns for node in column)
        return {node: f"n{number}" for number, node in enumerate(nodes)}
