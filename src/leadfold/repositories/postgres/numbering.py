"""Statements as the server takes them: their parameters by number. Text only; no SQL runs."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["numbered"]

_PLACE = re.compile(r"%(?:%|\((\w+)\)s)")


@lru_cache(maxsize=1_000)
def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with its named parameters numbered, and their names in that order.

    The driver does so for every execution anew where a statement is long.

    >>> numbered("SELECT %(one)s, %(two)s, %(one)s, 7 %% 4")
    ('SELECT $1, $2, $1, 7 % 4', ('one', 'two'))
    """
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${names.setdefault(name, len(names) + 1)}"

    return _PLACE.sub(number, text), tuple(names)
