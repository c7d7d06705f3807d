"""How identifiers look where nobody asked for them: logs, errors, reprs, audit, pictures.

| kind | shown | example |
|---|---|---|
| phone | the country digit and the last two | ``+1…67`` |
| email | the first letter, and the top of the domain | ``u…@….com`` |
| any other | the last two characters, of eight or more | ``…01`` |
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MASK", "mask", "mask_key", "some"]

MASK = "…"
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_TOP = re.compile(r"(?<=[^@])\.[A-Za-z]{2,24}$")
_SHOWN = 10
_SHOWN_FROM = 8  # shorter values would be given away by two of their characters


def mask(kind: str, value: str) -> str:
    """Return *value* of *kind* with too little left to find the person by.

    >>> mask("phone", "+15551234567"), mask("email", "user@example.com"), mask("psid", "12345")
    ('+1…67', 'u…@….com', '…')
    """
    if kind == "email" and value.find("@") > 0:
        return f"{value[0]}{MASK}@{MASK}{_top_of_domain(value)}"
    if len(value) < _SHOWN_FROM:
        return MASK
    if kind == "phone" and value.startswith("+"):
        return f"{value[:2]}{MASK}{value[-2:]}"
    return f"{MASK}{value[-2:]}"


def mask_key(key: str) -> str:
    """Return a group key or ``kind:value`` with its value masked; ids of leads stay readable.

    Of what is no key at all nothing stays.

    >>> mask_key("phone:+15551234567"), mask_key("individual:l7")
    ('phone:+1…67', 'individual:l7')
    """
    kind, colon, value = key.partition(":")
    if not colon or not _KIND.fullmatch(kind):
        return MASK
    return key if kind in {"individual", "customer"} else f"{kind}:{mask(kind, value)}"


def some(names: Iterable[str], most: int = _SHOWN) -> str:
    """Join the first few of *names* for a sentence, *most* of them, and say how many more.

    >>> some("abc")
    'a, b, c'
    """
    names = iter(names)
    shown = ", ".join(islice(names, most))
    left = sum(1 for _ in names)
    return f"{shown} and {left} more" if left else shown


def _top_of_domain(value: str) -> str:
    """Return the dot and last label of the domain; nothing where that is no label's look."""
    found = _TOP.search(value)
    return found[0] if found else ""
