"""Raw cells of a column made into what a lead holds: a text, several, a time, or nothing.

A cell that cannot be read is told of and left out; whether a value is *good* is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, TypeGuard, TypeVar, cast
from uuid import UUID

from leadfold.normalizers.reason import is_missing
from leadfold.normalizers.whole_numbers import whole_float_to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.cli.columns import Source
    from leadfold.model import Cell

__all__ = ["Tell", "merged", "moments", "single", "texts"]

Tell = Callable[[int, str], None]
"""Who hears which cell of a column could not be read, and why."""

Raw = TypeVar("Raw")
Value = TypeVar("Value")

_BROKEN = re.compile("[\ud800-\udfff]")
_FLOAT_OR_NAN = re.compile(r"[0-9]\.0+\s*$|[0-9][eE]\+[0-9]|^(?:nan|NaN)$", re.MULTILINE)
_HINTS = (".0", "E+", "e+", "nan", "NaN")  # one of which every match of it contains
_NO_VALUE = frozenset({"", "nan", "NaN"})


def texts(cells: Sequence[object], tell: Tell) -> list[Cell]:
    """Return *cells* as texts: empty and NaN as None, whole floats as their digits.

    >>> texts(["x", "", 5551234567.0, ["a", "b"], "17.0"], print)
    ['x', None, '5551234567', ('a', 'b'), '17']
    """
    if _are_plain(cells):
        return [cell or None for cell in cells]
    return [_told_of(_text, cell, number, tell) for number, cell in enumerate(cells)]


def single(cells: Iterable[Cell], tell: Tell) -> list[str | None]:
    """Return *cells* with those that hold several texts told of and left out."""
    return [_told_of(_one, cell, number, tell) for number, cell in enumerate(cells)]


def moments(cells: Iterable[object], tell: Tell) -> list[datetime | None]:
    """Return *cells* as times: ISO 8601 text, or what a typed file says is a time or a date.

    >>> moments(["2024-05-01T08:30", "2024-05-01", "yesterday"], print)
    2 not a time in ISO 8601
    [datetime.datetime(2024, 5, 1, 8, 30), datetime.datetime(2024, 5, 1, 0, 0), None]
    """
    return [_told_of(_moment, cell, number, tell) for number, cell in enumerate(cells)]


def merged(columns: Sequence[Sequence[Cell]], source: Source) -> list[Cell]:
    """Return, for every row, what the *columns* of *source* hold together, cut as it says."""
    if len(columns) == 1 and source.takes_cells_whole:
        return list(columns[0])
    return [
        _cell(v for cell in row for v in _cut(cell, source)) for row in zip(*columns, strict=True)
    ]


def _are_plain(cells: Sequence[object]) -> TypeGuard[Sequence[str]]:
    """Tell whether *cells* are texts with nothing that needs a look, as those of most columns."""
    try:
        whole = "\n".join(cast("Sequence[str]", cells))
    except TypeError:  # a join is the quickest way to learn whether all are texts
        return False
    if "\0" in whole or not (whole.isascii() or _BROKEN.search(whole) is None):
        return False
    # A million cells are searched for substrings first: that is twenty times as quick.
    return not (any(hint in whole for hint in _HINTS) and _FLOAT_OR_NAN.search(whole))


def _told_of(
    read: Callable[[Raw], Value | None], cell: Raw, number: int, tell: Tell
) -> Value | None:
    """Return what *read* makes of *cell*, or None once *tell* knows why it makes nothing."""
    try:
        return read(cell)
    except ValueError as e:
        tell(number, str(e))
        return None


def _text(cell: object) -> Cell:
    """Return *cell* as a text or, of a list, texts; ValueError says why it is neither."""
    if isinstance(cell, list):
        return _cell(text for item in cell if (text := _one_text(item)) is not None)
    return _one_text(cell)


def _one_text(cell: object) -> str | None:
    """Return *cell* as text, None where it stands for nothing."""
    if _is_nothing(cell):
        return None
    whole = str(cell) if isinstance(cell, UUID) else whole_float_to_text(cell)
    if not isinstance(whole, str):
        msg = f"a {type(cell).__name__}, not text"
        raise ValueError(msg)  # noqa: TRY004 - the file's fault, not the program's
    return _sound(whole)


def _is_nothing(cell: object) -> bool:
    """Tell whether *cell* is None, NaN or the text that stands for them."""
    return is_missing(cell) or (isinstance(cell, str) and cell in _NO_VALUE)


def _sound(text: str) -> str:
    """Return *text* unless it has bytes that were no text."""
    if _BROKEN.search(text):
        msg = "bytes that are no text in the encoding of the file"
        raise ValueError(msg)
    if "\0" in text:
        msg = "a NUL character"
        raise ValueError(msg)
    return text


def _one(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    msg = "several values where one is expected"
    raise ValueError(msg)


def _moment(cell: object) -> datetime | None:
    """Return the time that *cell* names; a date means its first moment."""
    if isinstance(cell, datetime):
        return cell
    if _is_nothing(cell):
        return None
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    try:
        return datetime.fromisoformat(str(cell).strip())
    except ValueError as e:
        msg = "not a time in ISO 8601"
        raise ValueError(msg) from e


def _cut(cell: Cell, source: Source) -> Iterable[str]:
    """Return the values of *source* in one cell."""
    whole = (cell,) if isinstance(cell, str) else cell or ()
    return (value for text in whole for value in source.values(text))


def _cell(values: Iterable[str]) -> Cell:
    """Return *values* as a lead holds them: nothing, one text or several."""
    found = tuple(values)
    if len(found) > 1:
        return found
    return found[0] if found else None
