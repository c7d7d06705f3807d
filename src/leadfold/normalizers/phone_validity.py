"""Writes libphonenumber's ``is_valid_number`` as one pattern for a calling code and a length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phonenumbers import PhoneMetadata
    from phonenumbers.phonemetadata import PhoneNumberDesc

__all__ = ["valid_pattern"]

_NEVER: Final = "(?!)"


def valid_pattern(regions: Sequence[PhoneMetadata], length: int) -> str:
    """Return what matches the valid national numbers of that *length* in any of *regions*.

    They are all regions of one calling code, in phonenumbers' order. As in
    ``_region_code_for_number_from_list`` the first that claims a number decides: a region with
    leading digits claims every number that begins with them, any other one those that are valid
    in it, an only region all.

    >>> import re
    >>> from phonenumbers import PhoneMetadata
    >>> valid = valid_pattern([PhoneMetadata.metadata_for_region("US")], 10)
    >>> bool(re.fullmatch(valid, "4155552671")), bool(re.fullmatch(valid, "5551234567"))
    (True, False)
    """
    if not regions:
        return _NEVER
    first, others = regions[0], regions[1:]
    valid, elsewhere = _valid_in(first, length), valid_pattern(others, length)
    if first.leading_digits is None or not others:
        return f"{valid}|{elsewhere}" if others else valid
    claimed = f"(?:{first.leading_digits})"
    return f"(?={claimed}){valid}|(?!{claimed})(?:{elsewhere})"


def _valid_in(region: PhoneMetadata, length: int) -> str:
    """Return the pattern of ``_number_type_helper`` knowing a type: general and any type."""
    general = region.general_desc
    types = [rule for rule in _types(region) if _allows(rule, length)]
    if general is None or not types or not _allows(general, length):
        return _NEVER
    alternatives = "|".join(str(rule.national_number_pattern) for rule in types)
    return f"(?=(?:{general.national_number_pattern})$)(?:{alternatives})"


def _types(region: PhoneMetadata) -> Iterator[PhoneNumberDesc]:
    """Give the types that ``_number_type_helper`` tries; the commonest come first here."""
    mobile = None if region.same_mobile_and_fixed_line_pattern else region.mobile
    rules = (
        *(region.fixed_line, mobile, region.toll_free, region.premium_rate, region.shared_cost),
        *(region.voip, region.personal_number, region.pager, region.uan, region.voicemail),
    )
    return (rule for rule in rules if rule is not None)


def _allows(rule: PhoneNumberDesc, length: int) -> bool:
    """Tell whether ``_is_number_matching_desc`` looks at the pattern for that length."""
    lengths = rule.possible_length
    return bool(rule.national_number_pattern) and (not lengths or length in lengths)
