"""One set of phone rules at work: the fast path first, phonenumbers for whatever it leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from leadfold.normalizers.fast_phone import NOT_CLAIMED, FastPhone
from leadfold.normalizers.phone_library import ask_library
from leadfold.normalizers.plain_phones import plain_phones
from leadfold.normalizers.reason import MISSING, Reason, is_missing, require_text
from leadfold.normalizers.whatsapp import FOLDED_CODES, with_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leadfold.normalizers.phone_library import PhoneRule
    from leadfold.normalizers.plain_shape import PlainShape

    _Shortcut = Callable[[str], str | Reason | None]

__all__ = ["PhoneReader"]

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
        path = FastPhone(rule.region, strict=rule.strict) if fast else None
        plain = not rule.whatsapp and rule.default_area is None
        self._plain_path = path if plain else None
        self._shortcut: _Shortcut = _step_aside
        if path is not None:
            self._shortcut = path.read if plain else partial(_by_options, path=path, rule=rule)

    def plain_shapes(self) -> tuple[PlainShape, ...]:
        """Return the shapes of numbers that touch no rule; none where most touch one."""
        region, strict = self.rule.region, self.rule.strict
        return plain_phones(region, strict=strict) if self._plain_path and region else ()

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
        if self._plain_path is None:
            return [self.read(raw, field) for raw in raws]
        read_bulk = self._plain_path.read_all
        cells = raws if isinstance(raws, list) else list(raws)
        present = [raw for raw in cells if raw is not None]
        answers: list[str | Reason] = []
        for start in range(0, len(present), _CHUNK):
            chunk = present[start : start + _CHUNK]
            texts = [raw if isinstance(raw, str) else NOT_CLAIMED for raw in chunk]
            answers += [
                self.read(raw, field) if found is None else found
                for raw, found in zip(chunk, read_bulk(texts), strict=True)
            ]
        if len(present) == len(cells):
            return answers
        found_in_order = iter(answers)
        return [MISSING if raw is None else next(found_in_order) for raw in cells]


def _by_options(text: str, *, path: FastPhone, rule: PhoneRule) -> str | Reason | None:
    """Take the fast answer where neither option of *rule* can have a say in it."""
    if not rule.whatsapp:
        found = path.read(text)
        return None if found is Reason.LOCAL_ONLY else found
    found = path.read(with_plus(text))
    return found if isinstance(found, str) and not found.startswith(FOLDED_CODES) else None


def _step_aside(_text: str) -> None:
    """Claim nothing, so that phonenumbers is asked about everything."""
