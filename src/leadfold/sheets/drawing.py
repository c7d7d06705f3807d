"""A sheet as HTML: escaped, no script, nothing fetched. Knows blocks, and no object."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from leadfold.sheets.blocks import Bars, Figures, Note, Table
from leadfold.sheets.style import SCOPE, STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.sheets.blocks import Block, Cell, Sheet

__all__ = ["drawn"]


def drawn(sheet: Sheet) -> str:
    """Return *sheet* as one HTML element that brings its style along.

    >>> from leadfold.sheets.blocks import Sheet
    >>> html = drawn(Sheet("Why", "l1 <b>", (Note("a & b"),)))
    >>> html.partition("</style>")[2][:61]
    '<div class="lf-head"><b>Why</b> <span class="lf-mute">l1 &lt;'
    """
    return "".join(
        (
            f'<div class="{SCOPE}"><style>{STYLE}</style>',
            f'<div class="lf-head"><b>{escape(sheet.title)}</b> ',
            f'<span class="lf-mute">{escape(sheet.about)}</span></div>',
            *(part for block in sheet.blocks for part in _parts(block)),
            "</div>",
        )
    )


def _parts(block: Block) -> Iterator[str]:
    """Yield the markup of *block*."""
    match block:
        case Figures(pairs):
            figures = "".join(
                f"<div><dt>{escape(name)}</dt><dd>{_text(value)}</dd></div>"
                for name, value in pairs
            )
            yield f"<dl>{figures}</dl>"
        case Bars(title, pairs):
            yield f"<table><caption>{escape(title)}</caption><tbody>"
            yield from _bars(pairs)
            yield "</tbody></table>"
        case Table():
            yield from _table(block)
        case Note(text, tone):
            yield f'<p class="lf-note lf-{escape(tone)}">{escape(text)}</p>'


def _bars(pairs: Iterable[tuple[str, int]]) -> Iterator[str]:
    pairs = tuple(pairs)
    most = max((count for _, count in pairs), default=0)
    for name, count in pairs:
        width = 100 * count / most if most else 0
        yield f"<tr><td>{escape(name)}</td>{_cell(count)}"
        yield f'<td class="lf-bar"><i style="width:{width:.1f}%"></i></td></tr>'


def _table(block: Table) -> Iterator[str]:
    yield f"<table><caption>{escape(block.title)}</caption><thead><tr>"
    numeric = [bool(block.rows) and isinstance(cell, int) for cell in block.rows[0]]
    for name, number in zip(block.head, numeric, strict=True):
        yield f'<th class="lf-n">{escape(name)}</th>' if number else f"<th>{escape(name)}</th>"
    yield "</tr></thead><tbody>"
    for row in block.rows:
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    if block.left_out:
        more = f"… and {block.left_out:,} more"
        yield f'<tr><td class="lf-mute" colspan="{len(block.head)}">{more}</td></tr>'
    yield "</tbody></table>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, int):
        return f'<td class="lf-n">{_text(cell)}</td>'
    return f"<td>{_text(cell)}</td>"


def _text(cell: Cell) -> str:
    """Return *cell* escaped; numbers in thousands."""
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else escape(cell)
