"""Strings that phone numbers might be written as, for differential tests. Seeded, endless.

Each kind is a function from a `random.Random` to one text. They reach for the edges of what
the fast path claims: what is nearly a number, nearly an extension, nearly international.
"""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

__all__ = ["KINDS", "REGIONS", "messy_phone", "oracle_values", "phone_texts", "real_phones"]

REGIONS = (
    *("US", "CA", "GB", "DE", "FR", "IT", "BR", "MX", "AR", "IN", "UG", "AU", "JP", "RU"),
    *("KZ", "JE"),  # share a calling code with RU and GB
)
"""The default regions that every run goes through."""

_DATA = Path(__file__).parent / "data"
_DIGITS = "0123456789"
_EDGES = " -().[]/+,;:#*~_xXeEtTnN\t\n\u00a0\u00ad\u200b\u2010\u2011\u2212\u2060\u3000\uff0b\uff0d"
_MARKS = ("\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u2066", "\u2069", "\ufeff")
_OTHER_DIGITS = (0xFF10, 0x0660, 0x06F0, 0x0966, 0x1D7CE)  # full-width, Arabic, ..., bold
_LABELS = (
    *("x", "X", " x", "ext", " ext. ", ", ext ", "extn", " Extension: ", "#", ";ext=", ",,", ";"),
    *(" xt ", "/x", " / x", " int ", "~", " - ", "x(", " EXT-", "\u00a0x", " x.", "e", " доб. "),
)
_FORMATS = (
    *("{a}{b}{c}", "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}", "+1{a}{b}{c}"),
    *("+1 ({a}) {b}-{c}", "1-{a}-{b}-{c}", "1 {a} {b} {c}", "001 {a} {b} {c}", "{a}/{b}-{c}"),
    *(" {a}{b}{c} ", "\t({a}){b}{c}\n", "Tel: {a} {b} {c}", "phone {a}.{b}.{c}", "{b}-{c}"),
    *("{a}-{b}-{c} x12", "{a} {b} {c} ext. 345", "({a}) {b}-{c}, ext 6", "{a}{b}{c} EXT7"),
    *(
        "{a}\u2011{b}\u2011{c}",
        "{a}\u00a0{b}\u00a0{c}",
        "\u202a+1 {a} {b} {c}\u202c",
        "tel:+1-{a}-{b}-{c}",
    ),
    *(
        "+44 20 {b}{a} {c}",
        "+44 (0) 20 {b}{a} {c}",
        "0044 7{a}{b}{c}",
        "+49 30 {b}{c}",
        "+55 {a} 9{c}{b}",
    ),
    *("{a}-{b}-{c} (home)", "{a} {b} {c} or {a} {b} {c}", "{a}-{b}-{c} / {a}-{b}-{c}", "n/a", "-"),
)


def messy_phone(random: Random) -> str:
    """Return a number as people type it into a form, mostly North American."""
    area, exchange = random.randrange(200, 1000), random.randrange(200, 1000)
    line = f"{random.randrange(10_000):04}"
    return random.choice(_FORMATS).format(a=area, b=exchange, c=line)


def _mutated(random: Random) -> str:
    """Return a real value with a few characters replaced, doubled, dropped or moved."""
    text = list(random.choice(oracle_values())[0] if random.random() < 0.4 else messy_phone(random))
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        text[at : at + random.randint(0, 1)] = random.choice(_EDGES + _DIGITS)
    return "".join(text)


def _example(random: Random) -> str:
    """Return an example number of some region and type in some format, at times with an error."""
    number = random.choice(_examples())
    text: str = phonenumbers.format_number(number, random.choice(_format_numbers()))
    if random.random() < 0.5:
        return text
    at = random.randrange(len(text))
    wrong: str = random.choice(["", *_DIGITS])
    return text[:at] + wrong + text[at + random.randint(0, 1) :]


def _calling_code(random: Random) -> str:
    """Return a plus or a dialling prefix, any calling code, and digits."""
    before = random.choice(["+", "+", "+", "00", "011", "0011", "810", "+0", "++", "+ "])
    code = random.choice([*phonenumbers.COUNTRY_CODE_TO_REGION_CODE, 999, 210])
    trunk = random.choice(["", "", "0", "(0)", "1", "8", "9", "15"])
    return f"{before}{code}{trunk}{_some_digits(random, 15)}"


def _own_calling_code(random: Random) -> str:
    """Return the calling code of a likely region without a plus, and digits."""
    code = phonenumbers.country_code_for_region(random.choice(REGIONS))
    return f"{code}{random.choice(['', '', '0', '1', '8'])}{_some_digits(random, 13)}"


def _digits(random: Random) -> str:
    """Return digits alone, or with a trunk or carrier prefix."""
    return random.choice(["", "", "0", "1", "8", "90", "015", "00"]) + _some_digits(random, 18)


def _other_digits(random: Random) -> str:
    """Return a number with some or all digits of another script, or superscript."""
    zero, share = random.choice(_OTHER_DIGITS), random.choice([0.1, 1])
    changed = {d: chr(zero + int(d)) for d in _DIGITS if random.random() < share}
    if random.random() < 0.1:
        changed["2"] = "\u00b2"
    return "".join(changed.get(character, character) for character in messy_phone(random))


def _marked(random: Random) -> str:
    """Return a number between invisible marks, as copied from a contact card."""
    text = random.choice([messy_phone, _example])(random)
    at = random.choice([0, len(text), random.randint(0, len(text))])
    return text[:at] + random.choice(_MARKS) + text[at:] + random.choice(["", *_MARKS])


def _extended(random: Random) -> str:
    """Return a number with an extension, or nearly one."""
    label = random.choice(_LABELS)
    text = random.choice([messy_phone, _example, _digits])(random)
    return f"{text}{label}{_some_digits(random, 9)}{random.choice(['', '', '#', ')', '.'])}"


def _uri(random: Random) -> str:
    """Return a tel: URI, or a sentence around one."""
    before = random.choice(["tel:", "TEL:", "tel: ", "My number is tel:", "whatsapp:", "sip:"])
    context = random.choice(["", "", ";phone-context=+1", ";phone-context=a.b", ";isub=12", ";x=1"])
    return f"{before}{random.choice([messy_phone, _example])(random)}{context}"


def _junk(random: Random) -> str:
    """Return any characters at all, most of them from around the edges."""
    alphabet = _EDGES + _DIGITS * 4 + "abcAé\u0300\u05d0\U0001f4de\ud800\0"
    return "".join(random.choices(alphabet, k=random.randint(0, 24)))


def _long(random: Random) -> str:
    """Return a text about as long as libphonenumber reads."""
    length = random.randint(240, 260)
    return messy_phone(random).center(length, random.choice(" -.\u00a0a0"))


KINDS: tuple[Callable[[Random], str], ...] = (
    *(messy_phone, _mutated, _mutated, _example, _example, _calling_code, _own_calling_code),
    *(_digits, _other_digits, _marked, _extended, _extended, _uri, _junk, _long),
)
"""Every kind of string; those that come twice are drawn twice as often."""


def phone_texts(random: Random) -> Iterator[str]:
    """Give strings of every kind without end."""
    while True:
        for kind in KINDS:
            yield kind(random)


def _some_digits(random: Random, at_most: int) -> str:
    return "".join(random.choices(_DIGITS, k=random.randint(0, at_most)))


@cache
def oracle_values() -> tuple[tuple[str, str | None], ...]:
    """Return every value of the phone oracle with its default region."""
    with (_DATA / "phone_oracle" / "phone_oracle.csv").open(encoding="utf-8", newline="") as lines:
        return tuple((row["raw"], row["region"] or None) for row in csv.DictReader(lines))


@cache
def real_phones() -> tuple[str, ...]:
    """Return the distinct values of the column phone of every data set, in text order."""
    found: set[str] = set()
    for table in [*_DATA.glob("*/*.csv"), *_DATA.glob("*/*.csv.gz")]:
        opener = gzip.open if table.suffix == ".gz" else open
        with opener(table, "rt", encoding="utf-8", newline="") as lines:
            found.update(row.get("phone") or "" for row in csv.DictReader(lines))
    return tuple(sorted(found))


@cache
def _examples() -> tuple[phonenumbers.PhoneNumber, ...]:
    """Return the example numbers of every region, every type and every global service."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in PhoneNumberType.values()
    ]
    found += map(
        phonenumbers.example_number_for_non_geo_entity,
        sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS),
    )
    return tuple(number for number in found if number is not None)


def _format_numbers() -> tuple[int, ...]:
    kinds = PhoneNumberFormat
    return (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL, kinds.RFC3966)
