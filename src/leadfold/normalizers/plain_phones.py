"""The shapes of phones whose answer is told at sight: those of one region that touch no rule.

What may stand around the digits is part of what `leadfold.normalizers.fast_phone` claims, and
made of its own constants; nothing is read here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from leadfold.normalizers.fast_phone import ANY_SEPARATOR, EXTENSION, FROM_FULL_WIDTH, SEPARATORS
from leadfold.normalizers.phone_library import LONGEST_TEXT
from leadfold.normalizers.phone_plans import plain_nationals, plan_of_region
from leadfold.normalizers.plain_shape import PlainShape, portable

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.normalizers.phone_plans import Plan

__all__ = ["plain_phones"]

_LONGEST_EXTENSION: Final = 7
_TO_ASCII: Final = {chr(wide): digit for wide, digit in FROM_FULL_WIDTH.items()}
_TO_FULL_WIDTH: Final = str.maketrans({digit: wide for wide, digit in _TO_ASCII.items()})


@cache
def plain_phones(region: str, *, strict: bool) -> tuple[PlainShape, ...]:
    """Return the common shape of numbers of *region*, and that of the rarer ones.

    Those are in full-width digits or have an extension. None where a rule reads most numbers.

    >>> import re
    >>> common, rare = plain_phones("US", strict=False)
    >>> [bool(re.search(common.pattern, text)) for text in ("(415) 555-2671", "555-2671")]
    [True, False]
    >>> bool(re.search(rare.pattern, "415-555-2671 ext. 9"))
    True
    >>> plain_phones("GB", strict=False)
    ()
    """
    home = plan_of_region(region, strict=strict)
    plain = plain_nationals(home)
    if plain is None:
        return ()
    common = PlainShape(
        _number(home, *plain, "[{}]".format) + f"{ANY_SEPARATOR}{{0,5}}$",
        replaced=dict.fromkeys(SEPARATORS, ""),
        last=plain[1],
        prefix=f"+{home.calling_code}",
    )
    if plain[1] <= _LONGEST_EXTENSION:  # what looks like one may be the number itself
        return (common,)
    extension = f"(?i:{portable(EXTENSION).replace('[0-9]', _of_either_width('0-9'))})"
    rare = attrs.evolve(
        common,
        pattern=_number(home, *plain, _of_either_width)
        + f"(?:{extension}|{ANY_SEPARATOR}{{0,5}})$",
        unless=(f"^.{{{LONGEST_TEXT + 1}}}",),
        cut=f"{extension}$",
        replaced={**common.replaced, **_TO_ASCII},
    )
    return common, rare


def _number(home: Plan, first: str, length: int, any_of: Callable[[str], str]) -> str:
    """Return the beginning of a pattern, up to the last digit of a number of *home*."""
    apart = f"{ANY_SEPARATOR}{{0,3}}"
    abroad = "".join(map(any_of, home.international_prefix.pattern))
    code = apart.join(map(any_of, home.calling_code))
    national = f"{any_of(first)}(?:{apart}{any_of('0-9')}){{{length - 1}}}"
    return rf"^[A-Za-z:\[( ]{{0,20}}(?:(?:\+|{abroad})?{apart}{code})?{apart}{national}"


def _of_either_width(digits: str) -> str:
    return f"[{digits}{digits.translate(_TO_FULL_WIDTH)}]"
