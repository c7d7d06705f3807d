"""Ids that a spreadsheet or a frame made numbers of, mapped back to the text they were.

For readers of files and frames, on columns of ids and phones: the normalizers take text only.
A number that may have lost digits on its way is refused, for it would be somebody else's id.
"""

from __future__ import annotations

import re
from typing import Final

from leadfold.exceptions import LeadfoldError

__all__ = ["DigitsLostError", "whole_float_to_text"]

# From here on floats leave whole numbers out: 2**53 + 1 reads as 2**53.
_EXACT_BELOW: Final = 2**53
# How pandas and exports write a column of whole numbers with gaps.
_WHOLE_TEXT: Final = re.compile(r"([0-9]+)\.0+", re.ASCII)
# How spreadsheets and Python write a large float; the digits after the shown ones are gone.
_SCIENTIFIC_TEXT: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}", re.ASCII)
_LONGEST_NUMBER: Final = 40  # no float of a plain column is written longer: bounds int()


class DigitsLostError(LeadfoldError, ValueError):
    """A number too large for a float to hold exactly; `value` is what was read."""

    def __init__(self, value: float | str) -> None:
        self.value = value
        super().__init__(
            "an id went through a float and lost digits: read or export its column as text"
        )


def whole_float_to_text(value: object) -> object:
    """Return the digits that *value* stands for if it is a whole number, else *value* itself.

    Whole numbers are int, float below 2**53, and text such as ``123.0``. Missing values, other
    text and numbers with a fraction come back untouched; the normalizers judge them.

    Raises:
        DigitsLostError: *value* is a float of 2**53 or more, or text that such a float leaves
            behind: ``2.4E+16``, ``24000000000000000.0``.

    >>> whole_float_to_text(5551234567.0), whole_float_to_text("5551234567.0")
    ('5551234567', '5551234567')
    >>> whole_float_to_text(24000000000000001)
    '24000000000000001'
    >>> whole_float_to_text("A-17.0"), whole_float_to_text(1.5), whole_float_to_text(None)
    ('A-17.0', 1.5, None)
    >>> whole_float_to_text(24000000000000001.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    leadfold.normalizers.whole_numbers.DigitsLostError: an id went through a float ...
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(_exact(int(value), value))
    return value


def _from_text(text: str) -> str:
    """Undo what a float column writes; the leading zeros of true text are kept."""
    stripped = text.strip()
    if len(stripped) > _LONGEST_NUMBER:
        return text
    if _SCIENTIFIC_TEXT.fullmatch(stripped):
        raise DigitsLostError(text)
    whole = _WHOLE_TEXT.fullmatch(stripped)
    if whole is None:
        return text
    _exact(int(whole[1]), text)
    return whole[1]


def _exact(number: int, value: float | str) -> int:
    """Return *number* if a float tells it from its neighbours."""
    if abs(number) >= _EXACT_BELOW:
        raise DigitsLostError(value)
    return number
