"""The fast path in front of email-validator: the very answer it would give, or none.

What it claims, of text in ASCII, once white space around it is dropped and letters lowered:

- It is an address, and its own normal form, if it has at most 254 characters and is a dot-atom,
  ``@`` and a domain of two or more labels and at most 63 characters. Labels are letters and
  digits with single hyphens between them; the last is letters only, and no special-use domain
  ends in it.
- It is malformed if it has 1 to 254 characters and no ``@`` among them.

All else is for the library to judge: other characters, other refusals, Punycode, longer domains.
The RFC 2142 mailboxes, whose case the library lowers, need no rule: here all is lowered.
The characters of a dot-atom and the special-use domains are the library's, read at first use;
a program that edits its list of special-use domains must do so before.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["fast_email"]

# No hyphens side by side: the library refuses some (RFC 5890) and decodes others (Punycode).
_LABEL: Final = "[a-z0-9]++(?:-[a-z0-9]++)*+"
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
    if _is_plain_address()(text):
        return text
    return None if "@" in text else Reason.MALFORMED


@cache
def _is_plain_address() -> Callable[[str], object]:
    """Build, once, the test of a trimmed lower-case text."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES  # noqa: PLC0415 - loads at first use
    from email_validator.rfc_constants import ATEXT  # noqa: PLC0415 - loads at first use

    atom = f"{_characters(ATEXT)}++"
    last_label = rf"(?!(?:{_endings(SPECIAL_USE_DOMAIN_NAMES)})\Z)[a-z]++"
    domain = rf"(?:{_LABEL}\.)++{last_label}"
    return re.compile(rf"{atom}(?:\.{atom})*+@{_SHORT}{domain}").fullmatch


def _characters(atext: str) -> str:
    """Return the class of the ASCII characters that the class *atext* has, capitals aside."""
    lower_case = "".join(map(chr, range(128))).lower()
    allowed = sorted(set(re.findall(f"[{atext}]", lower_case)))
    return f"[{re.escape(''.join(allowed))}]"


def _endings(domains: Iterable[str]) -> str:
    """Spell the last labels of *domains*, of which any other name may be one."""
    endings = {domain.rpartition(".")[2].lower() for domain in domains}
    return "|".join(map(re.escape, sorted(endings)))
