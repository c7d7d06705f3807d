"""Asks phonenumbers about one text: the slow door, which every answer is measured by.

No short cut is taken here; those are `leadfold.normalizers.fast_phone`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from leadfold.normalizers.reason import Reason
from leadfold.normalizers.whatsapp import fold, with_plus

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

__all__ = ["LONGEST_TEXT", "PhoneRule", "ask_library", "national_digits"]

LONGEST_TEXT: Final = 250
"""libphonenumber refuses any longer text unread."""


@attrs.frozen
class PhoneRule:
    """What the doors of `leadfold.normalizers.phone` were told, checked once."""

    region: str | None = attrs.field(default="US")
    strict: bool = attrs.field(default=False, kw_only=True)
    default_area: str | None = attrs.field(default=None, kw_only=True)
    whatsapp: bool = attrs.field(default=False, kw_only=True)

    @region.validator
    def _must_be_known(self, _field: object, region: str | None) -> None:
        import phonenumbers  # noqa: PLC0415 - loads at first use

        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            msg = (
                f"unknown region {region!r}: give an ISO 3166-1 code in capitals, such as 'US', "
                "or None to read international numbers only"
            )
            raise ValueError(msg)

    @default_area.validator
    def _must_be_digits_of_a_region(self, _field: object, area: str | None) -> None:
        if area is None:
            return
        if self.region is None:
            msg = f"default_area {area!r} needs a region: without one it means nothing"
            raise ValueError(msg)
        if not (area.isascii() and area.isdecimal()):
            msg = f"default_area {area!r} must be the digits of an area code, such as '212'"
            raise ValueError(msg)


def ask_library(text: str, rule: PhoneRule) -> str | Reason:
    """Return *text* as E.164, or the reason that libphonenumber gives against it.

    >>> ask_library("(555) 123-4567 ext. 9", PhoneRule("US"))
    '+15551234567'
    >>> ask_library("123-4567", PhoneRule("US"))
    <Reason.LOCAL_ONLY: 'local_only'>
    """
    if not text or text.isspace():
        return Reason.EMPTY
    return _judge(with_plus(text) if rule.whatsapp else text, rule)


def national_digits(e164: str) -> str:
    """Return the national significant number of *e164*: all but the plus and calling code.

    >>> national_digits("+15551234567"), national_digits("+390612345678")
    ('5551234567', '0612345678')
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415 - loads at first use

    # No calling code begins another one, so the first that fits is the one.
    end = next(end for end in (2, 3, 4) if int(e164[1:end]) in COUNTRY_CODE_TO_REGION_CODE)
    return e164[end:]


def _judge(text: str, rule: PhoneRule) -> str | Reason:
    import phonenumbers  # noqa: PLC0415 - loads at first use

    number = _parse(text, rule.region)
    if isinstance(number, Reason):
        return number
    if rule.whatsapp:
        number = _folded(number)
    reason = _impossible(number)
    if reason is Reason.LOCAL_ONLY and rule.default_area is not None:
        return _complete(text, number, rule)
    if reason is not None:
        return reason
    if rule.strict and not phonenumbers.is_valid_number(number):
        return Reason.NOT_VALID
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(text: str, region: str | None) -> PhoneNumber | Reason:
    import phonenumbers  # noqa: PLC0415 - loads at first use

    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        return {
            error.INVALID_COUNTRY_CODE: Reason.INVALID_COUNTRY_CODE,
            error.NOT_A_NUMBER: Reason.NOT_A_NUMBER,
            error.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
            error.TOO_SHORT_NSN: Reason.TOO_SHORT,
            error.TOO_LONG: Reason.TOO_LONG,
        }[error.error_type]


def _impossible(number: PhoneNumber) -> Reason | None:
    import phonenumbers  # noqa: PLC0415 - loads at first use

    result = phonenumbers.ValidationResult
    return {
        result.IS_POSSIBLE: None,
        result.IS_POSSIBLE_LOCAL_ONLY: Reason.LOCAL_ONLY,
        result.INVALID_COUNTRY_CODE: Reason.INVALID_COUNTRY_CODE,
        result.TOO_SHORT: Reason.TOO_SHORT,
        result.INVALID_LENGTH: Reason.INVALID_LENGTH,
        result.TOO_LONG: Reason.TOO_LONG,
    }[phonenumbers.is_possible_number_with_reason(number)]


def _folded(number: PhoneNumber) -> PhoneNumber:
    """Return the canonical one of WhatsApp's variants of *number*."""
    import phonenumbers  # noqa: PLC0415 - loads at first use

    national = phonenumbers.national_significant_number(number)
    folded = fold(number.country_code or 0, national)
    if folded == national:
        return number
    return phonenumbers.PhoneNumber(number.country_code, national_number=int(folded))


def _complete(text: str, number: PhoneNumber, rule: PhoneRule) -> str | Reason:
    """Put the default area before a local number, unless it was written internationally."""
    import phonenumbers  # noqa: PLC0415 - loads at first use

    written = phonenumbers.parse(text, rule.region, keep_raw_input=True).country_code_source
    if written != phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return Reason.LOCAL_ONLY
    national = phonenumbers.national_significant_number(number)
    return _judge(f"{rule.default_area}{national}", attrs.evolve(rule, default_area=None))
