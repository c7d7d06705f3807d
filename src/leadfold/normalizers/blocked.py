"""Values that say nothing about a person: the default packs, and how entries are matched.

Data for the policy, which switches it on or off; the normalizers know nothing of it. An entry
is a normalized value, or one of these shorthands:

| kind | entry | blocks |
|---|---|---|
| phone | ``5555555555`` | that national number under every calling code |
| email | ``noreply@`` | that local part at any domain, a plus tag after it included |
| email | ``@example.com`` | every address of that domain, not of those below it |
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from leadfold.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DEFAULT_BLOCKED", "ROLE_MAILBOXES", "BlockedValues", "faults_of_entries"]

_JUNK_PHONES: Final = (
    *(digit * 10 for digit in "0123456789"),
    "0123456789",
    "1234567890",
    "1231231234",
    "1112223333",
    "9876543210",
    # What is left of zeros and of 0123456789 where a leading 0 is the trunk prefix.
    "000000000",
    "123456789",
)

_NOBODY: Final = (
    "noreply@",
    "no-reply@",
    "no_reply@",
    "no.reply@",
    "donotreply@",
    "do-not-reply@",
    "do_not_reply@",
    "do.not.reply@",
    "dontreply@",
    "mailer-daemon@",
    "noemail@",
    "no-email@",
    "no_email@",
    "nomail@",
    "nobody@",
)

_JUNK_EMAILS: Final = (
    "test@test.com",
    "test@test.net",
    "test@test.org",
    "test@testing.com",
    "test@email.com",
    "test@gmail.com",
    "testing@test.com",
    "email@email.com",
    "mail@mail.com",
    "name@name.com",
    "none@none.com",
    "no@no.com",
    "na@na.com",
    "null@null.com",
    "a@a.com",
    "a@b.com",
    "aa@aa.com",
    "abc@abc.com",
    "asdf@asdf.com",
    "x@x.com",
    "xxx@xxx.com",
    "123@123.com",
)

DEFAULT_BLOCKED: Final[Mapping[str, tuple[str, ...]]] = {
    "phone": _JUNK_PHONES,
    "email": _NOBODY + _JUNK_EMAILS,
}
"""What a policy blocks unless told otherwise, by kind: no person has it, many leads do."""

ROLE_MAILBOXES: Final = tuple(
    f"{name}@"
    for name in (
        # RFC 2142, sections 3 to 5
        *("info", "marketing", "sales", "support", "abuse", "noc", "security"),
        *("postmaster", "hostmaster", "usenet", "news", "webmaster", "www", "uucp", "ftp"),
        # common practice: a desk that many people write from
        *("accounting", "accounts", "admin", "administrator", "billing", "bookings", "careers"),
        *("contact", "customerservice", "enquiries", "feedback", "finance", "frontdesk", "hello"),
        *("help", "helpdesk", "hr", "inquiries", "invoices", "jobs", "legal", "mail", "office"),
        *("orders", "press", "privacy", "reception", "reservations", "root", "service", "team"),
    )
)
"""Mailboxes of a role, not of a person. Opt-in: a small firm's one customer may be ``info@``."""

# ITU-T E.164 calling codes are free of prefixes, so these three lengths are all there is.
_SHORT_CALLING_CODES: Final = "[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
_PHONE_ENTRY: Final = r"\+?[0-9]{4,17}"
_EMAIL_ENTRY: Final = r"[^@\s]+@[^@\s]+|[^@\s]+@|@[^@\s]+"


@attrs.frozen
class BlockedValues:
    """The blocked values of one kind, ready to be asked about millions of values."""

    exact: frozenset[str] = attrs.field(repr=lambda values: f"<{len(values)}>")
    by_shorthand: re.Pattern[str] | None = attrs.field(default=None, repr=False)
    """Matches the beginning of what a shorthand of emails blocks."""
    suspects: str | None = attrs.field(default=None, repr=False)
    """A pattern to search for, of the subset that every dialect has: it finds at least what a
    shorthand of emails blocks."""

    @classmethod
    def of(cls, kind: str, entries: Iterable[str]) -> BlockedValues:
        """Read *entries* of *kind*: ``phone`` and ``email`` have shorthands, others none.

        >>> blocked = BlockedValues.of("phone", ["5555555555"])
        >>> blocked.matches("+15555555555"), blocked.matches("+15551234567")
        (True, False)
        """
        if kind == "phone":
            return cls(frozenset(value for entry in entries for value in _phones(entry)))
        if kind == "email":
            return cls._of_emails(frozenset(entries))
        return cls(frozenset(entries))

    @classmethod
    def _of_emails(cls, entries: frozenset[str]) -> BlockedValues:
        # A local part is read up to its plus tag, and an address has one @.
        names = [entry[:-1] for entry in entries if re.fullmatch("[^+@]+@", entry)]
        domains = [entry[1:] for entry in entries if re.fullmatch("@[^@]+", entry)]
        patterns = [rf"{_any_of(names)}(?=[+@]|\Z)"] if names else []
        patterns += [rf"[^@]*+@{_any_of(domains)}\Z"] if domains else []
        if not patterns:
            return cls(entries)
        suspects = [f"^{_any_of(names)}"] if names else []
        suspects += [f"@{_any_of(domains)}$"] if domains else []
        return cls(entries, re.compile("|".join(patterns)), "|".join(suspects))

    def matches(self, value: str) -> bool:
        """Tell whether the normalized *value* is blocked.

        >>> blocked = BlockedValues.of("email", DEFAULT_BLOCKED["email"])
        >>> blocked.matches("no-reply+7@example.com"), blocked.matches("ann@example.com")
        (True, False)
        """
        return value in self.among([value])

    def among(self, values: Iterable[object]) -> set[object]:
        """Return those of *values* that are blocked; what is no text is not.

        >>> BlockedValues.of("email", ["noreply@"]).among(["noreply@example.com", None])
        {'noreply@example.com'}
        """
        if not self.exact and not self.by_shorthand:
            return set()
        found: set[object] = set(self.exact.intersection(values))
        if self.by_shorthand:
            matches = self.by_shorthand.match
            found.update([v for v in values if isinstance(v, str) and matches(v)])
        return found


def _any_of(texts: Iterable[str]) -> str:
    """Return the pattern of any of *texts*."""
    return f"(?:{'|'.join(map(re.escape, sorted(texts)))})"


def faults_of_entries(kind: str, entries: Mapping[int, str]) -> tuple[str, ...]:
    """Say of each of *entries*, by place, that can match no value of *kind* how it should look.

    An entry is somebody's identifier: it is named by its place and its mask.

    >>> faults_of_entries("email", {3: "NoReply@"})
    ('entry 3 (N…@…): write it in lower case',)
    """
    fault_of = {"phone": _phone_fault, "email": _email_fault}.get(kind, _blank_fault)
    return tuple(
        f"entry {place} ({mask(kind, entry)}): {fault}"
        for place, entry in entries.items()
        if (fault := fault_of(entry))
    )


def _phone_fault(entry: str) -> str:
    if re.fullmatch(_PHONE_ENTRY, entry):
        return ""
    return "write '+' and digits, or the national number's digits alone"


def _blank_fault(entry: str) -> str:
    return "" if entry.strip() else "an identifier is never blank"


def _email_fault(entry: str) -> str:
    if not re.fullmatch(_EMAIL_ENTRY, entry):
        return "no address, no 'name@' and no '@domain'"
    return "" if entry == entry.lower() else "write it in lower case"


def _phones(entry: str) -> tuple[str, ...]:
    """Return the E.164 values that *entry* stands for."""
    if entry.startswith("+"):
        return (entry,)
    return tuple(f"+{code}{entry}" for code in _calling_codes())


@cache
def _calling_codes() -> tuple[str, ...]:
    """Spell out every calling code that is or can be assigned."""
    short_code = re.compile(_SHORT_CALLING_CODES)
    short = [str(n) for n in range(1, 100) if short_code.fullmatch(str(n))]
    long = [str(n) for n in range(100, 1000) if not short_code.match(str(n))]
    return (*short, *long)
