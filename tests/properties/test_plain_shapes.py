"""What is read at sight has the batch door's very answer, in every engine of columns."""

from __future__ import annotations

import re
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from email_strings import email_strings
from leadfold.grouping.columns import Column, KindReader
from leadfold.integrations.columnar import at_sight, read_texts
from leadfold.integrations.narwhal import nw
from leadfold.normalizers import email_normalizer, phone_normalizer
from leadfold.normalizers.phone_plans import plan_of_region
from leadfold.policy import Policy
from strings import messy_phone, oracle_values, phone_texts, real_phones

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.grouping.columns import Refusal
    from leadfold.integrations.narwhal import Series

SAMPLE = {"psid": 80_000, "phone": 60_000, "email": 20_000}
FULL, SEEDS = 100_000, range(2, 12)
POLICIES = [Policy.keyed(), Policy.keyed(region="CA"), Policy.keyed(region="GB")]
KINDS = ("psid", "phone", "email")
SPELLINGS = 300
FULL_WIDTH = str.maketrans({str(digit): chr(0xFF10 + digit) for digit in range(10)})

Answers = tuple[list[str | None], list["Refusal"]]


def series(texts: Sequence[str | None], engine: str) -> Series:
    """Return *texts* as a column of *engine*."""
    if engine == "polars":
        return nw.from_native(pl.Series("texts", texts, pl.String), series_only=True)
    return nw.from_native(pa.chunked_array([pa.array(texts, pa.large_string())]), series_only=True)


def by_door(texts: Sequence[str | None], reader: KindReader) -> Answers:
    """Return what the engine's own reader answers: usable values, and what was refused."""
    column = Column()
    refused = reader.read(texts, None, 0, column)
    return column.first, sorted(refused, key=lambda refusal: refusal[0])


def differences(texts: Sequence[str | None], kind: str, policy: Policy, engine: str) -> int:
    """Hold *engine*'s answers to the door's; return how many texts were read at sight."""
    [rule] = [rule for rule in policy.identifiers if rule.kind == kind]
    reader = KindReader(policy, rule)
    column = series(texts, engine)
    found, refused = read_texts({kind: column}, {kind: reader})
    if not reader.normalizer.plain():
        assert found == {}
        return 0
    expected = by_door(texts, reader)
    mine = found[kind].first, sorted(refused, key=lambda refusal: refusal[0])
    wrong = [each for each in zip(texts, mine[0], expected[0], strict=True) if each[1] != each[2]]
    assert not wrong[:3]
    assert mine == expected
    seen = at_sight(column, reader)
    return len(seen) - int(seen.is_null().sum())


def ids(random: Random) -> Iterator[str]:
    """Yield messenger ids and what stands in their place, with white space of every sort."""
    spaces = ["", "", "", " ", "\t", "\n", "\x1c", "\x85", "\u00a0", "\u3000", "\u200b"]
    words = ["null", "undefined", "0", "24", "Page-7/2400", "a b", "\x00", "\u00e9" * 12, "x" * 505]
    while True:
        digits = str(random.randrange(10 ** random.randrange(1, 20)))
        text = random.choice([digits, digits, random.choice(words) + digits, random.choice(words)])
        yield random.choice(spaces) + text + random.choice(spaces)


def texts_of(kind: str, count: int, seed: int) -> list[str]:
    """Return *count* texts of *kind*: plain ones, mutated ones, junk."""
    random = Random(seed)  # noqa: S311 - no secret
    if kind == "email":
        return list(email_strings(count, seed=seed))
    if kind == "psid":
        return list(islice(ids(random), count))
    source = phone_texts(random)
    return [messy_phone(random) if random.random() < 0.4 else next(source) for _ in range(count)]


def sound(texts: Sequence[str]) -> list[str]:
    """Return the texts that UTF-8 can hold: no column of these engines has others."""
    return [text for text in texts if not re.search("[\ud800-\udfff]", text)]


@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_texts_has_no_difference(kind: str, engine: str) -> None:
    """Texts of every sort get the door's answers, and many of them at sight."""
    count = SAMPLE[kind] if engine == "polars" else SAMPLE[kind] // 4
    texts = sound(texts_of(kind, count, seed=1))
    assert differences(texts, kind, POLICIES[0], engine) > len(texts) / 10


@pytest.mark.full
@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
@pytest.mark.parametrize("kind", KINDS)
def test_millions_of_texts_have_no_difference(kind: str, engine: str) -> None:
    """So do a million of them."""
    for seed in SEEDS:
        texts = sound(texts_of(kind, FULL, seed=seed))
        assert differences(texts, kind, POLICIES[seed % 3], engine) >= 0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.region)
def test_every_real_and_every_odd_phone_has_no_difference(policy: Policy) -> None:
    """Those of the public data sets, and what other projects test with."""
    texts = sound([*real_phones(), *(raw for raw, _ in oracle_values())])
    for engine in ("polars", "pyarrow"):
        differences(texts, "phone", policy, engine)


def national_spellings(region: str, random: Random) -> Iterator[str]:
    """Yield numbers of *region*, plain and nearly so, as people of many a country write them."""
    plan = plan_of_region(region, strict=False)
    code, abroad = plan.calling_code, plan.international_prefix.pattern
    [length] = [n for n, reason in enumerate(plan.lengths) if reason is None]
    beginnings = ["", "", "Tel: ", "x", "ext ", "(", "+", "+ ", f"+{code}", f"+{code} (", code]
    beginnings += [f"{abroad}{code}", f"{abroad} {code} ", f"+{abroad}{code}", f"tel:{abroad}"]
    ends = ["", "", "", " ", ")", " x12", "#7", ", ext. 1234567", " - x5", "x12345678", " extn:-9"]
    ends += ["#", " ext", "; ext 5", f" x{' ' * 240}5"]
    while True:
        size = length + random.choice([0, 0, 0, 0, -1, 1])
        digits = [str(random.randrange(10)) for _ in range(size)]
        gaps = random.choice([[""], ["", "", " ", "-", ") "]])
        spelled = "".join(digit + random.choice(gaps) for digit in digits)
        text = random.choice(beginnings) + spelled.rstrip() + random.choice(ends)
        yield random.choice([text, text, text.translate(FULL_WIDTH), half_of(text, random)])


def half_of(text: str, random: Random) -> str:
    """Return *text* with some of its digits in full width."""
    return "".join(c.translate(FULL_WIDTH) if random.random() < 0.5 else c for c in text)


@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
def test_numbers_of_every_region_have_no_difference(engine: str) -> None:
    """Whatever stands before the digits and after them, in all regions that have plain numbers."""
    seen = {}
    for region in sorted(SUPPORTED_REGIONS):
        if phone_normalizer(region=region).plain():
            random = Random(region)  # noqa: S311 - no secret
            texts = list(islice(national_spellings(region, random), SPELLINGS))
            seen[region] = differences(texts, "phone", Policy.keyed(region=region), engine)
    assert len(seen) > 20
    assert min(seen.values()) > SPELLINGS / 30  # where numbers are short, none with an extension
    assert seen["US"] > SPELLINGS / 8


@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
def test_rarer_spellings_are_told_at_sight(engine: str) -> None:
    """Extensions, full-width digits and the prefix for calls abroad need no normalizer."""
    wide = "212-555-0143, ext. 9".translate(FULL_WIDTH)
    texts = ["Phone: (863) 555-5092 x542", "011 1 818 555 9159", wide]
    [rule] = [rule for rule in POLICIES[0].identifiers if rule.kind == "phone"]
    seen = at_sight(series(texts, engine), KindReader(POLICIES[0], rule))
    assert seen.to_list() == ["+18635555092", "+18185559159", "+12125550143"]


@pytest.mark.parametrize("region", ["ER", "MH"])
def test_a_short_number_is_not_cut_as_an_extension(region: str) -> None:
    """Where numbers are as short as extensions, letters before one do not make it one."""
    texts = ["x5550143", "ext 5550143", "#5550143"]
    texts += [text.translate(FULL_WIDTH) for text in texts]
    differences(texts, "phone", Policy.keyed(region=region), "polars")


edges = st.text(
    "0123456789+-() ./[]:xXTel,;#\n\t\x1c\x85\u00a0\u2011\uff0b\uff11\u0661", max_size=24
)
near = st.from_regex(
    r"\A[A-Za-z:( ]{0,3}\+?1?[ -]?[1-9][0-9]{2}[-.) ]{0,4}[0-9]{3}[-. ]?[0-9]{4}[ .)x1]{0,3}\Z"
)
rarer = st.from_regex(
    r"\A(Tel: ?|x)?(011|\+)?1?[ -]?[2\uff12][0-9]{2} ?[5\uff15]{3}-?[0-9\uff10-\uff19]{4}"
    r"[ ,-]{0,2}(#|x|EXTN?|exten[s\u017f]ion)?[.:]?[ -]?[0-9]{0,9}\Z"
)
addresses = st.from_regex(
    r"\A[ \t]?[aZ.+'-]{1,9}@[aZ0-]{1,9}\.(com|test|LOCAL|c0|Arpa|\u212a)[ \n]?\Z"
)
blocked = st.sampled_from(["NoReply+7@x.org", "noreplying@x.org", "test@test.com", "555-555-5555"])


@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(edges, near, rarer, addresses, blocked, st.text(st.characters(codec="utf-8"))),
        min_size=1,
        max_size=10,
    )
)
def test_any_text_has_no_difference(engine: str, texts: list[str]) -> None:
    """Whatever the text, whatever the kind."""
    for kind in KINDS:
        differences(texts, kind, POLICIES[0], engine)


def test_options_that_change_answers_tell_no_shape() -> None:
    """What a shape cannot know is left to the normalizer whole."""
    assert phone_normalizer(strict=True).plain() == ()
    assert phone_normalizer(whatsapp=True).plain() == ()
    assert phone_normalizer(default_area="415").plain() == ()
    assert phone_normalizer(fast=False).plain() == ()
    assert phone_normalizer(region=None).plain() == ()
    assert email_normalizer(provider_rules=True).plain() == ()
    assert email_normalizer(fast=False).plain() == ()
