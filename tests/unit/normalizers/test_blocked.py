"""`leadfold.normalizers.blocked`: the default packs, and what an entry matches."""

from __future__ import annotations

import phonenumbers
import pytest

from leadfold.normalizers.blocked import (
    DEFAULT_BLOCKED,
    ROLE_MAILBOXES,
    BlockedValues,
    faults_of_entries,
)
from leadfold.normalizers.email import normalize_email

PHONES = BlockedValues.of("phone", DEFAULT_BLOCKED["phone"])
EMAILS = BlockedValues.of("email", DEFAULT_BLOCKED["email"])


def e164(raw: str, region: str = "US") -> str:
    """Return *raw* in E.164, by phonenumbers alone."""
    number = phonenumbers.parse(raw, region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        pytest.param("000-000-0000", "US", id="zeros"),
        pytest.param("999-999-9999", "US", id="nines"),
        pytest.param("555-555-5555", "US", id="fives"),
        pytest.param("(888) 888-8888", "US", id="eights"),
        pytest.param("1234567890", "US", id="counting"),
        pytest.param("012-345-6789", "US", id="counting from zero"),
        pytest.param("+1 555 555 5555", "GB", id="international form"),
        pytest.param("99999 99999", "IN", id="another calling code"),
        pytest.param("000-000-0000", "GB", id="a trunk zero dropped"),
        pytest.param("+353 5555555555", "IE", id="three-digit calling code"),
    ],
)
def test_junk_phones_are_blocked_however_written(raw: str, region: str) -> None:
    """What people type to get past a form, under any calling code."""
    assert PHONES.matches(e164(raw, region))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("(555) 123-4567", id="the example number"),
        pytest.param("202-555-0123", id="a number of fiction"),
        pytest.param("555-555-5556", id="one digit off"),
        pytest.param("+49 2555 5555555", id="fives across a German area code"),
        pytest.param("+44 20 7946 0958", id="London"),
    ],
)
def test_other_phones_are_not(raw: str) -> None:
    """A shorthand covers the whole national number, and knows where it begins."""
    assert not PHONES.matches(e164(raw))


def test_national_numbers_are_spelled_out_under_every_calling_code() -> None:
    """All that phonenumbers knows are there, and none is the beginning of another."""
    values = BlockedValues.of("phone", ["5555555555"]).exact
    codes = {value.removeprefix("+").removesuffix("5555555555") for value in values}
    assert codes >= {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    assert not any(a != b and a.startswith(b) for a in codes for b in codes)


def test_an_entry_with_a_plus_is_that_number_alone() -> None:
    """A family's own line can be blocked without touching other countries."""
    blocked = BlockedValues.of("phone", ["+15551234567"])
    assert blocked.exact == {"+15551234567"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("noreply@shop.example", id="noreply"),
        pytest.param("no-reply@shop.example", id="no-reply"),
        pytest.param("donotreply@shop.example", id="donotreply"),
        pytest.param("do-not-reply@shop.example", id="do-not-reply"),
        pytest.param("noreply+42@shop.example", id="a tag after it"),
        pytest.param("test@test.com", id="test"),
        pytest.param("asdf@asdf.com", id="asdf"),
    ],
)
def test_junk_emails_are_blocked(value: str) -> None:
    """Senders that nobody reads, and what people type to get past a form."""
    assert EMAILS.matches(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("test@shop.example", id="test elsewhere"),
        pytest.param("ann@test.com", id="another name there"),
        pytest.param("noreply.ann@shop.example", id="a longer name"),
        pytest.param("ann+noreply@shop.example", id="the tag alone"),
        pytest.param("ann@noreply", id="the domain alone"),
        pytest.param("info@shop.example", id="a role: opt-in"),
        pytest.param("user@example.com", id="the example address"),
    ],
)
def test_other_emails_are_not(value: str) -> None:
    """Only the local part before a tag is compared with a ``name@`` entry."""
    assert not EMAILS.matches(value)


def test_role_mailboxes_are_a_pack_of_their_own() -> None:
    """Added to the default pack, they block desks at any domain."""
    blocked = BlockedValues.of("email", DEFAULT_BLOCKED["email"] + ROLE_MAILBOXES)
    assert blocked.matches("info@shop.example")
    assert blocked.matches("noreply@shop.example")
    assert not blocked.matches("ann@shop.example")


def test_a_domain_can_be_blocked() -> None:
    """That domain, and none below it."""
    blocked = BlockedValues.of("email", ["@mailinator.com"])
    assert blocked.matches("any@mailinator.com")
    assert not blocked.matches("any@x.mailinator.com")
    assert not blocked.matches("mailinator.com@x.example")


def test_other_kinds_have_no_shorthand() -> None:
    """An entry of one's own kind is that value, whatever it looks like."""
    blocked = BlockedValues.of("card", ["a@", "123"])
    assert [blocked.matches(value) for value in ("a@", "123", "a@b", "+1123")] == [
        *(True, True),
        *(False, False),
    ]


def test_no_entries_block_nothing() -> None:
    """The packs can be switched off."""
    assert not BlockedValues.of("email", []).matches("test@test.com")
    assert not BlockedValues.of("phone", []).matches("+15555555555")


def test_the_packs_are_as_normalized() -> None:
    """No default entry is a typing mistake: each could match something."""
    assert faults_of_entries("phone", dict(enumerate(DEFAULT_BLOCKED["phone"]))) == ()
    emails = DEFAULT_BLOCKED["email"] + ROLE_MAILBOXES
    assert faults_of_entries("email", dict(enumerate(emails))) == ()
    full = [f"{e}x.example" if e.endswith("@") else e for e in DEFAULT_BLOCKED["email"]]
    assert [normalize_email(value) for value in full] == full


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        pytest.param("phone", "(555) 555-5555", id="punctuation"),
        pytest.param("phone", "+", id="no digits"),
        pytest.param("phone", "\u0665" * 10, id="digits of another script"),
        pytest.param("email", "info", id="a bare name"),
        pytest.param("email", "@", id="a bare at-sign"),
        pytest.param("email", "Info@", id="upper case"),
        pytest.param("email", "a@b@c", id="two at-signs"),
        pytest.param("email", " info@", id="padded"),
        pytest.param("card", " ", id="blank"),
    ],
)
def test_an_entry_that_can_match_nothing_is_a_fault(kind: str, entry: str) -> None:
    """The fault names the entry's place, so that it can be found in the policy."""
    (fault,) = faults_of_entries(kind, {7: entry})
    assert fault.startswith("entry 7 (")
    assert entry == "@" or entry not in fault.partition(":")[0].replace("entry 7 (", "")
