"""Which leads of a closed set have a link that nobody explains: asked for beside look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import asking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from leadfold.asking import Stream

__all__ = ["Unexplained"]


class Unexplained:
    """The leads whose link nobody explains, where that is *wanted*; else none."""

    def __init__(self, *, wanted: bool) -> None:
        self.leads: set[str] = set()
        self._wanted = wanted
        self._asked: set[str] = set()

    def questions(self, leads: Collection[str]) -> list[Stream[str]]:
        """Return what to ask about *leads*, each of which is asked about once."""
        missing = {*leads} - self._asked
        if not self._wanted or not missing:
            return []
        self._asked |= missing
        return [asking.unexplained(sorted(missing))]

    def note(self, answers: Iterable[list[str]]) -> None:
        """Keep the *answers* to these questions."""
        self.leads.update(*answers)
