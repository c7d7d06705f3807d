"""A backfill as a person watches it: its stages told, its progress shown, its phases timed."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from leadfold.changes import Link
from leadfold.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.changes import Unit
    from leadfold.cli.screen import Advance, Screen

__all__ = ["STAGES", "Watcher"]

STAGES = 4
"""Into how many stages the original cut a backfill, and so do we."""


class Watcher(Reporter):
    """Hears a backfill for *screen*; `phases` has the seconds of what is over."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._advance: Advance | None = None
        self._last_read = 0.0
        self.phases: dict[str, float] = {}

    def stage(self, number: int, of: int, name: str) -> None:
        """Tell of the stage that begins."""
        if number > 1:
            self._screen.say()
        self._screen.say(f"[{number}/{of}] {name}...")

    def leads_read(self, count: int) -> None:
        """Move the bar, and remember the time: what comes after the last batch is grouping."""
        self._last_read = perf_counter()
        self._move(count)

    def unit_sent(self, unit: Unit) -> None:
        """Move the bar by the leads that *unit* links."""
        self._move(sum(isinstance(change, Link) for change in unit.changes))

    @contextmanager
    def planning(self) -> Iterator[None]:
        """Watch and time the making of a plan."""
        began = self._last_read = perf_counter()
        with self._bar("Reading leads", None):
            yield
        self.phases["Reading"] = self._last_read - began
        self.phases["Grouping"] = perf_counter() - self._last_read

    @contextmanager
    def writing(self, links: int, what: str = "Linking leads") -> Iterator[None]:
        """Watch and time the writing of a plan that changes the links of so many leads."""
        with self.timing("Writing"), self._bar(what, links):
            yield

    @contextmanager
    def timing(self, phase: str) -> Iterator[None]:
        """Time a phase that has nothing to watch."""
        began = perf_counter()
        yield
        self.phases[phase] = perf_counter() - began

    @contextmanager
    def _bar(self, what: str, total: int | None) -> Iterator[None]:
        with self._screen.progress(what, total) as advance:
            self._advance = advance
            yield
        self._advance = None

    def _move(self, count: int) -> None:
        if self._advance is not None:
            self._advance(count)
