"""What an engine of columns may answer by itself: the plainest texts of a kind, told at sight.

A shape holds patterns and texts, no code: the normalizer's fast path makes it from its own
constants, and whoever applies it leaves all other texts to the normalizer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASCII_WHITE_SPACE", "PlainShape", "portable"]

ASCII_WHITE_SPACE: Final = " \t\n\r\v\f"
"""Which characters of ASCII are trimmed; what Python trims beyond these is in no shape."""

# A plus that makes a quantifier possessive, as no other dialect than Python's and Java's has it.
_POSSESSIVE: Final = re.compile(r"(?<!\\)([+*?}])\+")


@attrs.frozen
class PlainShape:
    """Texts whose answer is spelled by cutting alone; of all other texts it says nothing.

    Of a text that, once *trimmed* of these ASCII characters at both ends, matches *pattern* and
    none of *unless*, the answer is *prefix* and the *last* characters that are left when what
    *cut* matches is taken off and each character of *replaced* gives way to what it maps to; in
    lower case if *lowered*. Patterns are searched for, are of the subset that Rust's regex and
    RE2 read alike, and *pattern* is anchored at both ends, *cut* at the end.
    """

    pattern: str
    unless: tuple[str, ...] = ()
    trimmed: str = ""
    cut: str | None = None
    replaced: Mapping[str, str] = attrs.field(factory=dict)
    last: int | None = None
    prefix: str = ""
    lowered: bool = False


def portable(pattern: str) -> str:
    """Return *pattern* with greedy quantifiers for possessive ones.

    Where no repeated part can begin what follows it, both match the same texts.

    >>> portable(r"[a-z]++(?:-[a-z]++)*+")
    '[a-z]+(?:-[a-z]+)*'
    """
    return _POSSESSIVE.sub(r"\1", pattern)
