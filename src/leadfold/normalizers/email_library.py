"""Asks email-validator about one text: the slow door, which every answer is measured by.

No short cut is taken here; those are `leadfold.normalizers.fast_email`. Every option is given,
so that nothing depends on the library's module-wide settings, and DNS is never asked.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from leadfold.normalizers.reason import Reason

__all__ = ["MAX_EMAIL_LENGTH", "ask_library"]

MAX_EMAIL_LENGTH: Final = 254
"""The bytes an address may take in UTF-8 (RFC 5321, as erratum 1690 of RFC 3696 reads it)."""


def ask_library(raw: str) -> str | Reason:
    """Return *raw*, trimmed, as email-validator writes it, in lower case; or why it is refused.

    >>> ask_library(" USER@xn--bcher-kva.example ")
    'user@bücher.example'
    >>> ask_library("user@localhost")
    <Reason.MALFORMED: 'malformed'>
    """
    text = raw.strip()
    if not text:
        return Reason.EMPTY
    # The library takes its time to refuse megabytes. It accepts nothing above this anyway: the
    # quotes and display names that it would unwrap are not allowed.
    if len(text) > MAX_EMAIL_LENGTH:
        return Reason.TOO_LONG
    try:
        found = _lower(_validated(text))
    except ValueError:  # EmailNotValidError, or the UnicodeError of a codec below it
        return Reason.TOO_LONG if _is_too_long(text) else Reason.MALFORMED
    return Reason.TOO_LONG if _is_too_long(found) else found


def _validated(text: str) -> str:
    """Return email-validator's normalized form of *text*, or raise its ValueError."""
    from email_validator import validate_email  # noqa: PLC0415 - loads at first use

    return validate_email(
        text,
        allow_smtputf8=True,
        allow_empty_local=False,
        allow_quoted_local=False,
        allow_domain_literal=False,
        allow_display_name=False,
        strict=False,
        check_deliverability=False,
        test_environment=False,
        globally_deliverable=True,
        timeout=None,
        dns_resolver=None,
    ).normalized


def _lower(address: str) -> str:
    """Lower *address* and compose it again: a stored key must be its own normal form."""
    return unicodedata.normalize("NFC", address.lower())


def _is_too_long(text: str) -> bool:
    """Count bytes: a letter may grow when lowered. Lone surrogates count, and do no harm."""
    return len(text.encode("utf-8", "surrogatepass")) > MAX_EMAIL_LENGTH
