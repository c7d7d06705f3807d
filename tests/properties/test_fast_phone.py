"""The fast path answers as phonenumbers does, letter by letter, or not at all."""

from __future__ import annotations

import os
from itertools import islice
from random import Random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.normalizers.fast_phone import FastPhone
from leadfold.normalizers.phone import parse_phone, parse_phones
from leadfold.normalizers.phone_library import PhoneRule, ask_library
from leadfold.normalizers.reason import Reason
from strings import KINDS, REGIONS, oracle_values, phone_texts, real_phones

SEED = int(os.environ.get("LEADFOLD_SEED", "20261122"))
SAMPLE, FULL = 30_000, 2_000_000


def differences(texts: list[str], region: str | None) -> tuple[list[str], int]:
    """Compare both doors of the fast path with the slow one; return what differs, and claims."""
    found, claimed = [], 0
    for strict in (False, True):
        rule, fast = PhoneRule(region, strict=strict), FastPhone(region, strict=strict)
        many = fast.read_all(texts)
        for text, bulk in zip(texts, many, strict=True):
            single = fast.read(text)
            claimed += single is not None
            expected = single if single is None else ask_library(text, rule)
            if not single == bulk == expected:
                found.append(f"{text!r} {rule}: {single} {bulk}, but phonenumbers {expected}")
    return found, claimed


def compare(seed: int, count: int) -> float:
    """Compare *count* strings over all regions; return the share that was claimed."""
    print(f"seed {seed}, {count} strings")  # noqa: T201 - shown when the test fails
    random, claimed, texts = Random(seed), 0, 0  # noqa: S311 - no secret
    source = phone_texts(random)
    everywhere = [None, *sorted(phonenumbers.SUPPORTED_REGIONS)]
    while texts < count:
        chunk = list(islice(source, 20 * len(KINDS)))
        region = random.choice(REGIONS if random.random() < 0.8 else everywhere)
        found, claims = differences(chunk, region)
        assert not found, f"seed {seed}, {len(found)} differ, first: {found[:3]}"
        claimed, texts = claimed + claims, texts + len(chunk)
    return claimed / texts / 2


def test_a_sample_of_strings_has_no_difference() -> None:
    """Strings of every kind get the library's answer, in every region, strict or not."""
    assert compare(SEED, SAMPLE) > 0.5


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2])
def test_millions_of_strings_have_no_difference(seed: int) -> None:
    """So do two million of them, of each of two seeds."""
    assert compare(seed, FULL) > 0.5


def test_every_value_of_the_oracle_has_no_difference() -> None:
    """What other projects test with, read from its own region and from the default one."""
    for region in {"US", *(own for _, own in oracle_values())}:
        texts = [raw for raw, own in oracle_values() if region in {own, "US"}]
        found, claims = differences(texts, region)
        assert not found
        assert claims > 0


@pytest.mark.parametrize("region", ["US", "GB", "UG"])
def test_every_real_value_has_no_difference(region: str) -> None:
    """The phones of the public data sets that the other tests group."""
    found, claims = differences(list(real_phones()), region)
    assert not found
    assert claims > 1.9 * len(real_phones()) > 1.9 * 3_000


def test_every_region_reads_its_own_examples() -> None:
    """Each region's example numbers, of each type, in each format, from inside that region."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        texts = [
            phonenumbers.format_number(number, style)
            for kind in phonenumbers.PhoneNumberType.values()
            if (number := phonenumbers.example_number_for_type(region, kind)) is not None
            for style in range(4)
        ]
        found, claims = differences(texts, region)
        assert not found
        assert claims == 2 * len(texts)  # none is left to phonenumbers


edges = st.text(
    "0123456789+-() ./[]xXetn,;:#*~_\n\t\u00a0\u2011\uff0b\uff11\u0661\u00b2", max_size=24
)


@given(st.one_of(edges, st.text()), st.sampled_from(REGIONS))
def test_any_text_has_no_difference(text: str, region: str) -> None:
    """Whatever the text, the fast path claims it only with the library's answer."""
    assert differences([text, text], region)[0] == []


@given(st.lists(st.one_of(edges, st.none(), st.just(float("nan")))), st.booleans(), st.booleans())
def test_all_doors_agree(raws: list[str | float | None], strict: bool, whatsapp: bool) -> None:  # noqa: FBT001
    """One by one or all at once, fast or not, with any options: the same answers in order."""
    for area in (None, "415"):
        fast = parse_phones(raws, strict=strict, whatsapp=whatsapp, default_area=area)
        slow = parse_phones(raws, strict=strict, whatsapp=whatsapp, default_area=area, fast=False)
        single = [
            parse_phone(raw, strict=strict, whatsapp=whatsapp, default_area=area) for raw in raws
        ]
        assert fast == slow == single


@pytest.mark.parametrize("whatsapp", [False, True])
@pytest.mark.parametrize("area", [None, "415"])
def test_options_make_no_difference(whatsapp: bool, area: str | None) -> None:  # noqa: FBT001
    """The options that give the fast path less to claim leave the answers equal, too."""
    texts = list(islice(phone_texts(Random(SEED)), 3_000))  # noqa: S311 - no secret
    texts += ["525512345678", "5215512345678", "554188887777", "+54 11 4321 5678", "555-2671"]
    fast = parse_phones(texts, whatsapp=whatsapp, default_area=area)
    assert fast == parse_phones(texts, whatsapp=whatsapp, default_area=area, fast=False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+.10X565583", id="an extension whose rest would not be viable"),
        pytest.param("x12", id="an extension alone"),
        pytest.param("12x3456789", id="two digits before a label"),
        pytest.param("4155552671x(12)", id="a bracket in the extension"),
        pytest.param("4155552671 / x12", id="a second number"),
        pytest.param("+ +1 415 555 2671", id="two plus signs apart"),
        pytest.param("415+5552671", id="a plus inside"),
        pytest.param("4155552671+", id="a plus at the end"),
        pytest.param("415\n555\n2671", id="line breaks inside"),
        pytest.param("4155552671\n", id="a line break at the end"),
        pytest.param("4155552671_", id="an underscore at the end"),
        pytest.param("4155552671#", id="a hash at the end"),
        pytest.param("4155552671 - 12#", id="an American extension"),
        pytest.param("4155552671, #12", id="a hash before an extension"),
        pytest.param("4155552671 x#12", id="a label and a hash"),
        pytest.param("4155552671#12#34", id="two extensions"),
        pytest.param("#4155552671", id="a hash at the beginning"),
        pytest.param("12#3456789", id="two digits before a hash"),
        pytest.param("\uff14155552671 x\uff12", id="full-width digits among others"),
        pytest.param("tel:5552671;phone-context=+1415", id="a phone context"),
        pytest.param("4155552671;isub=1", id="a subaddress"),
        pytest.param("\u0661+4155552671", id="another script's digit first"),
        pytest.param("415555267\u00b2", id="a superscript at the end"),
        pytest.param("+4155552671\u0661", id="another script's digit last"),
        pytest.param("1-800-FLOWERS", id="letters for digits"),
        pytest.param("415 555 2671 abc", id="three letters after"),
        pytest.param("011 011 415 555 2671", id="a dialling prefix twice"),
        pytest.param("0111", id="a dialling prefix and one digit"),
        pytest.param("+011 44 7400 123456", id="a dialling prefix after a plus"),
        pytest.param("+0 415 555 2671", id="zero after a plus"),
        pytest.param("+1 1 415 555 2671", id="the trunk prefix after the calling code"),
        pytest.param("000", id="only zeros"),
        pytest.param("0" * 250, id="as many zeros as can be"),
        pytest.param("4155552671".rjust(250), id="the longest text that is read"),
        pytest.param("4155552671".rjust(251), id="the first that is not"),
        pytest.param("\ud8004155552671", id="a lone surrogate"),
        pytest.param("\u017ft 4155552671 e\u017ft. 1", id="a long s"),
    ],
)
@pytest.mark.parametrize("region", [*REGIONS, None])
def test_the_edges_of_the_claim(text: str, region: str | None) -> None:
    """Traps that a prototype fell into, and their neighbours."""
    assert differences([text, text], region)[0] == []


def test_junk_without_digits_is_claimed() -> None:
    """Words, blanks and nothing at all never reach phonenumbers."""
    fast = FastPhone("US", strict=False)
    assert fast.read_all(["n/a", " \t", "", "none"]) == [
        Reason.NOT_A_NUMBER,
        Reason.EMPTY,
        Reason.EMPTY,
        Reason.NOT_A_NUMBER,
    ]
    assert fast.read_all([]) == []


def test_a_text_that_cannot_be_joined_leaves_its_neighbours_alone() -> None:
    """Semicolons, line breaks and overlong texts step aside, or are read, one by one."""
    texts = ["4155552671;ext=1", "415 555 2671", "x" * 251, "\t4155552672\n", ";", "n/a"]
    assert FastPhone("US", strict=False).read_all(texts) == [
        None,
        "+14155552671",
        None,
        "+14155552672",
        None,
        Reason.NOT_A_NUMBER,
    ]


@pytest.mark.parametrize(
    "text", ["\uff14\uff11\uff15 555 2671", "415 555 2671 #365", "1 415 555 2671", "+14155552671"]
)
def test_what_people_often_write_is_claimed(text: str) -> None:
    """Full-width digits, an extension after a hash, a code with or without its plus."""
    assert FastPhone("US", strict=True).read_all([text]) == ["+14155552671"]


def test_zeros_are_claimed_where_no_dialling_prefix_can_be() -> None:
    """A zero after 00 makes it no dialling prefix, which needs no phonenumbers to tell."""
    assert FastPhone("GB", strict=False).read("000 20 7946 0958") is Reason.TOO_LONG
    assert differences(["000 20 7946 0958"], "GB")[0] == []
