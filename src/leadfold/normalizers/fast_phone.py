"""The fast path in front of phonenumbers: the very answer it would give, or none at all.

What it claims. For a text of at most 250 characters that is

- an optional beginning without digits, plus signs or semicolons (``Tel:``, a bracket, a mark
  of text direction), then
- at most one ``+``, then three or more digits, ASCII or full-width, with any of ``-``, space,
  ``( ) . [ ] /`` or their Unicode kin between them, then
- at most one extension of up to seven digits, written ``x``, ``ext``, ``extn``, ``extension``
  or ``#``, then
- an end without letters, digits, ``#`` or semicolons,

the answer is what `leadfold.normalizers.phone_library.ask_library` gives for the same region
and the same *strict*, the reason of a refusal included; so it is for a text without digits,
plus signs and semicolons. In all other cases, and where a plus is followed by no known calling
code, it answers None: it steps aside.

Each step is named after the function of phonenumbers.phonenumberutil that it stands for, and
does to digits what that one does. tests/unit/normalizers/test_phone_canary.py notices when a
release changes one of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.phone_library import LONGEST_TEXT
from leadfold.normalizers.phone_plans import PlanByPrefix, plain_numbers, plan_of_region
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.normalizers.phone_plans import Plan

__all__ = [
    "ANY_SEPARATOR",
    "EXTENSION",
    "FROM_FULL_WIDTH",
    "NOT_CLAIMED",
    "SEPARATORS",
    "FastPhone",
]

NOT_CLAIMED: Final = "+"
"""A text that is always left, to stand for what is not to be read."""

_PUNCTUATION: Final = b" -().[]/"
_ENOUGH_DIGITS: Final = 3  # fewer are viable only if nothing else is there

_SEPARATOR: Final = ";"  # no text with it is claimed, so texts can be joined by it
_TO_LINES: Final = bytes.maketrans(b";\n", b"\n;")

SEPARATORS: Final = " -().[]/\xa0\xad\u2010\u2011\u2012\u2013\u2014\u2015\u200b\u2060\u2212\u3000"
ANY_SEPARATOR: Final = f"[{''.join(map(re.escape, SEPARATORS))}]"
EXTENSION: Final = r"[\x20,]*+(?:x|ext|extn|extension|\#)[.:]?+[\x20-]*+[0-9]{1,7}+"
_AROUND: Final = rf"""
    [^\d+\uff0b;]*+                                 # _extract_possible_number drops this
    (\+?(?:{ANY_SEPARATOR}*+[0-9]++)++)
    (?i:{EXTENSION})?+                              # _maybe_strip_extension drops this
    (?:_|[^\#\w;])*+                                # _extract_possible_number drops this, too
"""
_MESSY: Final = re.compile(_AROUND, re.VERBOSE).fullmatch
_MESSY_ALL: Final = re.compile(rf";(?:{_AROUND}(?:(?=;)|\Z)|[^;]*)", re.VERBOSE).findall
_NO_NUMBER: Final = re.compile(r"[^\d+\uff0b;]*+").fullmatch
# What East Asian keyboards write; libphonenumber reads any digits as if they were ASCII.
FROM_FULL_WIDTH: Final = {0xFF10 + digit: str(digit) for digit in range(10)}


class FastPhone:
    """Reads the texts that this module claims, for one region and one strictness.

    >>> fast = FastPhone("US", strict=False)
    >>> fast.read("Tel: (415) 555-2671 ext. 9"), fast.read("555-2671"), fast.read("1-800-FLOWERS")
    ('+14155552671', <Reason.LOCAL_ONLY: 'local_only'>, None)
    """

    def __init__(self, region: str | None, *, strict: bool) -> None:
        self._plans = PlanByPrefix(strict=strict)
        self._home = home = plan_of_region(region, strict=strict) if region else None
        self._plus_code = f"+{home.calling_code}" if home else ""
        plain = plain_numbers(home) if home else "(?!)()"
        self._plain = re.compile(plain).fullmatch
        self._plain_all = re.compile(rf"\n(?:{plain}$|[^\n]*)", re.MULTILINE).findall

    def read(self, text: str) -> str | Reason | None:
        """Return the E.164 number or the reason that phonenumbers gives, None to step aside."""
        if len(text) > LONGEST_TEXT:
            return None
        found = self._bare(_bared(text)) if text.isascii() else None
        if found is not None:
            return found
        messy = _MESSY(text)
        return self._bare(_bared(messy[1])) if messy else self._numberless(text)

    def read_all(self, texts: Sequence[str]) -> list[str | Reason | None]:
        """Answer for each of *texts* what `read` answers, with few calls for them all.

        >>> FastPhone("GB", strict=False).read_all(["020 7946 0958", "n/a"])
        ['+442079460958', <Reason.NOT_A_NUMBER: 'not_a_number'>]
        """
        if not texts:
            return []
        joined = _SEPARATOR.join(texts)
        if max(map(len, texts)) > LONGEST_TEXT or joined.count(_SEPARATOR) >= len(texts):
            texts = [NOT_CLAIMED if _stands_apart(text) else text for text in texts]
            joined = _SEPARATOR.join(texts)
        answers = self._bare_all(joined, others="replace")
        left = [text for text, answer in zip(texts, answers, strict=True) if answer is None]
        if not left:
            return answers
        numbers = _MESSY_ALL(_SEPARATOR + _SEPARATOR.join(left))
        found = zip(left, self._bare_all(_SEPARATOR.join(numbers), others="ignore"), strict=True)
        in_order = (self.read(text) if answer is None else answer for text, answer in found)
        return [next(in_order) if answer is None else answer for answer in answers]

    def _bare_all(self, joined: str, *, others: str) -> list[str | Reason | None]:
        """Answer for each text *joined*, without its punctuation, what `_bare` answers.

        *others* says what becomes of characters that are not ASCII, as for `str.encode`.
        """
        lines = joined.encode("ascii", others).translate(_TO_LINES, _PUNCTUATION).decode()
        plus_code, by_rule = self._plus_code, self._by_rule
        both = zip(self._plain_all("\n" + lines), lines.split("\n"), strict=True)
        return [plus_code + national if national else by_rule(bare) for national, bare in both]

    def _bare(self, bare: str) -> str | Reason | None:
        """Read three or more ASCII digits, with at most a plus before them; None if it is not.

        Most numbers touch no rule, which one match tells; the rest take it rule by rule.
        """
        plain = self._plain(bare)
        return self._plus_code + plain[1] if plain else self._by_rule(bare)

    def _by_rule(self, bare: str) -> str | Reason | None:
        if bare[:1] == "+":
            plan = self._plans.get(bare[:4])
            if plan is not None and plan.answers(bare):
                return bare
            is_number = len(bare) > _ENOUGH_DIGITS and bare[1:].isdecimal()
            return self._international(bare) if is_number else None
        return self._domestic(bare) if len(bare) >= _ENOUGH_DIGITS and bare.isdecimal() else None

    def _numberless(self, text: str) -> str | Reason | None:
        """Judge text in which no number was found: none is there, or it is written otherwise."""
        if not text or text.isspace():
            return Reason.EMPTY
        if _NO_NUMBER(text):
            return Reason.NOT_A_NUMBER
        folded = text.translate(FROM_FULL_WIDTH)
        return None if folded == text else self.read(folded)

    def _domestic(self, digits: str) -> str | Reason | None:
        """Read digits without a plus: ``_maybe_extract_country_code``."""
        plan = self._home
        if plan is None:
            return Reason.INVALID_COUNTRY_CODE
        rest = _strip_international_prefix(plan, digits)
        if rest is None:
            rest = _strip_default_calling_code(plan, digits)
        return self._national(plan, digits) if rest is None else self._international(rest)

    def _international(self, number: str) -> str | Reason | None:
        """Read digits after a plus: ``_extract_country_code``."""
        plan = self._plans[number[:4]]
        return None if plan is None else self._national(plan, number[plan.width :])

    def _national(self, plan: Plan, digits: str) -> str | Reason:
        """Read the rest by the *plan* of its calling code: the end of ``parse``."""
        shorter = _strip_national_prefix(plan, digits)
        return _verdict(plan, shorter if plan.usable[len(shorter)] else digits)


def _verdict(plan: Plan, national: str) -> str | Reason:
    """Judge: ``is_possible_number_with_reason``, and ``is_valid_number`` if strict."""
    reason = plan.lengths[len(national)]
    if reason is not None:
        return reason
    if plan.valid is not None and not plan.valid[len(national)].fullmatch(national):
        return Reason.NOT_VALID
    return f"+{plan.calling_code}{national}"


def _bared(text: str) -> str:
    """Return the ASCII characters of *text* that are no punctuation."""
    return text.encode("ascii", "ignore").translate(None, _PUNCTUATION).decode()


def _stands_apart(text: str) -> bool:
    """Tell whether *text* is not to be joined with others; no such text is claimed."""
    return len(text) > LONGEST_TEXT or _SEPARATOR in text


def _strip_international_prefix(plan: Plan, digits: str) -> str | None:
    """Return *digits* with a plus for an international prefix: ``_parse_prefix_as_idd``."""
    found = plan.international_prefix.match(digits)
    if found is None or digits.startswith("0", found.end()):  # no calling code begins with 0
        return None
    return "+" + digits[found.end() :]


def _strip_default_calling_code(plan: Plan, digits: str) -> str | None:
    """Return *digits* with the plus that they lack: ``_maybe_extract_country_code``."""
    if not digits.startswith(plan.calling_code):
        return None
    rest = _strip_national_prefix(plan, digits[len(plan.calling_code) :])
    general = plan.general.fullmatch
    better = plan.too_long[len(digits)] or (general(rest) and not general(digits))
    return f"+{plan.calling_code}{rest}" if better else None


def _strip_national_prefix(plan: Plan, digits: str) -> str:
    """Return the digits without trunk prefix: ``_maybe_strip_national_prefix_carrier_code``."""
    found = plan.national_prefix.match(digits)
    if found is None:
        return digits
    rule, groups = plan.national_prefix_transform, found.groups()
    head = found.expand(rule) if rule and groups[-1] is not None else ""
    shorter = head + digits[found.end() :]
    general = plan.general.fullmatch
    return digits if general(digits) and not general(shorter) else shorter
