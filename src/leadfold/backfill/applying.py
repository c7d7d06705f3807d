"""Writing a finished plan. Imports neither grouping nor normalizing: it cannot decide anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.errands import run, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.changes import ChangeSet, Stats, Unit, UnitFailure
    from leadfold.errands import Errand
    from leadfold.reporter import Reporter
    from leadfold.repository import Repository

__all__ = ["Report", "apply_changes", "applying"]


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
    return run(applying(changes, reporter), repository)


def applying(changes: ChangeSet, reporter: Reporter) -> Errand[Report]:
    """Commit *changes*, likewise, to whichever kind of repository."""
    heard = attrs.evolve(changes, units=_heard(changes.units, reporter))
    committed = yield from write(heard)
    return Report(changes.run.id, committed.stats, committed.failures, committed.statements)


def _heard(units: Iterable[Unit], reporter: Reporter) -> Iterator[Unit]:
    for unit in units:
        reporter.unit_sent(unit)
        yield unit
