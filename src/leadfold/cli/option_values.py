"""What the values of options are read as; what cannot be meant is told as argparse tells it."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime

__all__ = ["character", "count", "lead_ids", "moment", "whole"]


def moment(text: str) -> datetime:
    """Return the moment *text* says in ISO 8601; without a zone it is UTC.

    >>> moment("2026-01-31").isoformat()
    '2026-01-31T00:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no time such as 2026-01-31 or 2026-01-31T08:00:00Z"
        raise ArgumentTypeError(msg) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def whole(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not (text.isascii() and text.isdigit()):
        msg = f"{text!r} is not a whole number of 0 or more"
        raise ArgumentTypeError(msg)
    return int(text)


def count(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not whole(text):
        msg = "must be 1 or more"
        raise ArgumentTypeError(msg)
    return int(text)


def character(text: str) -> str:
    r"""Read one character; ``tab`` and ``\t`` stand for the one a shell makes hard to type."""
    found = "\t" if text in {"tab", r"\t"} else text
    if len(found) != 1 or found in '\r\n"':
        msg = f"{text!r} must be one character, or tab"
        raise ArgumentTypeError(msg)
    return found


def lead_ids(text: str) -> tuple[str, ...]:
    """Read ids with commas between them, or a JSON list of ids that may hold commas.

    >>> lead_ids("l1, l2"), lead_ids('["a,b", 7]')
    (('l1', 'l2'), ('a,b', '7'))
    """
    found = _listed(text) if text.lstrip().startswith("[") else map(str.strip, text.split(","))
    ids = tuple(found)
    if not ids or not all(ids):
        msg = f"{text!r} must be lead ids with a comma between them, or a JSON list of them"
        raise ArgumentTypeError(msg)
    return ids


def _listed(text: str) -> tuple[str, ...]:
    """Return the ids of a JSON list; none where it is no such list."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, list) or not all(type(each) in {str, int} for each in found):
        return ()
    return tuple(map(str, found))
