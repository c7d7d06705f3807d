"""The fast path in front of phonenumbers: the very answer it would give, or none at all.

What it claims. For a text of at most 250 characters that is

- an optional beginning without digits, plus signs or semicolons (``Tel:``, a bracket, a mark
  of text direction), then
- at most one ``+``, then three or more ASCII digits with any of ``-``, space, ``( ) . [ ] /``
  or their Unicode kin between them, then
- at most one extension of up to seven digits, written ``x``, ``ext``, ``extn`` or
  ``extension``, then
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
from leadfold.normalizers.phone_plans import (
    PlanByPrefix,
    plan_of_region,
    validity_of_code,
)
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.normalizers.phone_plans import Plan

__all__ = ["FastPhone"]

_PUNCTUATION: Final = b" -().[]/"
_ENOUGH_DIGITS: Final = 3  # fewer are viable only if nothing else is there
_SHORTEST_NUMBER: Final = 3  # a plus and two digits are too short for code and number

_MESSY: Final = re.compile(
    r"""
    [^\d+\uff0b;]*+                                 # _extract_possible_number drops this
    (\+?(?:[\x20().\[\]/\xa0\xad\u2010-\u2015\u200b\u2060\u2212\u3000-]*+[0-9]++)++)
    (?i:[\x20,]*+(?:x|ext|extn|extension)[.:]?+[\x20-]*+[0-9]{1,7}+)?+   # _maybe_strip_extension
    (?:_|[^\#\w;])*+                                # _extract_possible_number drops this, too
    """,
    re.VERBOSE,
)
_NO_NUMBER: Final = re.compile(r"[^\d+\uff0b;]*+")


class FastPhone:
    """Reads the texts that this module claims, for one region and one strictness.

    >>> fast = FastPhone("US", strict=False)
    >>> fast.read("Tel: (415) 555-2671 ext. 9"), fast.read("555-2671"), fast.read("1-800-FLOWERS")
    ('+14155552671', <Reason.LOCAL_ONLY: 'local_only'>, None)
    """

    def __init__(self, region: str | None, *, strict: bool) -> None:
        self._home = plan_of_region(region) if region else None
        self._strict = strict
        self._plans = PlanByPrefix()

    def read(self, text: str) -> str | Reason | None:
        """Return the E.164 number or the reason that phonenumbers gives, None to step aside."""
        if len(text) > LONGEST_TEXT:
            return None
        if not text.isascii():
            return self._messy(text)
        found = self._bare(text.encode().translate(None, _PUNCTUATION).decode())
        return self._messy(text) if found is None else found

    def read_all(self, texts: Sequence[str]) -> list[str | Reason | None]:
        """Answer for each of *texts* what `read` answers, with one clean-up for them all.

        >>> FastPhone("GB", strict=False).read_all(["020 7946 0958", "n/a"])
        ['+442079460958', <Reason.NOT_A_NUMBER: 'not_a_number'>]
        """
        joined = "\n".join(texts).encode("utf-8", "surrogatepass")
        # In Latin-1 no byte of another character can pass for a digit.
        bares = joined.translate(None, _PUNCTUATION).decode("latin-1").split("\n")
        has_breaks = len(bares) != len(texts)
        if has_breaks or max(map(len, texts)) > LONGEST_TEXT:
            return [self.read(text) for text in texts]
        return [
            self._messy(text) if found is None else found
            for text, found in zip(texts, map(self._bare, bares), strict=True)
        ]

    def _bare(self, bare: str) -> str | Reason | None:
        """Read three or more ASCII digits, with at most a plus before them; None if it is not."""
        if bare.isdecimal():
            return self._domestic(bare) if len(bare) >= _ENOUGH_DIGITS else None
        if bare[:1] == "+" and bare[1:].isdecimal() and len(bare) > _ENOUGH_DIGITS:
            return self._international(bare)
        return None

    def _messy(self, text: str) -> str | Reason | None:
        """Find the number in other text: ``_extract_possible_number`` and what follows it."""
        found = _MESSY.fullmatch(text)
        if found:
            number = found[1].encode("ascii", "ignore").translate(None, _PUNCTUATION)
            return self._bare(number.decode())
        if not text or text.isspace():
            return Reason.EMPTY
        return Reason.NOT_A_NUMBER if _NO_NUMBER.fullmatch(text) else None

    def _domestic(self, digits: str) -> str | Reason | None:
        """Read digits without a plus: ``_maybe_extract_country_code``."""
        plan = self._home
        if plan is None:
            return Reason.INVALID_COUNTRY_CODE
        if plan.any_prefix(digits) is None:
            return self._verdict(plan, digits)
        rest = _strip_international_prefix(plan, digits)
        if rest is None:
            rest = _strip_default_calling_code(plan, digits)
        return self._national(plan, digits) if rest is None else self._international(rest)

    def _international(self, number: str) -> str | Reason | None:
        """Read digits after a plus: ``_extract_country_code``."""
        if len(number) <= _SHORTEST_NUMBER:
            return Reason.TOO_SHORT
        plan = self._plans[number[:4]]
        return None if plan is None else self._national(plan, number[len(plan.plus_code) :])

    def _national(self, plan: Plan, digits: str) -> str | Reason:
        """Read the rest by the *plan* of its calling code: the end of ``parse``."""
        if plan.national_prefix(digits) is not None:
            shorter = _strip_national_prefix(plan, digits)
            if plan.own_lengths[len(shorter)] in _USABLE:
                return self._verdict(plan, shorter)
        return self._verdict(plan, digits)

    def _verdict(self, plan: Plan, national: str) -> str | Reason:
        """Judge: ``is_possible_number_with_reason``, and ``is_valid_number`` if strict."""
        reason = plan.lengths[len(national)]
        if reason is not None:
            return reason
        if self._strict and not validity_of_code(plan.calling_code)[len(national)](national):
            return Reason.NOT_VALID
        return plan.plus_code + national


_USABLE: Final = frozenset({None, Reason.TOO_LONG})
"""The verdicts on a number without its national prefix that make ``parse`` leave it off."""


def _strip_international_prefix(plan: Plan, digits: str) -> str | None:
    """Return *digits* with a plus for an international prefix: ``_parse_prefix_as_idd``."""
    found = plan.international_prefix(digits)
    if found is None or digits.startswith("0", found.end()):  # no calling code begins with 0
        return None
    return "+" + digits[found.end() :]


def _strip_default_calling_code(plan: Plan, digits: str) -> str | None:
    """Return *digits* with the plus that they lack: ``_maybe_extract_country_code``."""
    if not digits.startswith(plan.calling_code):
        return None
    rest = _strip_national_prefix(plan, digits[len(plan.calling_code) :])
    too_long = plan.own_lengths[len(digits)] is Reason.TOO_LONG
    better = too_long or (plan.general(rest) and not plan.general(digits))
    return plan.plus_code + rest if better else None


def _strip_national_prefix(plan: Plan, digits: str) -> str:
    """Return the digits without trunk prefix: ``_maybe_strip_national_prefix_carrier_code``."""
    found = plan.national_prefix(digits)
    if found is None:
        return digits
    rule, groups = plan.national_prefix_transform, found.groups()
    head = found.expand(rule) if rule and groups[-1] is not None else ""
    shorter = head + digits[found.end() :]
    return digits if plan.general(digits) and not plan.general(shorter) else shorter
