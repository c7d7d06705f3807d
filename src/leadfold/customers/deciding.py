"""What merges, splits and erasures share: one unit, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.backfill.applying import apply_changes
from leadfold.changes import ChangeSet, Rule, Unit, planned_stats
from leadfold.reporter import SILENT
from leadfold.rulings import lifted_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadfold.backfill.applying import Report
    from leadfold.changes import Change, Run
    from leadfold.model import Ruling
    from leadfold.repository import Reader, Repository

__all__ = ["ruled", "write"]


def ruled(ruling: Ruling, reader: Reader) -> Iterator[Change]:
    """Yield what brings *ruling* into force, and takes out what it contradicts."""
    for old in lifted_by(ruling, reader.rulings()):
        yield Rule(old, in_force=False)
    yield Rule(ruling, in_force=True)


def write(repository: Repository, run: Run, changes: Iterable[Change]) -> Report:
    """Write *changes* as the one unit of *run*.

    Raises:
        StalePlanError: rows changed while this was decided.
        StoreError: the store would not take it; nothing was written.
    """
    unit = Unit(0, {}, {}, tuple(changes))
    wanted = ChangeSet(run, [unit], planned_stats([unit]), on_fault="refuse")
    return apply_changes(wanted, repository, SILENT)
