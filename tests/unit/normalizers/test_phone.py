"""Phone numbers: the doors, their options, and the outside oracle that pins every answer."""

from __future__ import annotations

import csv
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import phonenumbers
import pytest

from leadfold.normalizers import phone_reader
from leadfold.normalizers.phone import (
    normalize_phone,
    parse_phone,
    parse_phones,
    phone_normalizer,
)
from leadfold.normalizers.phone_library import PhoneRule
from leadfold.normalizers.reason import Normalizer, Reason
from leadfold.normalizers.whatsapp import fold, with_plus

ORACLE = Path(__file__).parents[2] / "data" / "phone_oracle"


def rows(name: str) -> list[dict[str, str]]:
    """Read one table of the oracle."""
    with (ORACLE / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


GATED = [row for row in rows("phone_oracle.csv") if row["pn_agrees"] == "true"]
PAIRS = rows("phone_pairs.csv")


def test_normalizes_to_e164() -> None:
    """The published example gives its published key."""
    assert normalize_phone("+1 (555) 123-4567") == "+15551234567"


def test_national_form_is_the_digits_alone() -> None:
    """The form national leaves out the plus and the calling code, of any length."""
    assert normalize_phone("555.123.4567", form="national") == "5551234567"
    assert normalize_phone("+44 20 7946 0958", form="national") == "2079460958"
    assert normalize_phone("+39 06 1234 5678", form="national") == "0612345678"
    assert normalize_phone("+353 1 234 5678", form="national") == "12345678"


@pytest.mark.parametrize("form", ["e164", "national"])
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("12345", id="too short"),
        pytest.param("", id="empty"),
        pytest.param(" \t\n\u00a0", id="blank"),
        pytest.param(None, id="None"),
        pytest.param(math.nan, id="NaN"),
        pytest.param("not a number", id="words"),
        pytest.param("user@example.com", id="email"),
        pytest.param("user5551234567@example.com", id="email with digits"),
        pytest.param("\0", id="NUL"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("123-4567", id="local only"),
    ],
)
def test_what_is_no_number_is_none(raw: object, form: str) -> None:
    """Anything that is not a whole phone number has no key, in either form."""
    assert normalize_phone(raw, form=form) is None  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(None, Reason.MISSING, id="None"),
        pytest.param(math.nan, Reason.MISSING, id="NaN"),
        pytest.param("", Reason.EMPTY, id="empty"),
        pytest.param(" \t\r\n\u3000", Reason.EMPTY, id="blank"),
        pytest.param("\u200b", Reason.NOT_A_NUMBER, id="invisible"),
        pytest.param("call me", Reason.NOT_A_NUMBER, id="words"),
        pytest.param("1", Reason.NOT_A_NUMBER, id="one digit"),
        pytest.param("12", Reason.TOO_SHORT, id="two digits"),
        pytest.param("555-1234", Reason.LOCAL_ONLY, id="seven digits"),
        pytest.param("55 512 3456", Reason.TOO_SHORT, id="nine digits"),
        pytest.param("+65 123 456 789", Reason.INVALID_LENGTH, id="between two lengths"),
        pytest.param("555 123 4567 8", Reason.TOO_LONG, id="eleven digits"),
        pytest.param("5" * 251, Reason.TOO_LONG, id="more than 250 characters"),
        pytest.param("5551234567" + " " * 241, Reason.TOO_LONG, id="long by white space"),
        pytest.param("+999 123 4567", Reason.INVALID_COUNTRY_CODE, id="no such country"),
        pytest.param("011 99 123 4567", Reason.INVALID_COUNTRY_CODE, id="nor by dialling"),
        pytest.param("+1", Reason.NOT_A_NUMBER, id="calling code alone"),
        pytest.param("+44 1", Reason.TOO_SHORT, id="almost alone"),
        pytest.param("011 1", Reason.TOO_SHORT, id="dialling prefix alone"),
    ],
)
def test_reasons(raw: object, reason: Reason) -> None:
    """Each refusal says why; the seven digits of a local number are no E.164."""
    assert parse_phone(raw) is reason
    assert parse_phones([raw]) == [reason]


def test_strict_asks_for_a_valid_number() -> None:
    """A number of the right length that no plan has passes only without strict."""
    assert parse_phone("555 123 4567") == "+15551234567"
    assert parse_phone("555 123 4567", strict=True) is Reason.NOT_VALID
    assert parse_phone("415 555 2671", strict=True) == "+14155552671"


@pytest.mark.parametrize(
    "raw",
    ["415 555 2671 x9", "415 555 2671 ext. 123", "+1 415 555 2671;ext=7", "4155552671 #12"],
)
def test_an_extension_is_no_part_of_the_key(raw: str) -> None:
    """Two colleagues behind one switchboard share its key."""
    assert parse_phone(raw) == "+14155552671"


def test_without_a_region_only_international_numbers_count() -> None:
    """Region None takes the plus form alone."""
    assert parse_phone("+1 415 555 2671", region=None) == "+14155552671"
    assert parse_phone("415 555 2671", region=None) is Reason.INVALID_COUNTRY_CODE


@pytest.mark.parametrize("raw", [5551234567, 5551234567.0, b"5551234567", ["5551234567"], True])
def test_another_type_is_an_error_that_names_the_field(raw: object) -> None:
    """A number that is not text was read wrongly before it came here."""
    message = r"^mobile must be text, not \w+"
    with pytest.raises(TypeError, match=message):
        normalize_phone(raw, field="mobile")
    with pytest.raises(TypeError, match=message):
        parse_phone(raw, field="mobile")
    with pytest.raises(TypeError, match=message):
        parse_phones(["+1 415 555 2671", None, raw, "x"], field="mobile")


@pytest.mark.parametrize("region", ["us", "XX", "001", "ZZ", "", "USA"])
def test_an_unknown_region_is_an_error_that_says_so(region: str) -> None:
    """A misspelt region must not silently refuse every number."""
    with pytest.raises(ValueError, match=f"unknown region '{region}'"):
        parse_phone("415 555 2671", region=region)
    with pytest.raises(ValueError, match="ISO 3166-1"):
        phone_normalizer(region=region)


class TestDefaultArea:
    """An area code that local numbers are given."""

    def test_completes_a_local_number(self) -> None:
        """Seven digits become ten."""
        assert parse_phone("555-2671", default_area="415") == "+14155552671"
        assert parse_phone("7946 0958", region="GB", default_area="20") == "+442079460958"

    @pytest.mark.parametrize("raw", ["212 555 2671", "12345", "n/a", "011 44 7946 0958"])
    def test_leaves_all_else_alone(self, raw: str) -> None:
        """Whole numbers, and what is no number at all, answer as without it."""
        assert parse_phone(raw, default_area="415") == parse_phone(raw)

    def test_needs_a_number_written_locally(self) -> None:
        """Who wrote a country code did not mean the caller's own area."""
        assert parse_phone("+1 555 2671", default_area="415") is Reason.LOCAL_ONLY
        assert parse_phone("+49 12", default_area="415") is parse_phone("+49 12")

    def test_is_judged_by_strict_as_any_number(self) -> None:
        """An area that does not exist makes no valid number."""
        assert parse_phone("555-2671", default_area="415", strict=True) == "+14155552671"
        assert parse_phone("555-2671", default_area="999", strict=True) is Reason.NOT_VALID

    def test_is_not_applied_twice(self) -> None:
        """A number that stays local with the area is refused."""
        assert parse_phone("555-2671", default_area="4") is Reason.TOO_SHORT
        assert parse_phone("2345", region="GB", default_area="9") is Reason.LOCAL_ONLY

    @pytest.mark.parametrize("area", ["", "(415)", "+1", "\uff14\uff11\uff15", "abc"])
    def test_must_be_digits(self, area: str) -> None:
        """Anything but plain digits is an error, not a silent miss."""
        with pytest.raises(ValueError, match="digits of an area code"):
            parse_phone("555-2671", default_area=area)

    def test_needs_a_region(self) -> None:
        """An area belongs to a country."""
        with pytest.raises(ValueError, match="needs a region"):
            parse_phone("555-2671", region=None, default_area="415")


POSSIBLE = phonenumbers.ValidationResult.IS_POSSIBLE


def judged(e164: str) -> int:
    """Return what phonenumbers calls a stated key."""
    return phonenumbers.is_possible_number_with_reason(phonenumbers.parse(e164))


JUDGED_WITH = (9, 0, 43)  # the release whose metadata the oracle's columns were made with


@pytest.mark.skipif(
    tuple(map(int, re.findall(r"\d+", phonenumbers.__version__))) < JUDGED_WITH,
    reason="older metadata lack some of the numbers",
)
class TestOracle:
    """Numbers that other projects state, with what they make of them."""

    def test_rows_with_an_answer(self) -> None:
        """The key is the stated one, or there is none and libphonenumber's reason says why."""
        seen: Counter[str] = Counter()
        for row in GATED:
            if not row["expected_e164"]:
                continue
            answer = parse_phone(row["raw"], region=row["region"] or None)
            if isinstance(answer, Reason):
                assert judged(row["expected_e164"]) != POSSIBLE, row
                seen[answer.value] += 1
            else:
                assert answer == row["expected_e164"], row
                seen["equal"] += 1
        assert seen == {"equal": 1359, "too_long": 6, "too_short": 5, "local_only": 3}

    def test_rows_with_a_verdict_only(self) -> None:
        """Where no key is stated, strict agrees on whether the number is valid."""
        seen: Counter[str] = Counter()
        for row in GATED:
            if row["expected_e164"]:
                continue
            answer = parse_phone(row["raw"], region=row["region"] or None, strict=True)
            assert isinstance(answer, str) == (row["expected_valid"] == "true"), row
            seen[answer.value if isinstance(answer, Reason) else "valid"] += 1
        assert seen == {
            "valid": 11,
            "not_valid": 24,
            "too_short": 12,
            "invalid_country_code": 8,
            "not_a_number": 6,
            "too_long": 6,
            "empty": 2,
            "local_only": 2,
            "invalid_length": 1,
        }

    def test_strict_accepts_what_is_stated_to_be_valid(self) -> None:
        """A row with a key that is said to be valid is so under strict."""
        valid = [row for row in GATED if row["expected_e164"] and row["expected_valid"] == "true"]
        answers = {
            row["id"]: parse_phone(row["raw"], region=row["region"] or None, strict=True)
            for row in valid
        }
        assert answers == {row["id"]: row["expected_e164"] for row in valid}
        assert len(valid) == 1266


class TestPairs:
    """Pairs of numbers that other projects call the same, or not."""

    @pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in PAIRS])
    def test_pairs_without_a_region(self, row: dict[str, str]) -> None:
        """Exact matches share a key; weaker matches and WhatsApp's variants do not."""
        same = same_key(row, whatsapp=False)
        assert same == (row["match_type"] == "EXACT_MATCH")

    @pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in PAIRS])
    def test_pairs_under_the_whatsapp_rule(self, row: dict[str, str]) -> None:
        """The rule makes WhatsApp's variants one key, and ties no other pair."""
        same = same_key(row, whatsapp=True)
        assert same == (row["match_type"] in {"EXACT_MATCH", "WA_VARIANT", "IDENTICAL"})

    def test_every_kind_of_pair_is_there(self) -> None:
        """The pairs are those the issue speaks of, so none is left out unseen."""
        assert Counter(row["match_type"] for row in PAIRS) == {
            "EXACT_MATCH": 4,
            "NO_MATCH": 2,
            "NOT_A_NUMBER": 2,
            "NSN_MATCH": 2,
            "SHORT_NSN_MATCH": 7,
            "WA_VARIANT": 2,
            "IDENTICAL": 1,
        }


def same_key(row: dict[str, str], *, whatsapp: bool) -> bool:
    """Tell whether both sides of a pair have a key, and the same."""
    keys = [
        normalize_phone(row[side], region=None, whatsapp=whatsapp) for side in ("raw_a", "raw_b")
    ]
    return keys[0] is not None and keys[0] == keys[1]


class TestWhatsapp:
    """The opt-in rule."""

    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(
        ("variants", "key"),
        [
            pytest.param(["554188887777", "5541988887777"], "+5541988887777", id="Brazil"),
            pytest.param(["525512345678", "5215512345678"], "+525512345678", id="Mexico"),
            pytest.param(["541143215678", "5491143215678"], "+5491143215678", id="Argentina"),
        ],
    )
    def test_variants_have_one_key(self, variants: list[str], key: str, strict: bool) -> None:  # noqa: FBT001 - a parameter
        """Both spellings give the canonical one, as bare digits and with a plus."""
        spelt = [*variants, *(f"whatsapp:+{digits}" for digits in variants)]
        assert parse_phones(spelt, whatsapp=True, strict=strict) == [key] * 4

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param("+55 41 3333-4444", id="a Brazilian landline"),
            pytest.param("+54 800 123 4567", id="an Argentine free number"),
            pytest.param("+52 800 123 4567", id="a Mexican free number"),
            pytest.param("+44 7700 900123", id="another country"),
            pytest.param("(415) 555-2671", id="no bare digits"),
        ],
    )
    def test_leaves_other_numbers_alone(self, raw: str) -> None:
        """What has no variants answers as without the rule."""
        assert parse_phone(raw, whatsapp=True) == parse_phone(raw)

    def test_bare_digits_are_international(self) -> None:
        """Under the rule, and only then, digits alone begin with a calling code."""
        assert parse_phone("5551234567") == "+15551234567"
        assert parse_phone("15551234567", whatsapp=True) == "+15551234567"
        assert parse_phone("5551234567", whatsapp=True) == "+5551234567"
        assert with_plus("\uff14\uff11") == "\uff14\uff11"

    def test_folding_needs_a_whole_number(self) -> None:
        """A digit more or less is another number."""
        assert fold(55, "418888777") == "418888777"
        assert fold(55, "0188887777") == "0188887777"
        assert fold(52, "1551234567") == "1551234567"
        assert fold(54, "911432156789") == "911432156789"


class TestNormalizer:
    """The normalizer that a policy takes."""

    def test_parses_as_the_doors_do(self) -> None:
        """Its answers are those of the batch door with the same options."""
        raws = ["(415) 555-2671", None, "5552671", "n/a", "+44 20 7946 0958"]
        built = phone_normalizer(region="GB", strict=True)
        assert isinstance(built, Normalizer)
        assert built.name == "phone"
        assert built.parse(iter(raws)) == parse_phones(raws, region="GB", strict=True)

    def test_the_version_tells_every_rule(self) -> None:
        """Each option that changes an answer changes the version; fast does not."""
        built = [
            phone_normalizer(),
            phone_normalizer(region="CA"),
            phone_normalizer(region=None),
            phone_normalizer(strict=True),
            phone_normalizer(default_area="415"),
            phone_normalizer(default_area="416"),
            phone_normalizer(whatsapp=True),
        ]
        versions = [normalizer.version for normalizer in built]
        assert len(set(versions)) == len(versions)
        assert versions[0] == "1;region=US"
        assert versions[3] == "1;region=US;strict"
        assert phone_normalizer(fast=False).version == versions[0]


def test_importing_the_doors_loads_no_library() -> None:
    """The library comes in at first use, and one region's metadata with it."""
    program = (
        "import sys, leadfold.normalizers.phone as phone\n"
        "assert 'phonenumbers' not in sys.modules\n"
        "phone.parse_phone('(415) 555-2671')\n"
        "loaded = [m for m in sys.modules if m.startswith('phonenumbers.data.region_')]\n"
        "assert loaded == ['phonenumbers.data.region_US'], loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - our own program


def test_without_fast_the_library_is_asked_about_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The switch leaves the fast path out altogether."""
    monkeypatch.setattr(phone_reader, "FastPhone", None)  # calling it would fail
    slow = phone_reader.PhoneReader(PhoneRule("US"), fast=False)
    assert slow.read("(415) 555-2671", "phone") == "+14155552671"
    assert slow.read_all(["(415) 555-2671", None], "phone") == ["+14155552671", Reason.MISSING]


def test_the_batch_door_takes_any_column() -> None:
    """Texts, blanks, gaps and line breaks side by side, over more than one chunk, in order."""
    raws = ["(415) 555-2671", None, "", "415\n5552671", "\u202a+44 20 7946 0958", math.nan] * 1_000
    answers = parse_phones(iter(raws))
    assert answers == [parse_phone(raw) for raw in raws]
    assert answers[:3] == ["+14155552671", Reason.MISSING, Reason.EMPTY]
    assert answers[4:6] == ["+442079460958", Reason.MISSING]
