"""What is asked beside a closed set: dependents of its leads, and links that nobody explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from leadfold import asking

if TYPE_CHECKING:
    from collections.abc import Collection

    from leadfold.asking import Stream
    from leadfold.repository import DependentCount

__all__ = ["Beside"]


class Beside:
    """The counts of dependents, and with *pinning* the leads whose link nobody explains."""

    def __init__(self, *, pinning: bool) -> None:
        self.dependents: list[DependentCount] = []
        self.unexplained: set[str] = set()
        self._pinning = pinning
        self._asked: set[str] = set()

    def missing(self, leads: Collection[str]) -> list[str]:
        """Return those of *leads* that nothing was asked about yet."""
        return sorted({*leads} - self._asked)

    def questions(self, leads: Collection[str]) -> list[Stream[object]]:
        """Return what to ask about *leads*, each of which is asked about once."""
        if not leads:
            return []
        self._asked.update(leads)
        asked: list[object] = [asking.dependents(leads)]
        if self._pinning:
            asked.append(asking.unexplained(leads))
        return cast("list[Stream[object]]", asked)

    def note(self, answers: list[object]) -> None:
        """Keep the *answers* to these questions."""
        if answers:
            self.dependents += cast("list[DependentCount]", answers[0])
            self.unexplained.update(*cast("list[list[str]]", answers[1:]))
