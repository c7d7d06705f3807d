"""What merges, splits and erasures share: one unit, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import asking
from leadfold.backfill.applying import applying
from leadfold.changes import ChangeSet, Rule, Unit, counts_patch, planned_stats
from leadfold.errands import look
from leadfold.reporter import SILENT
from leadfold.rulings import lifted_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.asking import Asks
    from leadfold.backfill.applying import Report
    from leadfold.changes import Change, PatchCustomer, Run
    from leadfold.customers.reading import StoredCustomer
    from leadfold.errands import Errand
    from leadfold.model import Ruling

__all__ = ["decide", "recounted", "ruled"]


def ruled(ruling: Ruling) -> Asks[list[Change]]:
    """Return what brings *ruling* into force, and takes out what it contradicts."""
    lifted = lifted_by(ruling, (yield from asking.rulings()))
    return [*(Rule(old, in_force=False) for old in lifted), Rule(ruling, in_force=True)]


def recounted(stored: StoredCustomer, leads: int) -> Iterator[PatchCustomer]:
    """Yield what sets the counts of a customer to *leads*, where they are leadfold's to keep."""
    if stored.made_by is not None:
        patch = counts_patch(stored.row.id, stored.row.metadata, leads)
        if patch is not None:
            yield patch


def decide(run: Run, asks: Asks[Sequence[Change]]) -> Errand[Report]:
    """Ask in one snapshot what to change, and write that as the one unit of *run*.

    Raises:
        StalePlanError: rows changed while this was decided.
        StoreError: the store would not take it; nothing was written.
    """
    unit = Unit(0, {}, {}, tuple((yield from look(asks))))
    wanted = ChangeSet(run, [unit], planned_stats([unit]), on_fault="refuse")
    return (yield from applying(wanted, SILENT))
