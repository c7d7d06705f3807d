"""Where the nodes of a graph stand: columns whose order lets few lines cross. Deterministic."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.pictures.nodes import Edge, Node, Nodes

__all__ = ["Box", "Layout", "laid_out", "shortened"]

ROW, HEIGHT, GAP, MARGIN = 38, 26, 150, 20
_LETTER = 7.6  # pixels that a letter of 13 takes at most, on average
_LONGEST = 44
_ROUNDS = 6


@attrs.frozen
class Box:
    """Where a node is drawn: its corner, its width and its text."""

    x: float
    y: float
    width: float
    text: str

    @property
    def middle(self) -> float:
        """Return the height at which lines meet it."""
        return self.y + HEIGHT / 2


@attrs.frozen
class Layout:
    """The box of every node, and how large the whole is."""

    boxes: Mapping[Node, Box]
    width: float
    height: float


def laid_out(nodes: Nodes, top: float = 0) -> Layout:
    """Return where everything in *nodes* stands, from *top* downwards."""
    columns = [column for column in _ordered(nodes) if column]
    most = max(map(len, columns))
    boxes: dict[Node, Box] = {}
    x: float = MARGIN
    for column in columns:
        texts = {node: shortened(node.label) for node in column}
        width = max(map(_width, texts.values())) + 2 * 12
        y = top + (most - len(column)) * ROW / 2
        for place, node in enumerate(column):
            boxes[node] = Box(x, y + place * ROW, width, texts[node])
        x += width + GAP
    return Layout(boxes, x - GAP + MARGIN, top + most * ROW)


def shortened(label: str) -> str:
    """Return *label*, or its beginning where it is too long to draw."""
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _width(text: str) -> float:
    return _LETTER * sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _ordered(nodes: Nodes) -> list[list[Node]]:
    """Return the columns, each sorted by where its neighbours in the others stand, repeatedly."""
    columns = [list(column) for column in nodes.columns]
    neighbours = _neighbours(nodes.edges)
    for _ in range(_ROUNDS):
        for column in columns:
            places = _places(columns)
            means = {node: _mean(places, neighbours[node], places[node]) for node in column}
            column.sort(key=means.__getitem__)  # stable: the order given decides what is equal
    return columns


def _neighbours(edges: Iterable[Edge]) -> Mapping[Node, list[Node]]:
    found: dict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        found[edge.start].append(edge.end)
        found[edge.end].append(edge.start)
    return found


def _places(columns: Iterable[Sequence[Node]]) -> dict[Node, float]:
    """Return how far down its column each node stands, counted from the middle."""
    return {
        node: place - (len(column) - 1) / 2
        for column in columns
        for place, node in enumerate(column)
    }


def _mean(places: Mapping[Node, float], nodes: Sequence[Node], otherwise: float) -> float:
    return sum(places[node] for node in nodes) / len(nodes) if nodes else otherwise
