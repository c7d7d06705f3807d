"""`leadfold.normalizers.messenger`: opaque ids, trimmed, and refused where no id can be."""

from __future__ import annotations

import pytest

from leadfold.normalizers.messenger import (
    MAX_OPAQUE_LENGTH,
    messenger_normalizer,
    normalize_psid,
    opaque_normalizer,
    parse_psid,
    parse_psids,
)
from leadfold.normalizers.reason import Reason


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(" 24000000000000001 ", "24000000000000001", id="trimmed"),
        pytest.param("\t\u00a0a b\r\n", "a b", id="inner space kept"),
        pytest.param("AbC", "AbC", id="case kept"),
        pytest.param("007", "007", id="leading zeros kept"),
        pytest.param("00", "00", id="two zeros are no placeholder"),
        pytest.param("nullable", "nullable", id="a longer word is no placeholder"),
        pytest.param("id\u200b1", "id\u200b1", id="format characters are no control characters"),
        pytest.param("ид-😀", "ид-😀", id="any script"),
        pytest.param("x" * MAX_OPAQUE_LENGTH, "x" * 512, id="512 characters"),
        pytest.param(" " * 600 + "x", "x", id="length counts after trimming"),
    ],
)
def test_an_id_is_trimmed_and_otherwise_kept(raw: str, expected: str) -> None:
    """Nothing is read into an opaque id."""
    assert parse_psid(raw) == normalize_psid(raw) == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(None, Reason.MISSING, id="None"),
        pytest.param(float("nan"), Reason.MISSING, id="NaN"),
        pytest.param("", Reason.EMPTY, id="empty"),
        pytest.param(" \t\u2003", Reason.EMPTY, id="blank"),
        pytest.param("null", Reason.PLACEHOLDER, id="null"),
        pytest.param(" NULL ", Reason.PLACEHOLDER, id="NULL, padded"),
        pytest.param("Undefined", Reason.PLACEHOLDER, id="Undefined"),
        pytest.param("0", Reason.PLACEHOLDER, id="0"),
        pytest.param("a\x00b", Reason.CONTROL_CHARACTER, id="NUL"),
        pytest.param("a\nb", Reason.CONTROL_CHARACTER, id="line feed"),
        pytest.param("a\x7fb", Reason.CONTROL_CHARACTER, id="delete"),
        pytest.param("a\x9fb", Reason.CONTROL_CHARACTER, id="C1"),
        pytest.param("a\ud800", Reason.MALFORMED, id="high surrogate alone"),
        pytest.param("\udfffa", Reason.MALFORMED, id="low surrogate alone"),
        pytest.param("x" * 513, Reason.TOO_LONG, id="513 characters"),
        pytest.param("\x00" * 1_000_000, Reason.TOO_LONG, id="a megabyte"),
    ],
)
def test_what_is_no_id_has_a_reason(raw: object, reason: Reason) -> None:
    """Each refusal is typed, and the value door answers None."""
    assert parse_psid(raw) is reason
    assert normalize_psid(raw) is None


def test_what_is_no_text_is_an_error_that_names_the_field() -> None:
    """A number has no certain spelling: readers of files and frames map it back first."""
    with pytest.raises(TypeError, match="psid must be text, not int"):
        parse_psid(24)
    with pytest.raises(TypeError, match="page_user must be text, not float"):
        normalize_psid(24.0, field="page_user")
    with pytest.raises(TypeError, match="page_user must be text, not bytes"):
        parse_psids(["24", b"24"], field="page_user")


def test_the_batch_door_answers_in_order() -> None:
    """Any iterable is taken."""
    assert parse_psids(iter([" 1 ", None, "0"])) == ["1", Reason.MISSING, Reason.PLACEHOLDER]


def test_the_normalizer_is_the_batch_door() -> None:
    """Named messenger; its TypeError names the psid."""
    normalizer = messenger_normalizer()
    assert (normalizer.name, normalizer.version) == ("messenger", "1")
    assert normalizer.parse([" 1 ", "null"]) == ["1", Reason.PLACEHOLDER]
    with pytest.raises(TypeError, match="psid must be text"):
        normalizer.parse([1])


def test_an_id_of_ones_own_is_treated_alike() -> None:
    """Same rule, another name: in the normalizer and in its TypeError."""
    normalizer = opaque_normalizer("national_id")
    assert (normalizer.name, normalizer.version) == ("national_id", "1")
    assert normalizer.parse([" CM1 ", "undefined"]) == ["CM1", Reason.PLACEHOLDER]
    with pytest.raises(TypeError, match="national_id must be text"):
        normalizer.parse([1])
    with pytest.raises(TypeError, match="card must be text"):
        opaque_normalizer("national_id", field="card").parse([1])
