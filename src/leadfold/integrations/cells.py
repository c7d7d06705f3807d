"""Cells of a frame as what a lead holds: a text, several, or nothing. Values are not judged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from leadfold.normalizers.whole_numbers import DigitsLostError, whole_float_to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leadfold.integrations.narwhal import Series
    from leadfold.model import Cell

__all__ = ["cells_of", "merged"]


def cells_of(series: Series, tell: Callable[[int, str], None]) -> list[Cell]:
    """Return the cells of *series*: text as it is, whole numbers as their digits, missing as None.

    *tell* hears of rows, by number, whose cell is no such thing, and why; they are None.
    """
    missing = series.is_null().to_list()
    cells: list[Cell] = []
    for row, (raw, is_missing) in enumerate(zip(series.to_list(), missing, strict=True)):
        try:
            cells.append(None if is_missing else raw if type(raw) is str else _cell(raw))
        except (TypeError, DigitsLostError) as e:
            tell(row, str(e))
            cells.append(None)
    return cells


def merged(columns: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Return what each row holds in all *columns* together, in their order."""
    if len(columns) == 1:
        return list(columns[0])
    return [
        _one_or_many(text for cell in row for text in _texts(cell))
        for row in zip(*columns, strict=True)
    ]


def _cell(raw: object) -> Cell:
    if hasattr(raw, "tolist"):  # of NumPy: a number of its own, or an array
        raw = raw.tolist()
    if isinstance(raw, set | frozenset):
        raw = sorted(raw, key=str)
    if not isinstance(raw, list | tuple):
        return _text(raw)
    return _one_or_many(text for each in raw if (text := _text(each)) is not None)


def _text(raw: object) -> str | None:
    """Return *raw* as text, None for NaN; a TypeError says what else it is."""
    if raw is None or raw != raw:  # noqa: PLR0124 - NaN's own test
        return None
    if isinstance(raw, str | UUID):
        return str(raw)
    if isinstance(raw, Decimal) and raw == raw.to_integral_value():
        return str(int(raw))
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(int(raw))
    text = whole_float_to_text(raw) if isinstance(raw, float) else None
    if isinstance(text, str):
        return text
    msg = f"a {type(raw).__name__} is no text: convert it before"
    raise TypeError(msg)


def _texts(cell: Cell) -> Sequence[str]:
    return () if cell is None else (cell,) if isinstance(cell, str) else cell


def _one_or_many(texts: Iterable[str]) -> Cell:
    found = tuple(texts)
    return found if len(found) > 1 else found[0] if found else None
