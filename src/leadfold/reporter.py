"""How the engine and the backfill are observed: methods that do nothing until overridden."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadfold.changes import Unit

__all__ = ["SILENT", "Reporter"]


class Reporter:
    """Override what you want to hear of; every method does nothing here.

    A reporter is for progress and metrics: what it hears of may still be rolled back.
    """

    def stage(self, number: int, of: int, name: str) -> None:
        """Hear that stage *number* of *of* begins, and what it does."""

    def leads_read(self, count: int) -> None:
        """Hear that *count* more leads were read."""

    def unit_sent(self, unit: Unit) -> None:
        """Hear that *unit* was handed to the store."""


SILENT = Reporter()
"""The reporter that hears everything and says nothing."""
