"""A graph as SVG that the library draws itself: boxes in columns, lines between them, a legend."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from leadfold.pictures.frame import framed
from leadfold.pictures.layout import HEIGHT, MARGIN, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.pictures.layout import Box, Layout
    from leadfold.pictures.nodes import Edge, Nodes

__all__ = ["svg_of"]

_TOP, _FOOT = 50, 34
_LEGEND = (
    ("joins", "joined them"),
    ("held", "held, joined nobody"),
    ("stopped", "shared with others, did not join"),
)
_NARROWEST = 560  # what the legend takes


def svg_of(nodes: Nodes) -> str:
    """Return *nodes* as an SVG document."""
    layout = laid_out(nodes, _TOP)
    width = max(layout.width, _NARROWEST)
    parts = [
        f'<text class="lf-title" x="{MARGIN}" y="28">{escape(nodes.title)}</text>',
        *(_line(edge, layout) for edge in nodes.edges),
        *(_box(node.shape, box) for node, box in layout.boxes.items()),
        *_edge_labels(nodes, layout),
        *_legend(layout.height + _FOOT / 2),
    ]
    return framed(
        f'<g class="lf-graph">{"".join(parts)}</g>', width, layout.height + _FOOT, nodes.title
    )


def _line(edge: Edge, layout: Layout) -> str:
    start, end = layout.boxes[edge.start], layout.boxes[edge.end]
    left, right = start.x + start.width, end.x
    bend, y, to = (left + right) / 2, start.middle, end.middle
    curve = f"M{left:.1f} {y:.1f}C{bend:.1f} {y:.1f} {bend:.1f} {to:.1f} {right:.1f} {to:.1f}"
    return f'<path class="lf-line-{edge.style}" d="{curve}"/>'


def _box(shape: str, box: Box) -> str:
    round_ = HEIGHT / 2 if shape in {"joins", "held"} else 4
    return (
        f'<rect class="lf-{shape}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{HEIGHT}" rx="{round_:.0f}"/>'
        f'<text x="{box.x + box.width / 2:.1f}" y="{box.middle + 4.5:.1f}" '
        f'text-anchor="middle">{escape(box.text)}</text>'
    )


def _edge_labels(nodes: Nodes, layout: Layout) -> Iterator[str]:
    for edge in nodes.edges:
        if edge.label:
            start, end = layout.boxes[edge.start], layout.boxes[edge.end]
            x, y = (start.x + start.width + end.x) / 2, (start.middle + end.middle) / 2
            yield (
                f'<text class="lf-small lf-halo" x="{x:.1f}" y="{y + 4:.1f}" '
                f'text-anchor="middle">{escape(edge.label)}</text>'
            )


def _legend(y: float) -> Iterator[str]:
    x: float = MARGIN
    for style, meaning in _LEGEND:
        yield f'<line class="lf-line-{style}" x1="{x}" y1="{y}" x2="{x + 26}" y2="{y}"/>'
        yield f'<text class="lf-small" x="{x + 33}" y="{y + 4}">{escape(meaning)}</text>'
        x += 33 + 6.6 * len(meaning) + 18
