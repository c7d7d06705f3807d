"""One set of phone rules at work: the fast path first, phonenumbers for whatever it leaves."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.fast_phone import FastPhone
from leadfold.normalizers.phone_library import ask_library
from leadfold.normalizers.reason import Reason, is_missing, require_text
from leadfold.normalizers.whatsapp import FOLDED_CODES, with_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.normalizers.phone_library import PhoneRule

__all__ = ["PhoneReader"]

_NOT_CLAIMED: Final = ";"  # stands for what is no text: the fast path always leaves it
_CHUNK: Final = 4096  # enough to make joining pay, small enough to stay in the cache


class PhoneReader:
    """Answers for raw cells, one by one or many at once, under one rule.

    >>> from leadfold.normalizers.phone_library import PhoneRule
    >>> reader = PhoneReader(PhoneRule("US"), fast=True)
    >>> reader.read("(415) 555-2671", "phone")
    '+14155552671'
    >>> reader.read_all(["n/a", None], "phone")
    [<Reason.NOT_A_NUMBER: 'not_a_number'>, <Reason.MISSING: 'missing'>]
    """

    def __init__(self, rule: PhoneRule, *, fast: bool) -> None:
        self.rule = rule
        self._fast = FastPhone(rule.region, strict=rule.strict) if fast else None
        self._plain = not rule.whatsapp and rule.default_area is None

    def read(self, raw: object, field: str) -> str | Reason:
        """Answer for one cell; a TypeError names *field*."""
        if self._fast is not None and isinstance(raw, str):
            found = self._fast.read(raw) if self._plain else self._read_by_options(raw, self._fast)
            if found is not None:
                return found
        if is_missing(raw):
            return Reason.MISSING
        return ask_library(require_text(raw, field), self.rule)

    def read_all(self, raws: Iterable[object], field: str) -> list[str | Reason]:
        """Answer for many cells, in order."""
        if self._fast is None or not self._plain:
            return [self.read(raw, field) for raw in raws]
        answers: list[str | Reason] = []
        cells = iter(raws)
        while chunk := list(islice(cells, _CHUNK)):
            answers += self._read_chunk(chunk, self._fast, field)
        return answers

    def _read_chunk(self, chunk: list[object], fast: FastPhone, field: str) -> list[str | Reason]:
        texts = [raw if isinstance(raw, str) else _NOT_CLAIMED for raw in chunk]
        return [
            self.read(raw, field) if found is None else found
            for raw, found in zip(chunk, fast.read_all(texts), strict=True)
        ]

    def _read_by_options(self, text: str, fast: FastPhone) -> str | Reason | None:
        """Take the fast answer where neither option can have a say in it."""
        if not self.rule.whatsapp:
            found = fast.read(text)
            return None if found is Reason.LOCAL_ONLY else found
        found = fast.read(with_plus(text))
        return found if isinstance(found, str) and not found.startswith(FOLDED_CODES) else None
