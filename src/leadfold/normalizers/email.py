"""Email addresses: raw text to one spelling, or the reason why there is none. No DNS, ever.

email-validator decides what an address is; `leadfold.normalizers.fast_email` only gets to the
same answer sooner. It loads at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NewType, cast

from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH, ask_library
from leadfold.normalizers.email_providers import PROVIDER_RULES_VERSION, mailbox_of
from leadfold.normalizers.fast_email import fast_email, plain_address, plain_emails
from leadfold.normalizers.reason import MISSING, Normalizer, Reason, is_missing, require_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Email",
    "email_normalizer",
    "normalize_email",
    "parse_email",
    "parse_emails",
]

Email = NewType("Email", str)
"""An address in the one spelling that is compared: lower case, the domain in Unicode."""

_VERSION: Final = "1"


def normalize_email(
    raw: object, *, provider_rules: bool = False, fast: bool = True, field: str = "email"
) -> Email | None:
    """Return the address that *raw* stands for, or None.

    White space around it is dropped, upper case lowered, an internationalized domain given in
    Unicode. With *provider_rules* it is the mailbox behind the address, as
    `leadfold.normalizers.email_providers` tells it. Without *fast* email-validator is asked
    about every value; the answers are the same.

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.

    >>> normalize_email(" USER@EXAMPLE.COM ")
    'user@example.com'
    >>> normalize_email("j.doe+shop@googlemail.com", provider_rules=True)
    'jdoe@gmail.com'
    >>> normalize_email("user at example.com") is None
    True
    """
    parsed = parse_email(raw, provider_rules=provider_rules, fast=fast, field=field)
    return None if isinstance(parsed, Reason) else parsed


def parse_email(
    raw: object, *, provider_rules: bool = False, fast: bool = True, field: str = "email"
) -> Email | Reason:
    """Return the address that *raw* stands for, or why it is none.

    The reasons: missing, empty, too long (over 254 bytes after trimming), malformed (all else
    that email-validator refuses, reserved domains such as ``localhost`` included).

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.

    >>> parse_email("user@bücher.example")
    'user@bücher.example'
    >>> parse_email("user@xn--bcher-kva.example")
    'user@bücher.example'
    >>> parse_email("user@localhost"), parse_email("  "), parse_email(None)
    (<Reason.MALFORMED: 'malformed'>, <Reason.EMPTY: 'empty'>, <Reason.MISSING: 'missing'>)
    """
    found = _parse(raw, field, fast=fast)
    if provider_rules and isinstance(found, str):
        found = mailbox_of(found)
    return cast("Email | Reason", found)


def parse_emails(
    raws: Iterable[object],
    *,
    provider_rules: bool = False,
    fast: bool = True,
    field: str = "email",
) -> list[Email | Reason]:
    """Answer for each of *raws*, in order, what `parse_email` answers.

    >>> parse_emails(["Ann@Example.com", "n/a"])
    ['ann@example.com', <Reason.MALFORMED: 'malformed'>]
    """
    is_plain = plain_address()
    found = [
        MISSING
        if raw is None
        else text  # as `fast_email` answers most, without a call for each
        if fast
        and isinstance(raw, str)
        and raw.isascii()
        and len(text := raw.strip().lower()) <= MAX_EMAIL_LENGTH
        and is_plain(text)
        else _parse(raw, field, fast=fast)
        for raw in raws
    ]
    if provider_rules:
        found = [mailbox_of(email) if isinstance(email, str) else email for email in found]
    return cast("list[Email | Reason]", found)


def email_normalizer(*, provider_rules: bool = False, fast: bool = True) -> Normalizer:
    """Return the normalizer named ``email``; its version tells the rules, never the speed.

    >>> email_normalizer(provider_rules=True)
    Normalizer(name='email', version='1;provider_rules=1')
    """
    version = f"{_VERSION};provider_rules={PROVIDER_RULES_VERSION}" if provider_rules else _VERSION

    def parse(raws: Iterable[object]) -> list[str | Reason]:
        parsed = parse_emails(raws, provider_rules=provider_rules, fast=fast)
        return cast("list[str | Reason]", parsed)  # an Email is nothing but its text

    if fast and not provider_rules:
        return Normalizer("email", version, parse, plain_emails)
    return Normalizer("email", version, parse)


def _parse(raw: object, field: str, *, fast: bool) -> str | Reason:
    if isinstance(raw, str):
        found = fast_email(raw) if fast else None
        return found or ask_library(raw)
    if is_missing(raw):
        return Reason.MISSING
    return ask_library(require_text(raw, field))
