"""Any text at all: a phone number or a reason, never an exception, never anything between."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.normalizers.phone import normalize_phone, parse_phone, parse_phones
from leadfold.normalizers.reason import Reason
from strings import REGIONS

E164 = re.compile(r"\+[1-9][0-9]{3,19}")  # no shorter number has a calling code

any_text = st.text(st.characters(codec=None, exclude_categories=()))  # surrogates, too
near_numbers = st.text("0123456789+-() .x,;#\0\ud800\u0661\uff0b\u202a", max_size=40)
texts = st.one_of(any_text, near_numbers)
regions = st.one_of(st.none(), st.sampled_from(REGIONS))
flags = st.fixed_dictionaries({name: st.booleans() for name in ("strict", "whatsapp", "fast")})


@given(texts, regions, flags)
def test_text_gives_a_number_or_a_reason(
    text: str, region: str | None, flags: dict[str, bool]
) -> None:
    """Every door takes every text, with every option, and answers in E.164 or with a reason."""
    answer = parse_phone(text, region=region, **flags)  # type: ignore[arg-type]
    assert isinstance(answer, Reason) or E164.fullmatch(answer)
    assert parse_phones([text], region=region, **flags) == [answer]  # type: ignore[arg-type]
    value = normalize_phone(text, region=region, **flags)  # type: ignore[call-overload]
    assert value == (None if isinstance(answer, Reason) else answer)


@given(near_numbers, st.sampled_from(REGIONS), st.booleans())
def test_a_valid_answer_answers_for_itself(text: str, region: str, whatsapp: bool) -> None:  # noqa: FBT001
    """A strict key is its own key, read from anywhere, strictly or not."""
    answer = parse_phone(text, region=region, strict=True, whatsapp=whatsapp)
    if isinstance(answer, str):
        again = {
            parse_phone(answer, region=anywhere, strict=strict, whatsapp=whatsapp)
            for anywhere in (region, None)
            for strict in (True, False)
        }
        assert again == {answer}


def test_an_impossible_trunk_prefix_may_be_lost_on_second_reading() -> None:
    """The library's own answer for a number of no plan is not always a fixed point."""
    first = parse_phone("011 234 5678", region="JE")
    assert first == "+440112345678"
    assert parse_phone(first) == "+44112345678"
    assert parse_phone("011 234 5678", region="JE", strict=True) is Reason.NOT_VALID


@given(near_numbers, st.sampled_from(REGIONS))
def test_strict_only_refuses_more(text: str, region: str) -> None:
    """Strict gives the same number or a reason; it never finds one that possible does not."""
    strict, possible = (parse_phone(text, region=region, strict=flag) for flag in (True, False))
    if strict is Reason.NOT_VALID:
        assert isinstance(possible, str)
    else:
        assert strict == possible


@given(
    st.text("0123456789", min_size=1), st.sampled_from(REGIONS), st.sampled_from(" \t\n\r\u3000")
)
def test_white_space_around_does_not_count(digits: str, region: str, space: str) -> None:
    """Neither a trailing line break nor a leading blank changes an answer."""
    assert parse_phone(f"{space}{digits}{space}", region=region) == parse_phone(
        digits, region=region
    )


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        pytest.param("5", Reason.TOO_LONG, id="digits"),
        pytest.param("+1 415 555 2671 ", Reason.TOO_LONG, id="numbers"),
        pytest.param(" ", Reason.EMPTY, id="blanks"),
        pytest.param("\0", Reason.TOO_LONG, id="NUL"),
        pytest.param("\ud800", Reason.TOO_LONG, id="surrogates"),
        pytest.param(";phone-context=a-", Reason.TOO_LONG, id="phone contexts"),
    ],
)
def test_megabytes_are_refused(piece: str, reason: Reason, fast: bool) -> None:  # noqa: FBT001
    """A text of a megabyte is read no further than need be."""
    text = piece * (1_000_000 // len(piece))
    assert parse_phone(text, fast=fast) is reason
    assert parse_phones(["4155552671", text], fast=fast) == ["+14155552671", reason]
