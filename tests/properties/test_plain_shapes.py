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

from email_strings import email_strings
from leadfold.grouping.columns import Column, KindReader
from leadfold.integrations.columnar import at_sight, read_texts
from leadfold.integrations.narwhal import nw
from leadfold.normalizers import email_normalizer, phone_normalizer
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
    shape = reader.normalizer.plain()
    if shape is None:
        assert found == {}
        return 0
    expected = by_door(texts, reader)
    mine = found[kind].first, sorted(refused, key=lambda refusal: refusal[0])
    wrong = [each for each in zip(texts, mine[0], expected[0], strict=True) if each[1] != each[2]]
    assert not wrong[:3]
    assert mine == expected
    seen = at_sight({kind: column}, {kind: shape}, {kind: reader})[kind]
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


edges = st.text(
    "0123456789+-() ./[]:xXTel,;#\n\t\x1c\x85\u00a0\u2011\uff0b\uff11\u0661", max_size=24
)
near = st.from_regex(
    r"\A[A-Za-z:( ]{0,3}\+?1?[ -]?[1-9][0-9]{2}[-.) ]{0,4}[0-9]{3}[-. ]?[0-9]{4}[ .)x1]{0,3}\Z"
)
addresses = st.from_regex(
    r"\A[ \t]?[aZ.+'-]{1,9}@[aZ0-]{1,9}\.(com|test|LOCAL|c0|Arpa|\u212a)[ \n]?\Z"
)
blocked = st.sampled_from(["NoReply+7@x.org", "noreplying@x.org", "test@test.com", "555-555-5555"])


@pytest.mark.parametrize("engine", ["polars", "pyarrow"])
@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(edges, near, addresses, blocked, st.text(st.characters(codec="utf-8"))),
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
    assert phone_normalizer(strict=True).plain() is None
    assert phone_normalizer(whatsapp=True).plain() is None
    assert phone_normalizer(default_area="415").plain() is None
    assert phone_normalizer(fast=False).plain() is None
    assert phone_normalizer(region=None).plain() is None
    assert email_normalizer(provider_rules=True).plain() is None
    assert email_normalizer(fast=False).plain() is None
