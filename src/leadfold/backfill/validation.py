"""What a validation answers: checks, each with what was expected and what is so. Values only."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["Check", "Severity", "Validation"]

Severity = Literal["fail", "warn"]
"""Whether a check that is not ok makes the whole validation not ok, or asks for a look."""


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
class Validation:
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
