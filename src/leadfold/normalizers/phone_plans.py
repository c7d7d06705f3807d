"""The tables of the fast path: phonenumbers' own metadata, laid out for quick reading.

Built in this one place, at first use, from the metadata of the phonenumbers that is installed.
Nothing is decided here; `leadfold.normalizers.fast_phone` does that.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from leadfold.normalizers.phone_library import LONGEST_TEXT
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from phonenumbers import PhoneMetadata
    from phonenumbers.phonemetadata import PhoneNumberDesc

    Matcher = Callable[[str], re.Match[str] | None]

__all__ = ["Plan", "PlanByPrefix", "plan_of_code", "plan_of_region", "validity_of_code"]

_T = TypeVar("_T")

_NEVER: Final = re.compile("(?!)")
_SHORTEST_NSN: Final = 2  # libphonenumber's _MIN_LENGTH_FOR_NSN
_LONGEST_NSN: Final = 17  # and its _MAX_LENGTH_FOR_NSN


@attrs.frozen(eq=False)
class Plan:
    """A region's numbering plan, as far as libphonenumber's ``parse`` looks at it.

    Matchers are bound methods of compiled patterns. The tuples are indexed by the length of a
    national number.
    """

    calling_code: str
    plus_code: str
    any_prefix: Matcher
    """Finds the beginning of a number that any of the next two, or the code, may shorten."""
    international_prefix: Matcher
    national_prefix: Matcher
    national_prefix_transform: str | None
    general: Matcher
    """Matches a whole number against the general description."""
    own_lengths: tuple[Reason | None, ...]
    """What ``_test_number_length`` says by this region's metadata; None is possible."""
    lengths: tuple[Reason | None, ...]
    """The same by the main region of the calling code, which has the last word."""


class PlanByPrefix(dict[str, "Plan | None"]):
    """The main plan of an international number, by its plus and first three digits.

    >>> PlanByPrefix()["+442"].plus_code
    '+44'
    >>> PlanByPrefix()["+999"] is None
    True
    """

    def __missing__(self, prefix: str) -> Plan | None:
        """Find a plan as libphonenumber's ``_extract_country_code`` does, and keep it."""
        codes = [prefix[1:end] for end in (2, 3, 4)] if prefix[1] != "0" else []
        plans = (plan_of_code(int(code)) for code in codes)
        found = self[prefix] = next((plan for plan in plans if plan is not None), None)
        return found


@cache
def plan_of_region(region: str) -> Plan:
    """Return the plan that reads numbers written inside *region*.

    >>> plan_of_region("JE").plus_code
    '+44'
    """
    import phonenumbers  # noqa: PLC0415 - loads at first use

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return _plan(_given(metadata))


@cache
def plan_of_code(code: int) -> Plan | None:
    """Return the plan of the main region of the calling *code*, None if there is no such code.

    >>> plan_of_code(44).own_lengths[10] is None  # ten digits are possible in Britain
    True
    """
    regions = _regions(code)
    return _plan(_metadata(code, regions[0])) if regions else None


@cache
def validity_of_code(code: str) -> tuple[Matcher, ...]:
    """Return, by length, what matches the national numbers that ``is_valid_number`` accepts.

    One pattern joins all regions of the calling *code* and all types of number.

    >>> matches = validity_of_code("1")[10]
    >>> bool(matches("4155552671")), bool(matches("5551234567"))
    (True, False)
    """
    regions = [_metadata(int(code), region) for region in _regions(int(code))]
    return tuple(
        re.compile(_valid_in_one_of(regions, length)).fullmatch
        for length in range(_LONGEST_NSN + 1)
    )


def _regions(code: int) -> Sequence[str]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415 - loads at first use

    return COUNTRY_CODE_TO_REGION_CODE.get(code, ())


def _metadata(code: int, region: str) -> PhoneMetadata:
    import phonenumbers  # noqa: PLC0415 - loads at first use

    found = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return _given(found)


def _given(value: _T | None) -> _T:
    """Return what phonenumbers' types let be None, and its metadata always has."""
    assert value is not None, "phonenumbers lacks metadata that its own tables name"  # noqa: S101 - a broken installation
    return value


def _plan(metadata: PhoneMetadata) -> Plan:
    number, own = _given(metadata.country_code), _given(metadata.general_desc)
    main = _given(_metadata(number, _regions(number)[0]).general_desc)
    code = str(number)
    prefixes = [metadata.international_prefix, metadata.national_prefix_for_parsing]
    return Plan(
        calling_code=code,
        plus_code=f"+{code}",
        any_prefix=re.compile(
            "|".join(f"(?:{rule})" for rule in [code, *filter(None, prefixes)])
        ).match,
        international_prefix=_compiled(metadata.international_prefix).match,
        national_prefix=_compiled(metadata.national_prefix_for_parsing).match,
        national_prefix_transform=metadata.national_prefix_transform_rule or None,
        general=_compiled(own.national_number_pattern).fullmatch,
        own_lengths=_lengths(own),
        lengths=_lengths(main),
    )


def _compiled(rule: str | None) -> re.Pattern[str]:
    """Compile a pattern of the metadata; an absent or empty one matches nothing."""
    return re.compile(rule) if rule else _NEVER


def _lengths(general: PhoneNumberDesc) -> tuple[Reason | None, ...]:
    """Tabulate ``_test_number_length``, with ``parse``'s own limits, for any text's length."""
    possible, local = general.possible_length, general.possible_length_local_only

    def verdict(length: int) -> Reason | None:
        if length < _SHORTEST_NSN or length > _LONGEST_NSN:
            return Reason.TOO_SHORT if length < _SHORTEST_NSN else Reason.TOO_LONG
        if length in local:
            return Reason.LOCAL_ONLY
        if length in possible:
            return None
        if length < possible[0]:
            return Reason.TOO_SHORT
        return Reason.TOO_LONG if length > possible[-1] else Reason.INVALID_LENGTH

    return tuple(map(verdict, range(LONGEST_TEXT + 1)))


def _valid_in_one_of(regions: Sequence[PhoneMetadata], length: int) -> str:
    """Return the pattern of ``is_valid_number``: valid in the first region that claims it.

    As in ``_region_code_for_number_from_list``, a region with leading digits claims every
    number that begins with them, any other one those that are valid in it. An only region
    claims all.
    """
    if not regions:
        return "(?!)"
    first, others = regions[0], regions[1:]
    valid, elsewhere = _valid_in(first, length), _valid_in_one_of(others, length)
    if first.leading_digits is None or not others:
        return f"{valid}|{elsewhere}"
    return f"(?={first.leading_digits}){valid}|(?!{first.leading_digits})(?:{elsewhere})"


def _valid_in(region: PhoneMetadata, length: int) -> str:
    """Return the pattern of ``_number_type_helper`` knowing a type: general and any type."""
    general = _given(region.general_desc)
    types = [rule for rule in _types(region) if _allows(rule, length)]
    if not types or not _allows(general, length):
        return "(?!)"
    alternatives = "|".join(str(rule.national_number_pattern) for rule in types)
    return rf"(?=(?:{general.national_number_pattern})\Z)(?:{alternatives})"


def _types(region: PhoneMetadata) -> Iterator[PhoneNumberDesc]:
    """Give the types that ``_number_type_helper`` tries; the commonest come first here."""
    mobile = None if region.same_mobile_and_fixed_line_pattern else region.mobile
    rules = (
        region.fixed_line,
        mobile,
        region.toll_free,
        region.premium_rate,
        region.shared_cost,
        region.voip,
        region.personal_number,
        region.pager,
        region.uan,
        region.voicemail,
    )
    return (rule for rule in rules if rule is not None)


def _allows(rule: PhoneNumberDesc, length: int) -> bool:
    """Tell whether ``_is_number_matching_desc`` looks at the pattern for that length."""
    lengths = rule.possible_length
    return bool(rule.national_number_pattern) and (not lengths or length in lengths)
