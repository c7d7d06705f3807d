"""What a validation answers: checks, each with what was expected and what is so. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.masking import some
from leadfold.sheets import FEW, Note, Sheet, Shown, Table

if TYPE_CHECKING:
    from leadfold.sheets import Names

__all__ = ["Check", "Severity", "Validation"]

Severity = Literal["fail", "warn"]
"""Whether a check that is not ok makes the whole validation not ok, or asks for a look."""


_TONES: dict[Severity, Literal["bad", "look"]] = {"fail": "bad", "warn": "look"}


@attrs.frozen
class Check:
    """One statement about a store: what was *expected*, what is *actual*, the verdict *ok*.

    *samples* names some of what is wrong, in text order: ids, and identifiers by their mask.
    """

    name: str
    expected: str
    actual: str
    severity: Severity
    ok: bool
    samples: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Return ``ok``, or else the severity."""
        return "ok" if self.ok else self.severity

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {**attrs.asdict(self), "samples": list(self.samples)}


@attrs.frozen
class Validation(Shown):
    """The checks of a store, in a fixed order.

    >>> Validation((Check("large customers", "0", "1", "warn", ok=False),)).ok
    True
    """

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every check of severity ``fail`` is ok; a warning spoils nothing."""
        return all(check.ok for check in self.checks if check.severity == "fail")

    def __getitem__(self, name: str) -> Check:
        """Return the check called *name*."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {"ok": self.ok, "checks": [check.to_dict() for check in self.checks]}

    def sheet(self, names: Names) -> Sheet:
        """Return every check, with its verdict; samples are masked already."""
        del names
        wrong = [check for check in self.checks if not check.ok]
        rows = tuple(
            (each.verdict, each.name, each.expected, each.actual, some(each.samples, FEW))
            for each in self.checks
        )
        head = ("verdict", "check", "expected", "actual", "for example")
        return Sheet(
            "Validation",
            f"{len(rows):,} checks",
            (
                *(Note(f"{each.name}: {each.actual}", _TONES[each.severity]) for each in wrong),
                *(() if wrong else (Note("Every check is ok", "good"),)),
                Table("Checks", head, rows, len(rows)),
            ),
        )
