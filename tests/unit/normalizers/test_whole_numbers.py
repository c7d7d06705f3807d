"""`leadfold.normalizers.whole_numbers`: ids that were numbers for a while."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.normalizers.whole_numbers import DigitsLostError, whole_float_to_text

EXACT = 2**53 - 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(5551234567.0, "5551234567", id="float"),
        pytest.param(5551234567, "5551234567", id="int"),
        pytest.param(10**30, "1" + "0" * 30, id="an int of any size"),
        pytest.param(float(EXACT), "9007199254740991", id="the largest exact float"),
        pytest.param(0.0, "0", id="zero"),
        pytest.param(-0.0, "0", id="negative zero"),
        pytest.param(-5.0, "-5", id="negative"),
        pytest.param("5551234567.0", "5551234567", id="text of a float"),
        pytest.param(" 5551234567.00 ", "5551234567", id="padded, two decimals"),
        pytest.param("007.0", "007", id="leading zeros"),
        pytest.param("24000000000000001", "24000000000000001", id="digits in text"),
    ],
)
def test_whole_numbers_become_their_digits(value: object, text: str) -> None:
    """As they were before a frame or a spreadsheet read them as numbers."""
    assert whole_float_to_text(value) == text


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="None"),
        pytest.param("", id="empty"),
        pytest.param(" 5551234567 ", id="text is not trimmed"),
        pytest.param("1.5", id="a fraction in text"),
        pytest.param("A17.0", id="not a number"),
        pytest.param("555.123.4567", id="a phone with dots"),
        pytest.param("1.0.0", id="a version"),
        pytest.param(".0", id="no digits"),
        pytest.param("\u0665.0", id="digits of another script"),
        pytest.param("2e5", id="no float writes this"),
        pytest.param("9" * 5000 + ".0", id="longer than any float"),
        pytest.param(1.5, id="a fraction"),
        pytest.param(math.inf, id="infinity"),
        pytest.param(True, id="bool"),
        pytest.param(b"1.0", id="bytes"),
    ],
)
def test_everything_else_comes_back_untouched(value: object) -> None:
    """The normalizers judge it."""
    assert whole_float_to_text(value) is value


def test_nan_stays_nan() -> None:
    """It stands for a missing value."""
    nan = whole_float_to_text(math.nan)
    assert isinstance(nan, float)
    assert math.isnan(nan)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(24000000000000001.0, id="float"),
        pytest.param(float(2**53), id="the first inexact float"),
        pytest.param(-float(2**53), id="its negative"),
        pytest.param("24000000000000000.0", id="text of such a float"),
        pytest.param("9007199254740992.0", id="the first inexact one in text"),
        pytest.param("2.4E+16", id="spreadsheet"),
        pytest.param(" 2,4E+16", id="spreadsheet, decimal comma"),
        pytest.param("2.4000000000000004e+16", id="Python"),
    ],
)
def test_lost_digits_are_an_error(value: float | str) -> None:
    """A wrong id would join strangers; the error keeps the value out of its message."""
    with pytest.raises(DigitsLostError, match="read or export its column as text") as caught:
        whole_float_to_text(value)
    assert caught.value.value == value
    assert str(value) not in str(caught.value)


@given(st.integers(-EXACT, EXACT))
def test_what_python_writes_of_a_float_column_comes_back(number: int) -> None:
    """Number, text of the number, and the digits agree."""
    assert whole_float_to_text(float(number)) == str(number)
    if number >= 0:
        assert whole_float_to_text(str(float(number))) == str(number)


@given(st.floats(min_value=2**53, allow_infinity=False))
def test_what_python_writes_of_a_large_float_is_refused(number: float) -> None:
    """Whether as a number or in text."""
    for value in (number, str(number)):
        with pytest.raises(DigitsLostError):
            whole_float_to_text(value)
