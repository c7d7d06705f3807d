"""One set of phone rules at work: the fast path first, phonenumbers for whatever it leaves."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.fast_phone import FastPhone
from leadfold.normalizers.phone_library import ask_library
from leadfold.normalizers.reason import Reason, is_missing, require_text
from leadfold.normalizers.whatsapp import FOLDED_CODES, with_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leadfold.normalizers.phone_library import PhoneRule

    _Shortcut = Callable[[str], str | Reason | None]

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
        self._has_options = rule.whatsapp or rule.default_area is not None
        self._shortcut = self._choose_shortcut()

    def _choose_shortcut(self) -> _Shortcut:
        """Return the quickest way that may answer, or step aside with None."""
        if self._fast is None:
            return _step_aside
        return self._read_by_options if self._has_options else self._fast.read

    def read(self, raw: object, field: str) -> str | Reason:
        """Answer for one cell; a TypeError names *field*."""
        if isinstance(raw, str):
            found = self._shortcut(raw)
            return ask_library(raw, self.rule) if found is None else found
        if not is_missing(raw):
            require_text(raw, field)
        return Reason.MISSING

    def read_all(self, raws: Iterable[object], field: str) -> list[str | Reason]:
        """Answer for many cells, in order."""
        if not self._in_bulk:
            return [self.read(raw, field) for raw in raws]
        answers: list[str | Reason] = []
        cells = iter(raws)
        while chunk := list(islice(cells, _CHUNK)):
            answers += self._read_chunk(chunk, field)
        return answers

    def _read_chunk(self, chunk: list[object], field: str) -> list[str | Reason]:
        texts = [raw if isinstance(raw, str) else _NOT_CLAIMED for raw in chunk]
        return [
            self.read(raw, field) if found is None else found
            for raw, found in zip(chunk, self._fast.read_all(texts), strict=True)
        ]

    def _read_by_options(self, text: str) -> str | Reason | None:
        """Take the fast answer where neither option can have a say in it."""
        if not self.rule.whatsapp:
            found = self._fast.read(text)
            return None if found is Reason.LOCAL_ONLY else found
        found = self._fast.read(with_plus(text))
        return found if isinstance(found, str) and not found.startswith(FOLDED_CODES) else None


def _step_aside(_text: str) -> None:
    """Claim nothing, so that phonenumbers is asked about everything."""
