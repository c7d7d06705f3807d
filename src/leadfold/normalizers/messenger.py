"""Messenger ids, and any other opaque id: trimmed, refused where no id can be, never read.

The scope of an id (the page it belongs to) is the engine's matter, not known here.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, NewType, cast

from leadfold.normalizers.plain_shape import ASCII_WHITE_SPACE, PlainShape
from leadfold.normalizers.reason import MISSING, Normalizer, Reason, is_missing, require_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_OPAQUE_LENGTH",
    "Psid",
    "messenger_normalizer",
    "normalize_psid",
    "opaque_normalizer",
    "parse_psid",
    "parse_psids",
    "plain_ids",
]

Psid = NewType("Psid", str)
"""A messenger id as it is compared and stored: trimmed, at most 512 characters."""

MAX_OPAQUE_LENGTH: Final = 512
"""The characters an opaque id may have, after trimming."""

_VERSION: Final = "1"
# What programs write where an id is missing; compared in lower case.
_PLACEHOLDERS: Final = frozenset({"null", "undefined", "0"})
_LONGEST_PLACEHOLDER: Final = max(map(len, _PLACEHOLDERS))
# Unicode's class Cc; format characters (zero width, direction marks) are left as they are.
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def normalize_psid(raw: object, *, field: str = "psid") -> Psid | None:
    """Return the messenger id that *raw* stands for, or None.

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.

    >>> normalize_psid(" 24000000000000001 ")
    '24000000000000001'
    >>> normalize_psid("undefined") is None
    True
    """
    parsed = parse_psid(raw, field=field)
    return None if isinstance(parsed, Reason) else parsed


def parse_psid(raw: object, *, field: str = "psid") -> Psid | Reason:
    r"""Return the messenger id that *raw* stands for, or why it is none.

    White space around it is dropped; case is kept, for an opaque id may depend on it. A lone
    surrogate is malformed: such text cannot be stored as UTF-8.

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.

    >>> parse_psid("Page-7/24000000000000001")
    'Page-7/24000000000000001'
    >>> parse_psid("NULL"), parse_psid("24\x0000")
    (<Reason.PLACEHOLDER: 'placeholder'>, <Reason.CONTROL_CHARACTER: 'control_character'>)
    """
    if is_missing(raw):
        return Reason.MISSING
    text = require_text(raw, field).strip()
    return _refusal(text) or Psid(text)


def parse_psids(raws: Iterable[object], *, field: str = "psid") -> list[Psid | Reason]:
    """Answer for each of *raws*, in order, what `parse_psid` answers.

    >>> parse_psids([" 24 ", None])
    ['24', <Reason.MISSING: 'missing'>]
    """
    return [
        MISSING
        if raw is None
        else Psid(text)
        if isinstance(raw, str)
        # What `_refusal` has nothing against, told at C speed of most ids.
        and (text := raw.strip()).isalnum()
        and _LONGEST_PLACEHOLDER < len(text) <= MAX_OPAQUE_LENGTH
        else parse_psid(raw, field=field)
        for raw in raws
    ]


def messenger_normalizer() -> Normalizer:
    """Return the normalizer of messenger ids, named ``messenger``.

    >>> messenger_normalizer()
    Normalizer(name='messenger', version='1')
    """
    return opaque_normalizer("messenger", field="psid")


def opaque_normalizer(name: str, *, field: str | None = None) -> Normalizer:
    """Return a normalizer *name* that treats ids of one's own as messenger ids are treated.

    A TypeError names *field*, or *name* where none is given.

    >>> opaque_normalizer("loyalty_card").parse([" A-17 ", "null"])
    ['A-17', <Reason.PLACEHOLDER: 'placeholder'>]
    """
    parse = partial(_parse_opaque, field=name if field is None else field)
    return Normalizer(name, _VERSION, parse, plain_ids)


def plain_ids() -> tuple[PlainShape]:
    """Return the shape of ids that are printable ASCII, and longer than any placeholder.

    >>> import re
    >>> [shape] = plain_ids()
    >>> bool(re.search(shape.pattern, "24000000000000001"))
    True
    """
    lengths = f"{{{_LONGEST_PLACEHOLDER + 1},{MAX_OPAQUE_LENGTH}}}"
    return (PlainShape(f"^[!-~]{lengths}$", trimmed=ASCII_WHITE_SPACE),)


def _parse_opaque(raws: Iterable[object], field: str) -> list[str | Reason]:
    # A list is invariant; here a Psid is nothing but its text.
    return cast("list[str | Reason]", parse_psids(raws, field=field))


def _refusal(text: str) -> Reason | None:
    """Say why trimmed *text* is no id. The length comes first: it bounds what follows."""
    if not text:
        return Reason.EMPTY
    if len(text) > MAX_OPAQUE_LENGTH:
        return Reason.TOO_LONG
    if text.lower() in _PLACEHOLDERS:
        return Reason.PLACEHOLDER
    if text.isprintable():  # the common case: rules out both searches below
        return None
    if _CONTROL_CHARACTER.search(text):
        return Reason.CONTROL_CHARACTER
    return Reason.MALFORMED if _LONE_SURROGATE.search(text) else None
