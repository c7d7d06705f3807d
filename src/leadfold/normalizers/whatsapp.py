"""The opt-in rule for phone numbers as WhatsApp writes them. Digits in, digits out.

WhatsApp identifies a person by the digits of an international number without the plus, and
in three countries the same person comes with and without one more digit:

========= ============================= ====================== ===========================
country   variants                      the canonical one      why
========= ============================= ====================== ===========================
Brazil    +55 AA NNNN-NNNN and          with the ninth digit   every mobile number has had
          +55 AA 9NNNN-NNNN                                    it since November 2016
Mexico    +52 and ten digits, and       without the 1          the 1 was abolished in
          +52 1 and ten digits                                 August 2019
Argentina +54 and ten digits, and       with the 9             WhatsApp asks for it, and a
          +54 9 and ten digits                                 mobile is reached by it
========= ============================= ====================== ===========================

The canonical variant is the one that a mobile phone is dialled by from abroad, which is the
E.164 form. Sources: the numbering plans of ANATEL, IFT and ENACOM as libphonenumber carries
them; WhatsApp's help page on international numbers for Argentina; the pairs in
tests/data/phone_oracle, from Chatwoot's WhatsApp specs.

What the rule costs: an Argentine landline and the mobile number that differs from it by the 9
become one key. Where that matters, leave the rule off.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["FOLDED_CODES", "WHATSAPP_RULE_VERSION", "fold", "with_plus"]

WHATSAPP_RULE_VERSION: Final = "1"
"""Rises whenever an answer of this rule changes."""

_FOLDS: Final = {
    52: (re.compile(r"1(\d{10})"), r"\1"),
    54: (re.compile(r"([1-3]\d{9})"), r"9\1"),  # area codes: 11, 2.., 3..; not 800, 600, 810
    55: (re.compile(r"([1-9]{2})([6-9]\d{7})"), r"\g<1>9\2"),  # 2 to 5 begin landlines
}

FOLDED_CODES: Final = tuple(f"+{code}" for code in _FOLDS)
"""How the numbers begin that `fold` may change."""


def with_plus(text: str) -> str:
    """Read bare digits as an international number; leave any other text alone.

    >>> with_plus(" 447700900123 "), with_plus("020 7946 0958")
    ('+447700900123', '020 7946 0958')
    """
    bare = text.strip()
    return f"+{bare}" if bare.isascii() and bare.isdecimal() else text


def fold(calling_code: int, national: str) -> str:
    """Return the canonical variant of the *national* number of a *calling_code*.

    >>> fold(55, "4188887777"), fold(52, "15512345678"), fold(54, "1143215678")
    ('41988887777', '5512345678', '91143215678')
    >>> fold(55, "1133334444"), fold(44, "7700900123")  # a landline; another country
    ('1133334444', '7700900123')
    """
    pattern, canonical = _FOLDS.get(calling_code, (None, ""))
    found = pattern.fullmatch(national) if pattern else None
    return found.expand(canonical) if found else national
