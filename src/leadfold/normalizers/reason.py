"""Why a raw value gave no identifier, and the type of what a normalizer answers."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leadfold.normalizers.plain_shape import PlainShape

__all__ = ["MISSING", "Normalizer", "Reason", "is_missing", "require_text"]


class Reason(Enum):
    """Why a raw value is not an identifier; its value is the word that reports print.

    Deliberately no ``str``: a reason can never be mistaken for a normalized value.
    """

    MISSING = "missing"  # None or NaN: nothing was there, so nothing is reported either
    EMPTY = "empty"  # text without a character that counts
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    INVALID_LENGTH = "invalid_length"
    LOCAL_ONLY = "local_only"
    INVALID_COUNTRY_CODE = "invalid_country_code"
    NOT_A_NUMBER = "not_a_number"
    NOT_VALID = "not_valid"  # possible, but no number of that plan (strict)
    MALFORMED = "malformed"
    CONTROL_CHARACTER = "control_character"
    PLACEHOLDER = "placeholder"  # null, undefined, 0: a program's word for nothing
    BLOCKED = "blocked"
    NO_SCOPE = "no_scope"

    # Members are single objects. Hashing their names, as enumerations do, is a call in Python for
    # each of a million missing cells.
    __hash__ = object.__hash__


MISSING = Reason.MISSING
"""For loops over columns: looking a member up in its enumeration costs as much as a call."""


def _no_shapes() -> tuple[PlainShape, ...]:
    """Leave every text to the normalizer."""
    return ()


@attrs.frozen
class Normalizer:
    """A named, versioned rule from raw values to normalized ones.

    *parse* takes raw cells of one column (text, None or NaN) and answers, in order, a
    normalized text or a `Reason` for each. Change *version* whenever an answer changes:
    stored indexes carry it. *plain* is for readers of whole columns: it tells the texts whose
    answer needs no call of *parse*, if there are such; the commonest shape comes first.
    """

    name: str
    version: str
    parse: Callable[[Iterable[object]], list[str | Reason]] = attrs.field(repr=False)
    plain: Callable[[], tuple[PlainShape, ...]] = attrs.field(
        default=_no_shapes, repr=False, eq=False
    )


def is_missing(raw: object) -> bool:
    """Tell whether *raw* stands for no value at all: None, or the NaN of frames."""
    return raw is None or (isinstance(raw, float) and raw != raw)  # noqa: PLR0124 - NaN's own test


def require_text(raw: object, field: str) -> str:
    """Return *raw* if it is text, else raise a TypeError that names *field*, not the value."""
    if isinstance(raw, str):
        return raw
    msg = f"{field} must be text, not {type(raw).__name__}: convert it before handing it over"
    raise TypeError(msg)
