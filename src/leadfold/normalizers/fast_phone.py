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
from leadfold.normalizers.phone_plans import PlanByPrefix, national_answers, plan_of_region
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.normalizers.phone_plans import Plan

__all__ = ["FastPhone"]

_PUNCTUATION: Final = b" -().[]/"
_ENOUGH_DIGITS: Final = 3  # fewer are viable only if nothing else is there

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
        self._plans = PlanByPrefix(strict=strict)
        self._home = home = plan_of_region(region, strict=strict) if region else None
        self._lacks_only_code = national_answers(home) if home else _nothing
        self._plus_code = f"+{home.calling_code}" if home else ""

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
        """Read three or more ASCII digits, with at most a plus before them; None if it is not.

        Most numbers touch no rule, which one match tells; the rest take it rule by rule.
        """
        if bare[:1] == "+":
            plan = self._plans.get(bare[:4])
            if plan is not None and plan.answers(bare):
                return bare
            is_number = len(bare) > _ENOUGH_DIGITS and bare[1:].isdecimal()
            return self._international(bare) if is_number else None
        if self._lacks_only_code(bare):
            return self._plus_code + bare
        return self._domestic(bare) if len(bare) >= _ENOUGH_DIGITS and bare.isdecimal() else None

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


def _nothing(_text: str) -> None:
    """Match nothing: without a region digits alone are no answer."""


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
