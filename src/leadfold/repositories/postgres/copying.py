"""Rows as COPY takes them, in its text format. Values only; no SQL runs."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING

from leadfold.exceptions import UnitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["NULL", "escaped", "is_plain", "lines_of", "require_storable"]

NULL = token_urlsafe(5)
"""What stands for no text in a row: nobody can guess it, so that no cell is ever it."""

_TAB, _TABS = "\t", 11
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def lines_of(head: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a line for each of *rows*, which begins with *head*."""
    return [f"{head}{_TAB.join(row)}\n" for row in rows]


def is_plain(text: str, rows: int) -> bool:
    """Tell whether *text* of so many *rows* holds no cell that needs an escape or is refused."""
    if "\\" in text or "\r" in text or "\0" in text or not _is_unicode(text):
        return False
    return text.count("\n") == rows and text.count(_TAB) == rows * _TABS


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def escaped(cell: str) -> str:
    """Return *cell* as COPY takes it, or object to what PostgreSQL cannot hold."""
    require_storable(cell)
    return cell.translate(_ESCAPES)


def require_storable(text: str) -> None:
    """Object to what PostgreSQL cannot hold."""
    if "\0" in text:
        msg = "a text with a NUL character cannot be stored"
        raise UnitError(msg)
    if not text.isascii():
        text.encode()
