"""The fast path in front of email-validator: the very answer it would give, or none.

What it claims, of 1 to 254 ASCII characters, once white space around them is dropped and letters
lowered:

- Text is an address, and its own normal form, if it is a dot-atom, ``@`` and a domain of two or
  more labels and at most 63 characters. Labels are letters and digits with single hyphens
  between them; the last is letters only, and no special-use domain ends in it.
- Text is malformed if it is no dot-atom, ``@`` and domain of two or more labels at all, whatever
  letters, digits and hyphens within them: no quotes, display names or brackets are allowed.

All between the two is for the library to judge (Punycode, digits and hyphens in odd places, long
domains, special-use ones), and so is all text with other characters.
The RFC 2142 mailboxes, whose case the library lowers, need no rule: here all is lowered.
The characters of a dot-atom and the special-use domains are the library's, read at first use;
a program that edits its list of special-use domains must do so before.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH
from leadfold.normalizers.plain_shape import ASCII_WHITE_SPACE, PlainShape, portable
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    _Test = Callable[[str], re.Match[str] | None]

__all__ = ["fast_email", "plain_address", "plain_emails"]

# No hyphens side by side: the library refuses some (RFC 5890) and decodes others (Punycode).
_PLAIN_LABEL: Final = "[a-z0-9]++(?:-[a-z0-9]++)*+"
_ANY_LABEL: Final = "[a-z0-9]++(?:-++[a-z0-9]++)*+"
# A label has at most 63 characters; in a domain of at most 63 there is nothing to count.
_SHORT: Final = "(?!.{64})"


def fast_email(raw: str) -> str | Reason | None:
    """Return what `leadfold.normalizers.email_library` answers for *raw*; None: ask there.

    >>> fast_email(" USER@EXAMPLE.COM ")
    'user@example.com'
    >>> fast_email("n/a")
    <Reason.MALFORMED: 'malformed'>
    >>> fast_email("user@bücher.example") is None
    True
    """
    if not raw.isascii():
        return None
    text = raw.strip().lower()
    if not 0 < len(text) <= MAX_EMAIL_LENGTH:
        return None
    is_plain, is_conceivable = _tests()
    if is_plain(text):
        return text
    return None if is_conceivable(text) else Reason.MALFORMED


def plain_address() -> _Test:
    """Return the test that tells of trimmed lower-case ASCII text that it is its own answer.

    For loops, which apply it themselves: a call costs as much. It does not count characters.

    >>> bool(plain_address()("user@example.com")), bool(plain_address()("user@localhost"))
    (True, False)
    """
    return _tests()[0]


@cache
def plain_emails() -> tuple[PlainShape]:
    """Return the shape of most addresses; of `plain_address`, what needs no look ahead to tell.

    >>> [shape] = plain_emails()
    >>> bool(re.search(shape.pattern, "User@Example.com"))
    True
    """
    from email_validator import SPECIAL_USE_DOMAIN_NAMES  # noqa: PLC0415 - loads at first use
    from email_validator.rfc_constants import ATEXT  # noqa: PLC0415 - loads at first use

    label = portable(_PLAIN_LABEL).replace("a-z", "A-Za-z")
    name = rf"[{ATEXT}]+(?:\.[{ATEXT}]+)*"
    special_use = rf"(?i:\.(?:{_endings(SPECIAL_USE_DOMAIN_NAMES)})$)"
    shape = PlainShape(
        rf"^{name}@(?:{label}\.)+[A-Za-z]+$",
        # What is told by its beginning, and what by its end: as one they take twice as long.
        unless=(rf"^.{{{MAX_EMAIL_LENGTH + 1}}}|@.{{64}}", special_use),
        trimmed=ASCII_WHITE_SPACE,
        lowered=True,
    )
    return (shape,)


@cache
def _tests() -> tuple[_Test, _Test]:
    """Build, once, the tests of a trimmed lower-case text: surely an address, possibly one."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES  # noqa: PLC0415 - loads at first use
    from email_validator.rfc_constants import ATEXT  # noqa: PLC0415 - loads at first use

    atom = f"[{ATEXT}]++"
    name = rf"{atom}(?:\.{atom})*+"
    last_label = rf"(?!(?:{_endings(SPECIAL_USE_DOMAIN_NAMES)})\Z)[a-z]++"
    plain = rf"{name}@{_SHORT}(?:{_PLAIN_LABEL}\.)++{last_label}"
    conceivable = rf"{name}@{_ANY_LABEL}(?:\.{_ANY_LABEL})++"
    return re.compile(plain).fullmatch, re.compile(conceivable).fullmatch


def _endings(domains: Iterable[str]) -> str:
    """Spell the last labels of *domains*, of which any other name may be one."""
    endings = {domain.rpartition(".")[2].lower() for domain in domains}
    return "|".join(map(re.escape, sorted(endings)))
