"""Phone numbers: raw text to E.164, or the reason why there is none.

phonenumbers decides what a number is; `leadfold.normalizers.fast_phone` only gets to the same
answer sooner. It loads at first use, and so does each region's metadata.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Literal, NewType, overload

from leadfold.normalizers.phone_library import PhoneRule, national_digits
from leadfold.normalizers.phone_reader import PhoneReader
from leadfold.normalizers.reason import Normalizer
from leadfold.normalizers.whatsapp import WHATSAPP_RULE_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.normalizers.reason import Reason

__all__ = [
    "Phone",
    "normalize_phone",
    "parse_phone",
    "parse_phones",
    "phone_normalizer",
]

Phone = NewType("Phone", str)
"""A phone number in E.164: a plus, the calling code, the national digits; no extension."""

_VERSION: Final = "1"


@overload
def normalize_phone(
    raw: object,
    *,
    region: str | None = ...,
    strict: bool = ...,
    form: Literal["e164"] = ...,
    default_area: str | None = ...,
    whatsapp: bool = ...,
    fast: bool = ...,
    field: str = ...,
) -> Phone | None: ...
@overload
def normalize_phone(
    raw: object,
    *,
    region: str | None = ...,
    strict: bool = ...,
    form: Literal["national"],
    default_area: str | None = ...,
    whatsapp: bool = ...,
    fast: bool = ...,
    field: str = ...,
) -> str | None: ...
def normalize_phone(
    raw: object,
    *,
    region: str | None = "US",
    strict: bool = False,
    form: Literal["e164", "national"] = "e164",
    default_area: str | None = None,
    whatsapp: bool = False,
    fast: bool = True,
    field: str = "phone",
) -> Phone | str | None:
    """Return the phone number that *raw* stands for, or None.

    Args:
        raw: Text; None and NaN are missing.
        region: Where a number without a country code belongs, as ISO 3166-1 letters; None
            reads international numbers only.
        strict: Ask for a number that its country's plan has, not only one as long as those.
            Without it a number of no plan, such as one that keeps a trunk prefix after the
            calling code, may read differently when it is normalized a second time.
        form: ``"national"`` gives the national digits alone, which are no key.
        default_area: Digits to put before a number that is dialled within an area only.
        whatsapp: Read bare digits as an international number, and give WhatsApp's variants of
            one number one spelling (`leadfold.normalizers.whatsapp`).
        fast: Without it phonenumbers is asked about every value; the answers are the same.
        field: The name that a TypeError shows.

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.
        ValueError: *region* is unknown, or *default_area* is not the digits of an area.

    >>> normalize_phone("+1 (555) 123-4567 x89")
    '+15551234567'
    >>> normalize_phone("555.123.4567", form="national")
    '5551234567'
    >>> normalize_phone("020 7946 0958", region="GB")
    '+442079460958'
    >>> normalize_phone("12345") is None
    True
    """
    parsed = _reader(region, strict, default_area, whatsapp, fast).read(raw, field)
    if not isinstance(parsed, str):
        return None
    return parsed if form == "e164" else national_digits(parsed)


def parse_phone(
    raw: object,
    *,
    region: str | None = "US",
    strict: bool = False,
    default_area: str | None = None,
    whatsapp: bool = False,
    fast: bool = True,
    field: str = "phone",
) -> Phone | Reason:
    """Return the phone number that *raw* stands for, or why it is none.

    The arguments are those of `normalize_phone`. The reasons are libphonenumber's own, and
    missing, empty (blank text) and, under *strict*, not valid.

    Raises:
        TypeError: *raw* is neither text nor missing; the message names *field*.
        ValueError: *region* is unknown, or *default_area* is not the digits of an area.

    >>> parse_phone("(415) 555-2671")
    '+14155552671'
    >>> parse_phone("555-2671"), parse_phone("555-2671", default_area="415")
    (<Reason.LOCAL_ONLY: 'local_only'>, '+14155552671')
    >>> parse_phone("555 123 4567", strict=True)
    <Reason.NOT_VALID: 'not_valid'>
    >>> parse_phone("  "), parse_phone(None)
    (<Reason.EMPTY: 'empty'>, <Reason.MISSING: 'missing'>)
    """
    reader = _reader(region, strict, default_area, whatsapp, fast)
    return reader.read(raw, field)  # type: ignore[return-value]  # E.164, so a Phone


def parse_phones(
    raws: Iterable[object],
    *,
    region: str | None = "US",
    strict: bool = False,
    default_area: str | None = None,
    whatsapp: bool = False,
    fast: bool = True,
    field: str = "phone",
) -> list[Phone | Reason]:
    """Answer for each of *raws*, in order, what `parse_phone` answers, in less time.

    >>> parse_phones(["(415) 555-2671", "n/a"])
    ['+14155552671', <Reason.NOT_A_NUMBER: 'not_a_number'>]
    """
    reader = _reader(region, strict, default_area, whatsapp, fast)
    return reader.read_all(raws, field)  # type: ignore[return-value]  # as above


def phone_normalizer(
    *,
    region: str | None = "US",
    strict: bool = False,
    default_area: str | None = None,
    whatsapp: bool = False,
    fast: bool = True,
) -> Normalizer:
    """Return the normalizer named ``phone``; its version tells the rules, never the speed.

    >>> phone_normalizer(strict=True)
    Normalizer(name='phone', version='1;region=US;strict')
    """
    reader = _reader(region, strict, default_area, whatsapp, fast)
    parse = partial(reader.read_all, field="phone")
    return Normalizer("phone", _version(reader.rule), parse, reader.plain_shapes)


@lru_cache(maxsize=256)
def _reader(
    region: str | None,
    strict: bool,  # noqa: FBT001 - positional, for the cache's sake
    default_area: str | None,
    whatsapp: bool,  # noqa: FBT001 - as above
    fast: bool,  # noqa: FBT001 - as above
) -> PhoneReader:
    rule = PhoneRule(region, strict=strict, default_area=default_area, whatsapp=whatsapp)
    return PhoneReader(rule, fast=fast)


def _version(rule: PhoneRule) -> str:
    """Name every option that changes an answer."""
    parts = [_VERSION, f"region={rule.region or 'none'}"]
    if rule.strict:
        parts.append("strict")
    if rule.default_area is not None:
        parts.append(f"default_area={rule.default_area}")
    if rule.whatsapp:
        parts.append(f"whatsapp={WHATSAPP_RULE_VERSION}")
    return ";".join(parts)
