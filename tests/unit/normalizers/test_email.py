"""`leadfold.normalizers.email`, held to other people's test suites and to its own promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TypedDict

import email_validator
import pytest

from leadfold.normalizers.email import (
    email_normalizer,
    normalize_email,
    parse_email,
    parse_emails,
)
from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH
from leadfold.normalizers.reason import Reason

ORACLE = Path(__file__).parents[2] / "data" / "email_oracle" / "email_oracle.jsonl"
ENTRIES = pytest.mark.parametrize(
    "fast", [pytest.param(True, id="fast"), pytest.param(False, id="slow")]
)


class Row(TypedDict):
    """What this test reads of a row of the oracle."""

    id: str
    suite: str
    raw: str
    scope: str
    expected_canonical: str
    ev_normalized: str
    ev_agrees: str
    note: str


def oracle() -> list[Row]:
    """Return all rows of the oracle."""
    with ORACLE.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def is_padded(row: Row) -> bool:
    """Tell whether white space surrounds the raw text: the suites refuse it, we drop it."""
    return row["raw"] != row["raw"].strip()


AGREED = [row for row in oracle() if row["ev_agrees"] == "true"]


@ENTRIES
def test_agrees_with_every_agreed_row_of_the_oracle(fast: bool) -> None:  # noqa: FBT001
    """Where email-validator and the other suites agree, the answer is theirs, lower-cased."""
    compared = [row for row in AGREED if not is_padded(row)]
    answers = {row["id"]: normalize_email(row["raw"], fast=fast) for row in compared}
    assert answers == {row["id"]: row["ev_normalized"].lower() or None for row in compared}
    assert Counter(answer is None for answer in answers.values()) == {True: 184, False: 92}


def test_padded_rows_of_the_oracle_are_the_exception() -> None:
    """The rows with white space around them: 21, of which 18 hold an address once trimmed."""
    padded = [row["raw"] for row in AGREED if is_padded(row)]
    answers = Counter(normalize_email(raw) for raw in padded)
    assert answers == {"test@iana.org": 17, None: 3, "tumble@tumble.com": 1}


@ENTRIES
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(" USER@EXAMPLE.COM ", "user@example.com", id="trimmed and lowered"),
        pytest.param("\u00a0user@example.com\n", "user@example.com", id="no-break space"),
        pytest.param("SALES@Example.com", "sales@example.com", id="role mailbox"),
        pytest.param("user@BÜCHER.example", "user@bücher.example", id="Unicode domain"),
        pytest.param("user@xn--bcher-kva.example", "user@bücher.example", id="Punycode"),
        pytest.param("user@example。com", "user@example.com", id="ideographic full stop"),
        pytest.param("JOSÉ@example.com", "josé@example.com", id="accent"),
        pytest.param("jose\u0301@example.com", "jos\xe9@example.com", id="composed"),
        pytest.param("j.doe+news@gmail.com", "j.doe+news@gmail.com", id="provider kept"),
        pytest.param("x" * 65 + "@example.com", "x" * 65 + "@example.com", id="long local part"),
    ],
)
def test_an_address_has_one_spelling(raw: str, expected: str, fast: bool) -> None:  # noqa: FBT001
    """White space, case and the form of the domain do not count."""
    assert parse_email(raw, fast=fast) == expected


@ENTRIES
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(None, Reason.MISSING, id="None"),
        pytest.param(float("nan"), Reason.MISSING, id="NaN"),
        pytest.param("", Reason.EMPTY, id="empty"),
        pytest.param(" \t\n", Reason.EMPTY, id="blank"),
        pytest.param("user", Reason.MALFORMED, id="no at-sign"),
        pytest.param("user@example", Reason.MALFORMED, id="dotless domain"),
        pytest.param("user@example.c0m1", Reason.MALFORMED, id="top level ends in a digit"),
        pytest.param("user@ex_ample.com", Reason.MALFORMED, id="underscore in domain"),
        pytest.param("user@app.localhost", Reason.MALFORMED, id="special use"),
        pytest.param("user@app.test", Reason.MALFORMED, id="test environment"),
        pytest.param("user@[127.0.0.1]", Reason.MALFORMED, id="domain literal"),
        pytest.param('"user"@example.com', Reason.MALFORMED, id="quoted"),
        pytest.param("Ann <user@example.com>", Reason.MALFORMED, id="display name"),
        pytest.param("@example.com", Reason.MALFORMED, id="no local part"),
        pytest.param("us\x00er@example.com", Reason.MALFORMED, id="NUL"),
        pytest.param("us\ud800er@example.com", Reason.MALFORMED, id="lone surrogate"),
        pytest.param("user@ex\udfffample.com", Reason.MALFORMED, id="surrogate in domain"),
        pytest.param("x" * 243 + "@example.com", Reason.TOO_LONG, id="255 characters"),
        pytest.param("é" * 122 + "@example.com", Reason.TOO_LONG, id="256 bytes"),
        pytest.param("İ" * 121 + "@example.com", Reason.TOO_LONG, id="grows when lowered"),
        pytest.param("\ud800" * 90 + "@", Reason.TOO_LONG, id="long and not encodable"),
        pytest.param("x@" * 500_000, Reason.TOO_LONG, id="a megabyte"),
    ],
)
def test_no_address_has_a_reason(raw: object, reason: Reason, fast: bool) -> None:  # noqa: FBT001
    """Each refusal is typed, and the value door answers None."""
    assert parse_email(raw, fast=fast) is reason
    assert normalize_email(raw, fast=fast) is None


@ENTRIES
def test_the_longest_address_is_accepted(fast: bool) -> None:  # noqa: FBT001
    """254 characters are an address, white space around them aside."""
    longest = "x" * (MAX_EMAIL_LENGTH - len("@example.com")) + "@example.com"
    assert parse_email(f"  {longest}  ", fast=fast) == longest


@ENTRIES
@pytest.mark.parametrize(
    "raw", [pytest.param(1, id="int"), pytest.param(1.5, id="float"), pytest.param(b"", id="bytes")]
)
def test_what_is_no_text_is_an_error_that_names_the_field(raw: object, fast: bool) -> None:  # noqa: FBT001
    """Neither text nor missing: the caller must convert; every door says which field."""
    for door in (normalize_email, parse_email):
        with pytest.raises(TypeError, match="work_email must be text"):
            door(raw, fast=fast, field="work_email")
    with pytest.raises(TypeError, match="work_email must be text"):
        parse_emails(["user@example.com", raw], fast=fast, field="work_email")


@ENTRIES
def test_the_batch_door_answers_in_order(fast: bool) -> None:  # noqa: FBT001
    """Any iterable is taken; each answer is that of the single door."""
    raws = ["A@Example.com", None, "n/a", "a@bücher.example", "", float("nan"), "b@example.com "]
    expected = [parse_email(raw, fast=fast) for raw in raws]
    assert parse_emails(iter(raws), fast=fast) == expected
    assert parse_emails([], fast=fast) == []


@ENTRIES
def test_the_batch_door_obeys_provider_rules(fast: bool) -> None:  # noqa: FBT001
    """Reasons pass them by."""
    raws = ["A.B+c@Gmail.com", "a.b@exämple.com", "n/a"]
    answers = parse_emails(raws, provider_rules=True, fast=fast)
    assert answers == ["ab@gmail.com", "a.b@exämple.com", Reason.MALFORMED]


def test_settings_of_the_library_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another part of the program may loosen email-validator for itself, not for us."""
    for name in ("ALLOW_QUOTED_LOCAL", "ALLOW_DOMAIN_LITERAL", "ALLOW_DISPLAY_NAME", "STRICT"):
        monkeypatch.setattr(email_validator, name, not getattr(email_validator, name))
    monkeypatch.setattr(email_validator, "TEST_ENVIRONMENT", True)
    raws = ['"a b"@example.com', "a@[127.0.0.1]", "Ann <a@example.com>", "a@b.test"]
    assert parse_emails(raws, fast=False) == [Reason.MALFORMED] * 4
    assert normalize_email("x" * 65 + "@example.com", fast=False) is not None


@pytest.mark.parametrize("fast", [True, False])
def test_without_fast_the_library_is_asked(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """About every value, plain ones too; with it, plain ones never reach the library."""

    def refuse(_text: str, **_options: object) -> None:
        raise email_validator.EmailSyntaxError

    monkeypatch.setattr(email_validator, "validate_email", refuse)
    expected = "ann@example.com" if fast else Reason.MALFORMED
    assert parse_email("ann@example.com", fast=fast) == expected
    assert parse_emails(["ann@example.com"], fast=fast) == [expected]
    assert email_normalizer(fast=fast).parse(["ann@example.com"]) == [expected]


def test_the_normalizer_tells_its_rule_not_its_speed() -> None:
    """Stored keys depend on the version: provider rules change it, the fast path does not."""
    assert email_normalizer().version == email_normalizer(fast=False).version == "1"
    assert email_normalizer(provider_rules=True).version == "1;provider_rules=1"
    assert {email_normalizer().name, email_normalizer(provider_rules=True).name} == {"email"}


def test_the_normalizer_is_the_batch_door() -> None:
    """Its parse takes one column of raw cells; its TypeError names the email."""
    raws = ["J.Doe+x@GoogleMail.com", None]
    assert email_normalizer().parse(raws) == ["j.doe+x@googlemail.com", Reason.MISSING]
    assert email_normalizer(provider_rules=True).parse(raws)[0] == "jdoe@gmail.com"
    with pytest.raises(TypeError, match="email must be text"):
        email_normalizer().parse([1])


def test_provider_rules_agree_with_the_suites_of_others() -> None:
    """All rows about providers, but for options that switch a rule off and dots in live.com."""
    left_out = re.compile(r"remove_subaddress: false|yandexru: false|liveEmailsToNormalize")
    rows = [
        row
        for row in oracle()
        if row["scope"] == "provider-canonical"
        and row["expected_canonical"]
        and row["ev_normalized"]
        and not left_out.search(row["note"])
    ]
    answers = {row["id"]: normalize_email(row["raw"], provider_rules=True) for row in rows}
    # Some options of the suites keep capitals; ours never does.
    assert answers == {row["id"]: row["expected_canonical"].lower() for row in rows}
    assert len(rows) == 43


@pytest.mark.parametrize(
    ("raw", "mailbox"),
    [
        pytest.param("a.b.c+x+y@gmail.com", "abc@gmail.com", id="Gmail"),
        pytest.param("a.b@googlemail.com", "ab@gmail.com", id="Gmail's other domain"),
        pytest.param("a.b+x@hotmail.com", "a.b@hotmail.com", id="Outlook keeps dots"),
        pytest.param("a.b+x@me.com", "a.b@me.com", id="iCloud keeps its domain"),
        pytest.param("a+x@fastmail.com", "a@fastmail.com", id="Fastmail"),
        pytest.param("a+x@proton.me", "a@proton.me", id="Proton"),
        pytest.param("a+x@ya.ru", "a@yandex.ru", id="Yandex's other domain"),
        pytest.param("a-x@yahoo.com", "a-x@yahoo.com", id="Yahoo is left alone"),
        pytest.param("a.b+x@example.com", "a.b+x@example.com", id="any other domain"),
        pytest.param("a.b+x@mail.gmail.com", "a.b+x@mail.gmail.com", id="a domain below"),
        pytest.param("+x@gmail.com", "+x@gmail.com", id="nothing before the tag"),
    ],
)
def test_provider_rules_find_the_mailbox(raw: str, mailbox: str) -> None:
    """Only what a provider documents is folded; folding twice changes nothing."""
    assert normalize_email(raw, provider_rules=True) == mailbox
    assert normalize_email(mailbox, provider_rules=True) == mailbox
