"""Strings that are addresses, were addresses, or nearly are; the same ones for the same seed.

Every border that `leadfold.normalizers.fast_email` draws has strings on both of its sides.
"""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["email_strings"]

_NAMES = (
    *("ann", "j.doe", "Ann.O'Neil", "j_d-1", "a+tag", "first.last+x+y", "x", "007"),
    *("INFO", "Sales", "postmaster", "WWW", "aBuSe", "!#$%&*/=?^`{|}~"),
    *("josé", "伊昭傑", "jose\u0301", "İstanbul", "ΑΣ"),
)
_DOMAINS = (
    *("example.com", "Mail.Example.ORG", "gmail.com", "a.b", "a-b.c-d.io", "1and1.com", "x.co.uk"),
    *("sub.sub.sub.example.net", "example.museum", "local.com", "latest.test.com", "a.contest"),
)
_ODD_DOMAINS = (
    *("bücher.example", "xn--bcher-kva.example", "xn--bcher.example", "example.xn--p1ai"),
    *("邮件.商务", "\uff45xample.com", "example\u3002com", "אב.1.com"),  # full-width letter, dot
    *("ab--cd.com", "a--b.com", "abc--d.com", "-a.com", "a-.com", "a.-b.com", "a..com", "example"),
    *("example.c0m", "example.c0", "example.123", "example.c-m", "127.0.0.1", "[127.0.0.1]"),
    *("localhost", "x.localhost", "x.LOCAL", "a.test", "b.invalid", "in-addr.arpa", "x.onion"),
    *("com.", ".com", "under_score.com", ""),
)
_WHOLE = (
    *("", " ", "n/a", "none", "-", "@", "@@", "ann@", "@example.com", "ann@@example.com"),
    *("ann@example.com, bob@example.com", "Ann <ann@example.com>", "<ann@example.com>"),
    *('"ann"@example.com', '"a b"@example.com', "mailto:ann@example.com", "ann at example.com"),
    *("ann\uff20example.com", "ann(comment)@example.com", "+1 555 123 4567", "ann.example.com"),
)
_PADDING = (
    *(" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x1c", "\x1f"),
    *("\x85", "\u00a0", "\u3000", "\ufeff"),
)
_CHARACTERS = (
    "aAzZ09.@-_+ '\"\\,;:()<>[]#!~%"
    "\x00\x07\x7f\x80\u200b\u200e\u202e\ud800\udfff"  # controls, marks, lone surrogates
    "\u0301\u0338"  # accents that compose with the letter, or the "<", before them
    "\u0130\u0131\u017f\u212aßςΣé😀"  # capitals and letters of uneven case
    "\uff21\uff0e\u3002\ufe6b\u0663"  # full-width letter and dots, small at-sign, Arabic three
)
_CASES: tuple[Callable[[str], str], ...] = (str.upper, str.title, str.swapcase)


def email_strings(count: int, *, seed: int) -> Iterator[str]:
    """Yield *count* strings: addresses as people write them, with none to four mutations."""
    return islice(_all_strings(random.Random(seed)), count)  # noqa: S311 - repeatable, not secret


def _all_strings(rng: random.Random) -> Iterator[str]:
    while True:
        text = _address(rng)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 4))):
            text = rng.choice(_MUTATIONS)(rng, text)
        yield text


def _address(rng: random.Random) -> str:
    if not rng.randrange(12):
        return rng.choice(_WHOLE)
    domain = rng.choice(_DOMAIN_MAKERS)(rng)
    return f"{rng.choice(_NAMES)}{rng.choice(('', str(rng.randrange(100))))}@{domain}"


def _good_domain(rng: random.Random) -> str:
    return rng.choice(_DOMAINS)


def _odd_domain(rng: random.Random) -> str:
    return rng.choice(_ODD_DOMAINS)


def _random_domain(rng: random.Random) -> str:
    lengths = [rng.choice((1, 2, 3, 4, 5, 9)) for _ in range(rng.randint(1, 4))]
    return ".".join("".join(rng.choices("abcxyzABC019--", k=length)) for length in lengths)


_DOMAIN_MAKERS: tuple[Callable[[random.Random], str], ...] = (
    *(_good_domain, _good_domain, _good_domain),
    *(_odd_domain, _random_domain),
)


def _somewhere(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Split *text* around one character; there is none in the middle where there is no text."""
    at = rng.randrange(len(text)) if text else 0
    return text[:at], text[at : at + 1], text[at + 1 :]


def _insert(rng: random.Random, text: str) -> str:
    before, character, after = _somewhere(rng, text)
    return before + rng.choice(_CHARACTERS) + character + after


def _delete(rng: random.Random, text: str) -> str:
    before, _, after = _somewhere(rng, text)
    return before + after


def _replace(rng: random.Random, text: str) -> str:
    before, _, after = _somewhere(rng, text)
    return before + rng.choice(_CHARACTERS) + after


def _repeat(rng: random.Random, text: str) -> str:
    before, character, after = _somewhere(rng, text)
    return before + character * rng.choice((2, 3, 60, 63, 64, 200, 250)) + after


def _change_case(rng: random.Random, text: str) -> str:
    return rng.choice(_CASES)(text)


def _pad(rng: random.Random, text: str) -> str:
    return rng.choice(_PADDING) * rng.randint(0, 2) + text + rng.choice(_PADDING)


def _add_label(rng: random.Random, text: str) -> str:
    """Reach for the lengths at which a label or a domain is too long."""
    name, at, domain = text.rpartition("@")
    label = rng.choice("abz09") * rng.choice((1, 30, 48, 51, 52, 61, 62, 63, 64))
    return f"{name}{at}{label}{rng.choice('..-')}{domain}"


def _fill_up(rng: random.Random, text: str) -> str:
    """Make the whole as long as an address may be, or one more or less."""
    wanted = 254 + rng.randint(-1, 1)
    return rng.choice("ab1") * (wanted - len(text)) + text


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    *(_insert, _delete, _replace, _insert, _delete, _replace),
    *(_repeat, _change_case, _pad, _add_label, _fill_up),
)
