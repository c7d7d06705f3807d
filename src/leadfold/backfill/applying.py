"""Writing a finished plan. Imports neither grouping nor normalizing: it cannot decide anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.changes import ChangeSet, Stats, Unit, UnitFailure
    from leadfold.reporter import Reporter
    from leadfold.repository import Repository

__all__ = ["Report", "apply_changes"]


@attrs.frozen
class Report:
    """What a run wrote.

    *stats* are its figures, *failures* the units left out, *statements* how many the store took.
    """

    run_id: str
    stats: Stats
    failures: tuple[UnitFailure, ...]
    statements: int

    @property
    def outcome(self) -> str:
        """Return ``done``, or ``partial`` where units were left out."""
        return "partial" if self.failures else "done"


def apply_changes(changes: ChangeSet, repository: Repository, reporter: Reporter) -> Report:
    """Commit *changes*, letting *reporter* hear of each unit as it is sent."""
    heard = attrs.evolve(changes, units=_heard(changes.units, reporter))
    committed = repository.commit(heard)
    return Report(changes.run.id, committed.stats, committed.failures, committed.statements)


def _heard(units: Iterable[Unit], reporter: Reporter) -> Iterator[Unit]:
    for unit in units:
        reporter.unit_sent(unit)
        yield unit
