"""The identity index brought up to date: what a resolver looks leads up by. It decides nothing."""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.applying import Report, applying
from leadfold.backfill.snapshot import read_snapshot
from leadfold.backfill.waiting import EDITED
from leadfold.changes import ChangeSet, Queue, Reindex, Stats, Unit
from leadfold.errands import look
from leadfold.exceptions import IndexOutdatedError
from leadfold.reporter import SILENT
from leadfold.repository import RECORD
from leadfold.resolving.queueing import pending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import Change, Run
    from leadfold.errands import Errand
    from leadfold.model import Identifier
    from leadfold.policy import Policy
    from leadfold.repository import LeadBatch

__all__ = ["indexing"]


def indexing(policy: Policy, run: Run, since: datetime | None) -> Errand[Report]:
    """Write what leads and customer records hold, where the index says something else.

    All of them, or those that came or were edited *since*. Where it says so already nothing is
    written, and there is no run. Under another policy than the index's all is written anew; else
    a lead that is found to differ waits to be decided.

    A record that is edited meanwhile is left out and reported: who edits it resolves it.

    Raises:
        IndexOutdatedError: there is no index, or one of another policy, and only a part was asked.
        MappingError: no column tells when leads were edited.
    """
    found = yield from look(_found(policy, since, run.at))
    facts, stats = found.snapshot.facts, _stats(found)
    if not any(stats.extra.values()) and found.is_current:
        return Report(run.id, stats, (), 0)
    changes = ChangeSet(run, found, stats, facts.clock, on_stale="skip")
    report = yield from applying(changes, SILENT)
    left_out = {failure.unit for failure in report.failures}
    written = _stats(unit for unit in found if unit.number not in left_out)
    return attrs.evolve(report, stats=attrs.evolve(report.stats, extra=written.extra))


def _stats(units: Iterable[Unit]) -> Stats:
    found = Counter(type(change) for unit in units for change in unit.changes)
    return Stats(extra={"indexed": found[Reindex], "queued": found[Queue]})


@attrs.frozen
class _Found:
    """A unit for each record whose entry is to be written; may be walked repeatedly.

    Of an index that *is_current*, *held* is what it holds for the leads that differ from it, and
    *queued* are those that wait already. *rowless* are the records that are no row.
    """

    snapshot: Snapshot
    is_current: bool
    held: Mapping[str, tuple[Identifier, ...] | None]
    queued: frozenset[str]
    rowless: tuple[str, ...]

    def __iter__(self) -> Iterator[Unit]:
        number = 0
        for row in compress(range(len(self.snapshot.ids)), self.snapshot.changed):
            record, version = self.snapshot.ids[row], self.snapshot.versions[row]
            if changes := tuple(self._entry(record, self.snapshot.columns.identifiers(row))):
                if self.snapshot.is_lead(row):
                    yield Unit(number, {record: version}, {}, changes)
                else:
                    yield Unit(number, {}, {record.removeprefix(RECORD): version}, changes)
                number += 1
        for record in self.rowless:
            if changes := tuple(self._gone(record)):
                yield Unit(number, {}, {}, changes)
                number += 1

    def _entry(self, record: str, now: tuple[Identifier, ...]) -> Iterator[Change]:
        if not self.is_current or record.startswith(RECORD):
            yield Reindex(record, now)
            return
        held = self.held[record]
        entry = pending(held, now)
        if entry != held:
            yield Reindex(record, entry)
        if record not in self.queued:
            yield Queue(record, EDITED)

    def _gone(self, record: str) -> Iterator[Change]:
        """Yield what becomes of a record without a row: a lead's entry says who must be parted."""
        if not self.is_current or record.startswith(RECORD):
            yield Reindex(record, ())
        elif record not in self.queued:
            yield Queue(record, EDITED)


def _found(policy: Policy, since: datetime | None, now: datetime) -> Asks[_Found]:
    is_current = (yield from asking.facts()).fingerprint == policy.fingerprint
    if since is None:
        snapshot = yield from read_snapshot(policy, SILENT, keep_raw_phones=False)
        told = yield from asking.rowless().whole()
        rowless = tuple(each.record_id for each in told if not each.is_awaited(now))
    elif is_current:
        ids = yield from asking.edited(since).whole()
        snapshot = yield from read_snapshot(policy, SILENT, keep_raw_phones=False, lead_ids=ids)
        rowless = ()
    else:
        raise IndexOutdatedError
    differing = compress(snapshot.ids[: snapshot.leads], snapshot.changed)
    held = (yield from _held(list(differing))) if is_current else {}
    queued = yield from _queued(rowless, snapshot)
    return _Found(snapshot, is_current, held, queued, rowless)


def _held(leads: Sequence[str]) -> Asks[dict[str, tuple[Identifier, ...] | None]]:
    """Return what the index holds for *leads*."""
    held: dict[str, tuple[Identifier, ...] | None] = {}

    def look_at(batch: LeadBatch) -> None:
        held.update(zip(batch.ids, batch.indexed, strict=True))

    if leads:
        yield from asking.leads(leads).each(look_at)
    return held


def _queued(rowless: Sequence[str], snapshot: Snapshot) -> Asks[frozenset[str]]:
    """Return which leads wait already, of those with a row and those without."""
    queued = {*snapshot.queued}
    if rowless:
        yield from asking.queued().each(lambda entry: queued.add(entry.lead_id))
    return frozenset(queued)
