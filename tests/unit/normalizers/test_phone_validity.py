"""The one pattern of validity, with made-up metadata: today's own leave some rules untried."""

from __future__ import annotations

import re

import pytest
from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from leadfold.normalizers.phone_validity import valid_pattern


def desc(pattern: str, *lengths: int) -> PhoneNumberDesc:
    """Describe numbers of a pattern and, if given, of some lengths only."""
    return PhoneNumberDesc(national_number_pattern=pattern, possible_length=lengths)


def region(
    name: str,
    *,
    general: PhoneNumberDesc,
    fixed_line: PhoneNumberDesc | None = None,
    mobile: PhoneNumberDesc | None = None,
    pager: PhoneNumberDesc | None = None,
    leading_digits: str | None = None,
) -> PhoneMetadata:
    """Make a region that phonenumbers does not know of."""
    return PhoneMetadata(
        id=name,
        country_code=1,
        general_desc=general,
        fixed_line=fixed_line,
        mobile=mobile,
        pager=pager,
        leading_digits=leading_digits,
        register=False,
    )


ANY = desc(r"\d{4,5}", 4, 5)
TWOS = region("AA", general=ANY, fixed_line=desc(r"2\d+"))
CLAIMS_23 = region("BB", general=ANY, fixed_line=desc(r"(?:230|9)\d+"), leading_digits="23")
CLAIMS_2_OR_3 = region("CC", general=ANY, mobile=desc(r"3\d+"), leading_digits="2|3")


def is_valid(regions: list[PhoneMetadata], number: str) -> bool:
    """Match a number against the pattern of its length."""
    return re.fullmatch(valid_pattern(regions, len(number)), number) is not None


@pytest.mark.parametrize(
    ("regions", "number", "valid"),
    [
        pytest.param([], "2345", False, id="no region"),
        pytest.param([TWOS], "2345", True, id="a type of the only region"),
        pytest.param([TWOS], "3345", False, id="no type"),
        pytest.param([CLAIMS_23], "9345", True, id="an only region claims without leading digits"),
        pytest.param([CLAIMS_23, TWOS], "2345", False, id="claimed first, and refused"),
        pytest.param([CLAIMS_23, TWOS], "2305", True, id="claimed first, and valid"),
        pytest.param([CLAIMS_23, TWOS], "2545", True, id="not claimed by the first"),
        pytest.param([CLAIMS_23, TWOS], "9345", False, id="valid, but not claimed"),
        pytest.param([TWOS, CLAIMS_23], "2345", True, id="valid in the first, so claimed"),
        pytest.param([TWOS, CLAIMS_2_OR_3], "3345", True, id="valid in the second"),
        pytest.param([CLAIMS_2_OR_3, TWOS], "2345", False, id="an alternative claims as a whole"),
        pytest.param([TWOS, TWOS, CLAIMS_2_OR_3], "3345", True, id="valid in the third"),
    ],
)
def test_the_first_region_that_claims_a_number_decides(
    regions: list[PhoneMetadata],
    number: str,
    valid: bool,  # noqa: FBT001 - a parameter
) -> None:
    """As in _region_code_for_number_from_list, then is_valid_number_for_region."""
    assert is_valid(regions, number) is valid


def test_the_general_description_must_match_first() -> None:
    """A type alone is not enough, nor is the beginning of the general pattern."""
    picky = region("DD", general=desc(r"2\d{3}", 4, 5), fixed_line=desc(r"\d+"))
    assert is_valid([picky], "2345")
    assert not is_valid([picky], "3345")
    assert not is_valid([picky], "23456")


def test_a_length_that_is_not_possible_is_not_valid() -> None:
    """Lengths come before patterns, in general and for each type; none means any."""
    short = region("EE", general=desc(r"\d+", 4, 5), fixed_line=desc(r"\d+", 4))
    assert is_valid([short], "2345")
    assert not is_valid([short], "23456")
    assert is_valid([TWOS], "23456")
    assert not is_valid([region("FF", general=desc(r"\d+", 4), pager=desc(r"\d+"))], "23456")


def test_mobile_counts_only_where_its_pattern_differs() -> None:
    """The library does not look at mobile numbers if fixed lines have the same pattern."""
    same = region("GG", general=ANY, fixed_line=desc(r"\d+", 4), mobile=desc(r"\d+", 5))
    other = region("HH", general=ANY, fixed_line=desc(r"\d+", 4), mobile=desc(r"[0-9]+", 5))
    assert not is_valid([same], "23456")
    assert is_valid([other], "23456")


def test_a_region_without_descriptions_has_no_valid_number() -> None:
    """Types without a pattern match nothing."""
    empty = region("II", general=ANY, fixed_line=PhoneNumberDesc(), mobile=desc(""))
    assert not is_valid([empty], "2345")
