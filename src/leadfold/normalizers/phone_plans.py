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
from leadfold.normalizers.phone_validity import valid_pattern
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from phonenumbers import PhoneMetadata
    from phonenumbers.phonemetadata import PhoneNumberDesc

    Matcher = Callable[[str], re.Match[str] | None]

__all__ = [
    "Plan",
    "PlanByPrefix",
    "plain_nationals",
    "plain_numbers",
    "plan_of_code",
    "plan_of_region",
]

_T = TypeVar("_T")

_SHORTEST_NSN: Final = 2  # libphonenumber's _MIN_LENGTH_FOR_NSN
_LONGEST_NSN: Final = 17  # and its _MAX_LENGTH_FOR_NSN
_ENOUGH_DIGITS: Final = 3  # what is surely viable, whatever stands between them


@attrs.frozen(eq=False)
class Plan:
    """A region's numbering plan as ``parse`` reads it, for one strictness.

    The tuples are indexed by the length of a national number.
    """

    calling_code: str
    width: int
    """The length of the plus and the calling code."""
    international_prefix: re.Pattern[str]
    national_prefix: re.Pattern[str]
    national_prefix_transform: str | None
    general: re.Pattern[str]
    too_long: tuple[bool, ...]
    usable: tuple[bool, ...]
    """What ``parse`` makes of ``_test_number_length`` by this region's own metadata: whether
    the number must begin with the calling code, and whether a shortened one is to be used."""
    lengths: tuple[Reason | None, ...]
    """Why no number is that long, None if it is possible: ``_test_number_length`` by the main
    region of the calling code, which has the last word."""
    valid: tuple[re.Pattern[str], ...] | None
    """What ``is_valid_number`` accepts of the calling code; None if any number will do."""
    accepted: str
    """The pattern of what passes both."""
    answers: Matcher
    """Matches plus, code and a national number that no rule of these changes or refuses, so
    that it is its own answer."""


class PlanByPrefix(dict[str, "Plan | None"]):
    """The main plan of an international number, by its plus and first three digits.

    >>> PlanByPrefix(strict=False)["+442"].calling_code
    '44'
    >>> PlanByPrefix(strict=False)["+999"] is None
    True
    """

    def __init__(self, *, strict: bool) -> None:
        super().__init__()
        self._strict = strict

    def __missing__(self, prefix: str) -> Plan | None:
        """Find a plan as libphonenumber's ``_extract_country_code`` does, and keep it."""
        codes = [] if prefix.startswith("+0") else [prefix[1:end] for end in (2, 3, 4)]
        plans = (plan_of_code(int(code), strict=self._strict) for code in codes if code)
        found = self[prefix] = next((plan for plan in plans if plan is not None), None)
        return found


def plan_of_region(region: str, *, strict: bool) -> Plan:
    """Return the plan that reads numbers written inside *region*.

    >>> plan_of_region("JE", strict=False).calling_code
    '44'
    """
    import phonenumbers  # noqa: PLC0415 - loads at first use

    return _plan(phonenumbers.country_code_for_region(region), region, strict=strict)


def plan_of_code(code: int, *, strict: bool) -> Plan | None:
    """Return the plan of the main region of the calling *code*, None if there is no such code.

    >>> plan_of_code(44, strict=False).lengths[10] is None  # ten digits are possible in Britain
    True
    """
    regions = _regions(code)
    return _plan(code, regions[0], strict=strict) if regions else None


@cache
def plain_numbers(home: Plan) -> str:
    """Return the pattern of what is an answer once its beginning is plus and code of *home*.

    Digits may lack the code, or only the plus, or nothing; the one group holds what follows the
    code.

    >>> plain = re.compile(plain_numbers(plan_of_region("US", strict=True))).fullmatch
    >>> [plain(text)[1] for text in ("4155552671", "14155552671", "+14155552671")]
    ['4155552671', '4155552671', '4155552671']
    >>> plain("01114155552671") is None
    True
    """
    main = plan_of_code(int(home.calling_code), strict=home.valid is not None) or home
    code, width = home.calling_code, len(home.calling_code)
    # Of so many digits the first are the code, for without it they would be too many.
    lengths = [n for n in _possible(main.lengths) if home.too_long[width + n]]
    domestic = f"(?!{code})|{code}(?={_digits(lengths)}$)"
    beginning = rf"{_without([home.international_prefix])}(?:{domestic})|\+{code}"
    trunk_prefixes = [home.national_prefix, main.national_prefix]
    return f"(?:{beginning}){_without(trunk_prefixes)}({home.accepted})"


def plain_nationals(home: Plan) -> tuple[str, int] | None:
    """Return first digits and length of national numbers of *home* that are plain at sight.

    One that begins with such a digit is plain in the sense of `plain_numbers`, alone and after
    the code. None where it takes more than a first digit and a length to tell.

    >>> plain_nationals(plan_of_region("US", strict=False))
    ('23456789', 10)
    >>> plain_nationals(plan_of_region("GB", strict=False)) is None
    True
    """
    code = home.calling_code
    main = plan_of_code(int(code), strict=home.valid is not None) or home
    trunk = {home.national_prefix.pattern, main.national_prefix.pattern}
    abroad, lengths = home.international_prefix.pattern, _possible(main.lengths)
    literal = all(each.isdecimal() for each in (*trunk, abroad))
    if home.valid is not None or not literal or len(lengths) != 1 or abroad[0] == code[0]:
        return None
    if not home.too_long[len(code) + lengths[0]]:
        return None
    taken = {each[0] for each in (*trunk, abroad, code)}
    return "".join(digit for digit in "0123456789" if digit not in taken), lengths[0]


@cache
def _plan(code: int, region: str, *, strict: bool) -> Plan:
    metadata, main = _metadata(code, region), _metadata(code, _regions(code)[0])
    own, lengths = _given(metadata.general_desc), _lengths(_given(main.general_desc))
    valid = _valid(code) if strict else None
    national_prefix = _compiled(metadata.national_prefix_for_parsing)
    accepted = _accepted(lengths, valid)
    return Plan(
        calling_code=str(code),
        width=len(f"+{code}"),
        international_prefix=_compiled(metadata.international_prefix),
        national_prefix=national_prefix,
        national_prefix_transform=metadata.national_prefix_transform_rule or None,
        general=_compiled(own.national_number_pattern),
        too_long=tuple(reason is Reason.TOO_LONG for reason in _lengths(own)),
        usable=tuple(reason in {None, Reason.TOO_LONG} for reason in _lengths(own)),
        lengths=lengths,
        valid=valid,
        accepted=accepted,
        answers=re.compile(rf"\+{code}{_without([national_prefix])}{accepted}").fullmatch,
    )


def _without(prefixes: Sequence[re.Pattern[str]]) -> str:
    """Return the pattern of a place where no prefix begins, without groups of its own."""
    alternatives = "|".join(f"(?:{prefix.pattern})" for prefix in prefixes)
    return f"(?!{re.sub(r'[(](?![?])', '(?:', alternatives)})"


def _accepted(lengths: tuple[Reason | None, ...], valid: tuple[re.Pattern[str], ...] | None) -> str:
    """Return the pattern of all national numbers that ``_verdict`` lets pass."""
    possible = _possible(lengths)
    if valid is None:
        return _digits(possible)
    alternatives = [f"(?=[0-9]{{{n}}}$)(?:{valid[n].pattern})" for n in possible]
    return f"(?:{'|'.join(alternatives) or '(?!)'})"


def _possible(lengths: tuple[Reason | None, ...]) -> list[int]:
    return [n for n in range(_ENOUGH_DIGITS, _LONGEST_NSN + 1) if lengths[n] is None]


def _digits(lengths: Sequence[int]) -> str:
    """Return the pattern of digits of one of these *lengths*."""
    return f"(?:{'|'.join(f'[0-9]{{{n}}}' for n in lengths) or '(?!)'})"


@cache
def _valid(code: int) -> tuple[re.Pattern[str], ...]:
    every = [_metadata(code, region) for region in _regions(code)]
    return tuple(re.compile(valid_pattern(every, n)) for n in range(_LONGEST_NSN + 1))


def _regions(code: int) -> Sequence[str]:
    """Return the regions of a calling code, the main region first."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415 - loads at first use

    return COUNTRY_CODE_TO_REGION_CODE.get(code, ())


def _metadata(code: int, region: str) -> PhoneMetadata:
    """Load the metadata of one region or global service, if they are not there yet."""
    import phonenumbers  # noqa: PLC0415 - loads at first use

    load = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code
    return _given(load(code, region))


def _given(value: _T | None) -> _T:
    """Return what phonenumbers' types let be None, and its metadata always has."""
    assert value is not None, "phonenumbers lacks what its own tables name"  # noqa: S101
    return value


def _compiled(rule: str | None) -> re.Pattern[str]:
    """Compile a pattern of the metadata; an absent or empty one matches nothing."""
    return re.compile(rule or "(?!)")


@cache
def _lengths_of(possible: tuple[int, ...], local: tuple[int, ...]) -> tuple[Reason | None, ...]:
    def verdict(length: int) -> Reason | None:
        if length in local and _SHORTEST_NSN <= length <= _LONGEST_NSN:
            return Reason.LOCAL_ONLY
        if length < max(possible[0], _SHORTEST_NSN):
            return Reason.TOO_SHORT
        if length > min(possible[-1], _LONGEST_NSN):
            return Reason.TOO_LONG
        return None if length in possible else Reason.INVALID_LENGTH

    return tuple(map(verdict, range(LONGEST_TEXT + 1)))


def _lengths(general: PhoneNumberDesc) -> tuple[Reason | None, ...]:
    """Tabulate ``_test_number_length``, with ``parse``'s own limits, for any text's length."""
    possible, local = general.possible_length, general.possible_length_local_only
    return _lengths_of(tuple(possible), tuple(local))
