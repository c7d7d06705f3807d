"""The identity index of a whole store, written without deciding anything: what a resolver needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.backfill.applying import Report, applying
from leadfold.backfill.snapshot import read_snapshot
from leadfold.changes import ChangeSet, Reindex, Stats, Unit
from leadfold.errands import look
from leadfold.reporter import SILENT
from leadfold.repository import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import Run
    from leadfold.errands import Errand
    from leadfold.policy import Policy

__all__ = ["indexing"]


def indexing(policy: Policy, run: Run) -> Errand[Report]:
    """Write what every lead and customer record holds, where the index says something else.

    Where it says so already nothing is written, and there is no run.

    A record that is edited meanwhile is left out and reported: who edits it resolves it.
    """
    snapshot = yield from look(read_snapshot(policy, SILENT, keep_raw_phones=False))
    stats, facts = Stats(extra={"indexed": sum(snapshot.changed)}), snapshot.facts
    if not any(snapshot.changed) and facts.fingerprint == policy.fingerprint:
        return Report(run.id, stats, (), 0)
    changes = ChangeSet(run, _Entries(snapshot), stats, facts.clock, on_stale="skip")
    return (yield from applying(changes, SILENT))


class _Entries:
    """A unit for each record whose entry is to be written; may be walked repeatedly."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __iter__(self) -> Iterator[Unit]:
        snapshot, number = self._snapshot, 0
        for row, changed in enumerate(snapshot.changed):
            if not changed:
                continue
            record, version = snapshot.ids[row], snapshot.versions[row]
            entry = Reindex(record, snapshot.columns.identifiers(row))
            if snapshot.is_lead(row):
                yield Unit(number, {record: version}, {}, (entry,))
            else:
                yield Unit(number, {}, {record.removeprefix(RECORD): version}, (entry,))
            number += 1
